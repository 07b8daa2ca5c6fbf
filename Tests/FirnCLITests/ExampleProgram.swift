import Foundation
import Testing

/// A program of Examples as it was built with these tests.
struct ExampleProgram {
  let url: URL

  /// Nil where it is not built.
  init?(_ name: String) {
    // Products of one build stand in one directory; where the test bundle lies in it depends on the platform.
    var directory = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    for _ in 0..<5 {
      let program = directory.appendingPathComponent(name)
      if FileManager.default.isExecutableFile(atPath: program.path) {
        url = program
        return
      }
      directory.deleteLastPathComponent()
    }
    return nil
  }

  /// What it prints, once it has ended well.
  func run(_ arguments: [String] = []) throws -> Transcript {
    let process = Process()
    let (output, errors) = (Pipe(), Pipe())
    process.executableURL = url
    process.arguments = arguments
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    let faults = String(decoding: try errors.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Failure(status: process.terminationStatus, errors: faults)
    }
    return Transcript(lines: text.split(separator: "\n").map(String.init), errors: faults)
  }

  struct Failure: Error {
    var status: Int32
    var errors: String
  }

  struct Transcript {
    var lines: [String]
    var errors: String

    func contains(_ line: String) -> Bool { lines.contains(line) }

    /// What follows `start` in the first line that begins with it.
    func rest(_ start: String) -> String? {
      lines.first { $0.hasPrefix(start) }.map { String($0.dropFirst(start.count)) }
    }

    /// The numbers in what follows `start`.
    func numbers(_ start: String) -> [Double] {
      rest(start)?.matches(of: /-?\d+(\.\d+)?(e-?\d+)?/).compactMap { Double($0.output.0) } ?? []
    }

    /// The first of them.
    func number(_ start: String) throws -> Double {
      try #require(numbers(start).first, "no number after `\(start)`")
    }

    /// The lines between the one that is `title` and the next that is not indented.
    func section(_ title: String) -> [String] {
      guard let start = lines.firstIndex(of: title) else { return [] }
      return Array(lines[(start + 1)...].prefix { $0.hasPrefix(" ") })
    }
  }
}
