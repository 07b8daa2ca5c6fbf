import Foundation

/// Pages and programs as lines without indentation, so that a block of one can be looked for in the other.
enum PageText {
  static func lines(_ path: String) throws -> [String] {
    try String(contentsOfFile: "\(CommandLineRunner.root)/\(path)", encoding: .utf8)
      .split(separator: "\n", omittingEmptySubsequences: false)
      .map { $0.trimmingCharacters(in: .whitespaces) }
  }

  /// The lines of each block of a language.
  ///
  /// - Parameter end: a line after which no block counts; none by default.
  static func blocks(_ language: String, of page: String, before end: String? = nil) throws -> [[String]] {
    var blocks: [[String]] = []
    var open: (language: Substring, lines: [String])?
    for line in try lines(page) {
      if line == end { break }
      if !line.hasPrefix("```") {
        open?.lines.append(line)
      } else if let block = open {
        if block.language == language { blocks.append(block.lines) }
        open = nil
      } else {
        open = (line.dropFirst(3), [])
      }
    }
    return blocks
  }

  /// Whether one of the files has these lines, one after the other.
  static func contain(_ paths: [String], _ block: [String]) throws -> Bool {
    try paths.contains { path in
      let source = try lines(path)
      return source.indices.contains { source[$0...].starts(with: block) }
    }
  }
}
