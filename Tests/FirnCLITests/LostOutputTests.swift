import FirnGraph
import FirnFormats
import Foundation
import Testing

@testable import FirnCLI

/// Output that nobody gets is a failure, and what stands where a file is to be written stays what it is.
@Suite struct LostOutputTests {
  private static let graph = CommandLineRunner.root + "/Examples/Graphs/custom-cell.firn"

  private struct Answer {
    var code: Int32
    var output: String
    var errors: String
  }

  /// Runs a line of shell words in which `$FIRN` is the command.
  private func shell(_ line: String, in directory: String) throws -> Answer {
    let program = try #require(ExampleProgram("firn") ?? ExampleProgram("FirnCLI"), "firn is not built")
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", line]
    process.currentDirectoryURL = URL(fileURLWithPath: directory)
    process.environment = ProcessInfo.processInfo.environment.merging(
      ["FIRN": program.url.path, "GRAPH": Self.graph]
    ) { $1 }
    let (output, errors) = (directory + "/.output", directory + "/.errors")
    for path in [output, errors] { _ = FileManager.default.createFile(atPath: path, contents: nil) }
    process.standardOutput = FileHandle(forWritingAtPath: output)
    process.standardError = FileHandle(forWritingAtPath: errors)
    try process.run()
    process.waitUntilExit()
    return Answer(
      code: process.terminationStatus, output: try String(contentsOfFile: output, encoding: .utf8),
      errors: try String(contentsOfFile: errors, encoding: .utf8))
  }

  @Test(arguments: ["inspect $GRAPH", "dot $GRAPH", "cost $GRAPH --json", "--help", "--version"])
  func lostOutputIsAFailure(_ line: String) throws {
    try CommandLineRunner.withDirectory { directory in
      #expect(try shell("\"$FIRN\" \(line)", in: directory).code == 0)
      for stream in [">&-", "> /dev/full"] {
        #if !os(Linux)
          if stream == "> /dev/full" { continue }
        #endif
        let answer = try shell("\"$FIRN\" \(line) \(stream)", in: directory)
        #expect(answer.code == 1 && answer.output.isEmpty, "\(stream): \(answer.code)")
        #expect(answer.errors.contains("the output could not be written"), "\(answer.errors)")
      }
    }
  }

  /// A stream that is closed does not become the file that is written.
  @Test func closedStreamsAreNotTheNextFile() throws {
    try CommandLineRunner.withDirectory { directory in
      let answer = try shell("\"$FIRN\" dot $GRAPH --out a.dot >&- 2>&- <&-", in: directory)
      let wanted = CommandLineRunner.run("dot", Self.graph).output
      #expect(answer.code == 0)
      #expect(try String(contentsOfFile: directory + "/a.dot", encoding: .utf8) == wanted)
    }
  }

  @Test func whatIsNoFileStays() throws {
    try CommandLineRunner.withDirectory { directory in
      let wanted = CommandLineRunner.run("dot", Self.graph).output
      let direct = try shell("echo before; \"$FIRN\" dot $GRAPH --out /dev/stdout; echo after", in: directory)
      #expect(direct.output == "before\n" + wanted + "after\n", "\(direct.errors)")
      let piped = try shell(
        "mkfifo p; cat p > copy & \"$FIRN\" dot $GRAPH --out p && wait && test -p p", in: directory)
      #expect(piped.code == 0, "\(piped.errors)")
      #expect(try String(contentsOfFile: directory + "/copy", encoding: .utf8) == wanted)
      let linked = try shell(
        "echo old > file; ln -s file link; \"$FIRN\" dot $GRAPH --out link && test -L link", in: directory)
      #expect(linked.code == 0, "\(linked.errors)")
      #expect(try String(contentsOfFile: directory + "/file", encoding: .utf8) == wanted)
      #expect(try shell("\"$FIRN\" dot $GRAPH --out /dev/null && test -c /dev/null", in: directory).code == 0)
      #if os(Linux)
        let full = try shell("\"$FIRN\" dot $GRAPH --out /dev/full", in: directory)
        #expect(full.code == 1 && full.errors.contains("No space left"), "\(full.errors)")
        #expect(try shell("test -c /dev/full", in: directory).code == 0)
      #endif
    }
  }

  /// Streams that give nothing, or nothing that can be wanted, end.
  @Test func streamsThatAreNothingEnd() throws {
    try CommandLineRunner.withDirectory { directory in
      try #require(mkfifo(directory + "/pipe", 0o600) == 0)
      for command in ["weights", "inspect"] {
        let zeros = try shell("\"$FIRN\" \(command) /dev/zero", in: directory)
        #expect(zeros.code == 1 && zeros.errors.contains("error[parse]"), "\(zeros.errors)")
        let words = try shell("yes | \"$FIRN\" \(command) -", in: directory)
        #expect(words.code == 1 && words.errors.contains("error[parse]"), "\(words.errors)")
      }
      let pipe = try shell("\"$FIRN\" weights pipe", in: directory)
      #expect(pipe.code == 1 && pipe.errors.contains("nobody writes to"), "\(pipe.errors)")
    }
  }

  /// Who has seen enough of the output ends the command without a word, also where pipes raise no signals.
  @Test func readersOfTheOutputMayGo() throws {
    try CommandLineRunner.withDirectory { directory in
      for trap in ["", "trap '' PIPE; "] {
        let answer = try shell(
          "\(trap){ \"$FIRN\" inspect $GRAPH; echo $? > code; } | true; cat code", in: directory)
        #expect(answer.errors.isEmpty, "\(answer.errors)")
        #expect(["0\n", "141\n"].contains(answer.output), "\(answer.output)")
      }
    }
  }

  /// Weights that nobody takes are a failure.
  @Test func readersOfAFileMayNotGo() throws {
    try CommandLineRunner.withDirectory { directory in
      let array = try NDArray(zeros: [1 << 20])
      try Weights(source: "test", entries: [WeightEntry(name: "a", array: array)]).write(
        to: directory + "/a.npy")
      let answer = try shell(
        "mkfifo p.safetensors; head -c 1 p.safetensors > /dev/null & "
          + "\"$FIRN\" weights convert a.npy p.safetensors", in: directory)
      #expect(answer.code == 1 && answer.output.isEmpty, "\(answer.code)")
      #expect(answer.errors.contains("cannot write 'p.safetensors': who read from it has gone"))
    }
  }

  @Test func foldersAsInputAreNamed() throws {
    try CommandLineRunner.withDirectory { directory in
      let answer = try shell("\"$FIRN\" inspect - < .", in: directory)
      #expect(answer.code == 1 && answer.errors.contains("cannot read 'standard input': Is a directory"))
    }
  }

  @Test func reasonsAreTheSystems() throws {
    try CommandLineRunner.withDirectory { directory in
      for (line, says) in [
        ("weights /dev/null", "is empty"), ("demo --quick --out /dev/null/x", "Not a directory"),
        ("dot $GRAPH --out nowhere/a.dot", "there is no directory"), ("inspect nothing", "No such file"),
      ] {
        let answer = try shell("\"$FIRN\" \(line)", in: directory)
        #expect(answer.code == 1 && answer.errors.contains(says), "\(line): \(answer.errors)")
        #expect(!answer.errors.contains("NSCocoa") && !answer.errors.contains("permission to"))
      }
    }
  }
}
