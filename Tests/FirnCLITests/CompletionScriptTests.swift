import FirnTestSupport
import Foundation
import Testing

@testable import FirnCLI

@Suite struct CompletionScriptTests {
  @Test(arguments: ["bash", "zsh", "fish"]) func everyCommandAndOptionIsCompleted(_ shell: String) {
    let script = CommandLineRunner.run("completion", shell).output
    for entry in Main.entries {
      for word in entry.declaration.name.split(separator: " ") { #expect(script.contains(word)) }
      for option in entry.declaration.options { #expect(script.contains(option.name), "\(option.name)") }
    }
  }

  @Test func anotherShellIsAFaultOfTheLine() {
    let result = CommandLineRunner.run("completion", "bassh")
    #expect(result.code == 2 && result.errors.contains("did you mean bash?"))
  }

  /// The shell reads the script and finds nothing wrong.
  @Test(arguments: ["bash", "zsh", "fish"].filter { InstalledProgram.path(of: $0) != nil })
  func shellsAcceptTheirScript(_ shell: String) throws {
    try CommandLineRunner.withDirectory { directory in
      let path = directory + "/firn.\(shell)"
      try CommandLineRunner.run("completion", shell).output.write(
        toFile: path, atomically: true, encoding: .utf8)
      let process = Process()
      process.executableURL = URL(fileURLWithPath: try #require(InstalledProgram.path(of: shell)))
      process.arguments = ["-n", path]
      try process.run()
      process.waitUntilExit()
      #expect(process.terminationStatus == 0)
    }
  }

  /// Read as zsh would, as far as quotes and blocks go: they are closed, and every command has its arguments.
  @Test func zshScriptIsWellFormed() {
    let script = CommandLineRunner.run("completion", "zsh").output
    let lines = script.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    #expect(lines.first == "#compdef firn" && script.hasSuffix("compdef _firn firn\n"))
    for entry in Main.entries {
      let name = entry.declaration.name
      let isOneWord = !name.contains(" ")
      if isOneWord { #expect(script.contains("    '\(name):"), "described") }
      #expect(script.contains("\n  \(isOneWord ? name : "'\(name)'"))\n    _arguments"))
    }
    for line in lines {
      let quotes = line.replacing("'\\''", with: "").count { $0 == "'" }
      #expect(quotes.isMultiple(of: 2), "\(line)")
      if line.hasSuffix("\\") { #expect(line.hasPrefix("    _arguments") || line.hasPrefix("      '")) }
    }
    for word in ["case", "if"] {
      let opened = lines.count { $0.contains("  \(word) ") && !$0.contains("'") }
      #expect(
        lines.count { $0.trimmingCharacters(in: .whitespaces) == String(word == "if" ? "fi" : "esac") }
          == opened)
    }
    #expect(
      script.contains(
        "'--freeze=[hold these variables fixed]:SELECTION:{compadd -- ${(f)\"$(_firn_scopes)\"}}'"))
    #expect(script.contains("_files"))
  }

  @Test func fishScriptIsWellFormed() {
    let lines = CommandLineRunner.run("completion", "fish").output.split(separator: "\n").map(String.init)
    let start = lines.firstIndex(of: "complete -c firn -f")
    #expect(start == lines.firstIndex(of: "end").map { $0 + 1 } && lines.first == "function __firn_scopes")
    for line in lines.dropFirst(start ?? 0) {
      #expect(line.hasPrefix("complete -c firn"))
      #expect(line.replacing("'\\''", with: "").count { $0 == "'" }.isMultiple(of: 2), "\(line)")
    }
    #expect(
      lines.contains(
        "complete -c firn -n '__fish_seen_subcommand_from dot' -l freeze -r -a '(__firn_scopes)' -d 'draw these variables as frozen'"
      ))
    #expect(lines.contains { $0.contains("__fish_seen_subcommand_from completion") && $0.contains("fish") })
  }

  @Test func pathsAreListedForShells() {
    let result = CommandLineRunner.run("inspect", "Examples/Graphs/text-classifier.firn", "--paths")
    #expect(
      result.output == """
        embedding
        embedding/table
        lstm
        lstm/kernel
        lstm/recurrent_kernel
        lstm/bias
        dense
        dense/kernel
        dense/bias
        head
        head/kernel
        head/bias

        """)
  }

  @Test func bashCompletes() throws {
    try #require(FileManager.default.isExecutableFile(atPath: "/bin/bash"))
    let script = CommandLineRunner.run("completion", "bash").output
    func completions(_ words: String..., in directory: String? = nil) throws -> [String] {
      let process = Process()
      if let directory { process.currentDirectoryURL = URL(fileURLWithPath: directory) }
      process.executableURL = URL(fileURLWithPath: "/bin/bash")
      let line = words.map { "'\($0)'" }.joined(separator: " ")
      process.arguments = [
        "-c",
        script
          + "\nfirn() { printf '%s\\n' $2 $3 encoder encoder/kernel head; }"
          + "\nCOMP_WORDS=(\(line)); COMP_CWORD=\(words.count - 1); _firn; printf '%s\\n' \"${COMPREPLY[@]}\"",
      ]
      let pipe = Pipe()
      process.standardOutput = pipe
      try process.run()
      let data = pipe.fileHandleForReading.readDataToEndOfFile()
      process.waitUntilExit()
      return String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
    }
    #expect(try completions("firn", "ins") == ["inspect"])
    #expect(try completions("firn", "dot", "--fr") == ["--freeze"])
    #expect(try completions("firn", "completion", "f") == ["fish"])
    #expect(try completions("firn", "wei") == ["weights"])
    #expect(try completions("firn", "weights", "conv").contains("convert"))
    #expect(try completions("firn", "weights", "convert", "--dt") == ["--dtype"])
    #expect(try completions("firn", "weights", "diff", "--").contains("--tolerance"))
    #expect(
      try completions("firn", "weights", "convert", "a", "b", "--map", "tor") == [
        "torchvision-resnet", "torchvision-vgg", "torchvision-mobilenetv2",
      ])
    // Paths in the graph file of the line, which the command itself lists.
    #expect(try completions("firn", "lint", "m.firn", "--freeze", "enc") == ["encoder", "encoder/kernel"])
    #expect(try completions("firn", "lint", "m.firn", "--freeze", "--") == ["--paths"])
    #expect(try completions("firn", "query", "m.firn", "h") == ["head"])
    #expect(try completions("firn", "lint", "--freeze", "enc") == [])
    try CommandLineRunner.withDirectory { directory in
      try Data().write(to: URL(fileURLWithPath: directory + "/my model.firn"))
      try Data().write(to: URL(fileURLWithPath: directory + "/my other.firn"))
      #expect(
        try completions("firn", "inspect", "my", in: directory).sorted() == [
          "my model.firn", "my other.firn",
        ])
    }
    #expect(try completions("firn", "weights", "--") == ["--select", "--json", "--help"])
  }
}
