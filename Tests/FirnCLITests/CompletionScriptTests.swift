import Foundation
import Testing

@testable import FirnCLI

@Suite struct CompletionScriptTests {
  @Test(arguments: ["bash", "zsh", "fish"]) func everyCommandAndOptionIsCompleted(_ shell: String) {
    let script = CommandLineRunner.run("completion", shell).output
    for entry in Main.entries {
      #expect(script.contains(entry.declaration.name))
      for option in entry.declaration.options { #expect(script.contains(option.name), "\(option.name)") }
    }
  }

  @Test func anotherShellIsAFaultOfTheLine() {
    let result = CommandLineRunner.run("completion", "bassh")
    #expect(result.code == 2 && result.errors.contains("did you mean bash?"))
  }

  @Test func bashCompletes() throws {
    try #require(FileManager.default.isExecutableFile(atPath: "/bin/bash"))
    let script = CommandLineRunner.run("completion", "bash").output
    func completions(_ words: String...) throws -> [String] {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/bin/bash")
      let line = words.map { "'\($0)'" }.joined(separator: " ")
      process.arguments = [
        "-c",
        script
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
  }
}
