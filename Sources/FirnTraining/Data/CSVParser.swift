package import FirnGraph

/// Reads CSV row by row.
package struct CSVParser {
  private let bytes: [UInt8]
  private let separator: UInt8
  private let source: String
  private var position = 0
  private var line = 1

  private static let (quote, newline, carriage) = (UInt8(ascii: "\""), UInt8(ascii: "\n"), UInt8(ascii: "\r"))

  package init(_ text: String, source: String, separator: Character = ",") {
    bytes = Array(text.utf8)
    self.source = source
    self.separator = separator.asciiValue ?? UInt8(ascii: ",")
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
  }

  /// The next row that has anything in it; nil at the end.
  package mutating func row() throws(FirnError) -> (cells: [String], line: Int)? {
    while position < bytes.count {
      let (first, start) = (line, position)
      var cells: [String] = []
      repeat { cells.append(try cell(column: cells.count + 1)) } while take(separator)
      let isEmpty = position == start
      if take(Self.carriage), position < bytes.count, bytes[position] != Self.newline { line += 1 }
      if take(Self.newline) { line += 1 }
      if !isEmpty { return (cells, first) }
    }
    return nil
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard position < bytes.count, bytes[position] == byte else { return false }
    position += 1
    return true
  }

  private func isEnd(_ byte: UInt8) -> Bool {
    byte == separator || byte == Self.newline || byte == Self.carriage
  }

  private mutating func cell(column: Int) throws(FirnError) -> String {
    guard take(Self.quote) else {
      let start = position
      while position < bytes.count, !isEnd(bytes[position]) { position += 1 }
      return String(decoding: bytes[start..<position], as: UTF8.self)
    }
    let opened = line
    var text: [UInt8] = []
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      if byte == Self.quote {
        if take(Self.quote) {
          text.append(Self.quote)
          continue
        }
        guard position == bytes.count || isEnd(bytes[position]) else {
          throw FirnError(
            .parse, "'\(source)', line \(line), column \(column): text stands behind a closing quote",
            remedy: "double quotes within a quoted cell", place: "\(source):\(line):\(column)")
        }
        return String(decoding: text, as: UTF8.self)
      }
      if byte == Self.newline { line += 1 }
      text.append(byte)
    }
    throw FirnError(
      .parse, "'\(source)', line \(opened), column \(column): a quote is opened and never closed",
      remedy: "close it, or double it where it is meant as one", place: "\(source):\(opened):\(column)")
  }
}
