internal import FirnCompiler
internal import FirnGraph

/// `firn lint`: what is suspicious about a graph and a freeze.
enum LintCommand {
  static let declaration = ArgumentParser.Command(
    name: "lint",
    summary: "find what is suspicious about a graph and what is frozen in it; exits 1 on findings",
    positionals: [GraphQuestion.file],
    options: GraphQuestion.options,
    examples: [
      .init(
        line: "firn lint model.firn --freeze encoder --weights encoder.safetensors",
        meaning: "before a long training")
    ])

  static func run(_ arguments: ParsedArguments, in shell: Shell) throws -> Int32 {
    let question = try GraphQuestion(arguments, in: shell)
    let findings = try question.explanation(loss: question.loss()).lint(loaded: question.weights?.loaded)
    if arguments.flag("json") {
      try shell.json(findings)
    } else {
      shell.report(findings.report)
    }
    return findings.isEmpty ? 0 : 1
  }
}
