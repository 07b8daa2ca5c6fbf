import FirnFiles
import Foundation

@testable import FirnCLI

/// Runs command lines in this process and keeps what they write.
struct CommandLineRunner {
  /// The package's own directory, where relative paths begin.
  static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

  struct Result {
    var code: Int32
    var output: String
    var errors: String
  }

  /// - Parameter input: what stands on the standard input.
  static func run(
    _ line: [String], in directory: String = root, terminal: Terminal = Terminal(isInteractive: false),
    input: [UInt8] = []
  ) -> Result {
    final class Text { var value = "" }
    let (output, errors) = (Text(), Text())
    final class Input { var rest: [UInt8]? }
    let stream = Input()
    stream.rest = input
    let shell = Shell(
      output: { output.value += $0 }, errors: { errors.value += $0 }, terminal: terminal,
      input: { _ in
        defer { stream.rest = nil }
        return stream.rest.map { Bytes(copying: $0) }
      }, directory: directory)
    let code = Main.run(line, in: shell)
    return Result(code: code, output: output.value, errors: errors.value)
  }

  static func run(_ line: String...) -> Result { run(line) }

  /// The words of a line as a shell splits it: quotes of both kinds, no expansion.
  static func words(of line: String) -> [String] {
    var words: [String] = []
    var current: String?
    var quote: Character?
    for character in line {
      if let open = quote {
        if character == open { quote = nil } else { current = (current ?? "") + String(character) }
      } else if character == "'" || character == "\"" {
        quote = character
        current = current ?? ""
      } else if character == " " {
        if let word = current { words.append(word) }
        current = nil
      } else {
        current = (current ?? "") + String(character)
      }
    }
    if let word = current { words.append(word) }
    return words
  }

  /// Calls `body` with a directory that is removed afterwards.
  static func withDirectory<Result>(_ body: (String) throws -> Result) throws -> Result {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("firn-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: url) }
    return try body(url.path)
  }
}
