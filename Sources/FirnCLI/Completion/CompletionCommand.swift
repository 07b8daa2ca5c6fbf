/// `firn completion`: a script that lets a shell complete command lines.
enum CompletionCommand {
  static let declaration = ArgumentParser.Command(
    name: "completion", summary: "print a script that completes command lines",
    positionals: [.init(name: "SHELL", help: "bash, zsh or fish", choices: ["bash", "zsh", "fish"])],
    examples: [
      .init(line: "source <(firn completion bash)", meaning: "complete in this shell"),
      .init(line: "firn completion fish > ~/.config/fish/completions/firn.fish", meaning: "in every fish"),
    ])

  /// - Parameter parser: of the command lines that are to be completed.
  static func run(_ arguments: ParsedArguments, in shell: Shell, for parser: ArgumentParser) -> Int32 {
    let script = CompletionScript(parser)
    switch arguments.positionals[0] {
    case "bash": shell.output(script.bash)
    case "zsh": shell.output(script.zsh)
    default: shell.output(script.fish)
    }
    return 0
  }
}
