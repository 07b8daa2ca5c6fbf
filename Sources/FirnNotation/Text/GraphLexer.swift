import FirnGraph

/// Splits text into tokens and says where they stand.
struct GraphLexer {
  enum Kind: Hashable {
    /// Letters, digits and `_ . * + - /`: keywords, names, numbers and dimensions.
    case word
    /// `%name` or `%name:1`.
    case value
    case string
    case punctuation(UInt8)
    case end
  }

  struct Token {
    var kind: Kind
    /// Byte offsets into the text.
    var range: Range<Int>
  }

  let bytes: [UInt8]
  private(set) var position = 0

  /// A byte order mark at the start is no part of the text.
  init(_ text: String) {
    var bytes = Array(text.utf8)
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
    self.bytes = bytes
  }

  mutating func next() throws(FirnError) -> Token {
    skipBlanks()
    let start = position
    guard start < bytes.count else { return Token(kind: .end, range: start..<start) }
    switch bytes[start] {
    case _ where Self.isWord(bytes[start]):
      skip(Self.isWord)
      return Token(kind: .word, range: start..<position)
    case UInt8(ascii: "%"):
      position += 1
      skip(Self.isWord)
      guard position > start + 1 else {
        throw fault("expected a name after `%`", at: start, remedy: "write for instance %x")
      }
      if position + 1 < bytes.count, bytes[position] == UInt8(ascii: ":"), Self.isDigit(bytes[position + 1]) {
        position += 1
        skip(Self.isDigit)
      }
      return Token(kind: .value, range: start..<position)
    case UInt8(ascii: "\""):
      return try string()
    case let byte where Self.punctuation.contains(byte):
      position += 1
      return Token(kind: .punctuation(byte), range: start..<position)
    default:
      throw fault(
        "unexpected character `\(character(at: start))`", at: start,
        remedy: "remove it; in strings and comments any character may stand")
    }
  }

  func text(_ token: Token) -> String { String(decoding: bytes[token.range], as: UTF8.self) }

  private static let punctuation = Array("=(){}[],:@".utf8)

  static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

  private static func isWord(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "*"),
      UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "/"):
      true
    default: false
    }
  }

  private mutating func skip(_ belongs: (UInt8) -> Bool) {
    while position < bytes.count, belongs(bytes[position]) { position += 1 }
  }

  private mutating func skipBlanks() {
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), UInt8(ascii: "\n"): position += 1
      case UInt8(ascii: "#"): skip { $0 != UInt8(ascii: "\n") }
      default: return
      }
    }
  }

  // MARK: Strings

  private mutating func string() throws(FirnError) -> Token {
    let start = position
    position += 1
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: "\""):
        position += 1
        return Token(kind: .string, range: start..<position)
      case UInt8(ascii: "\n"):
        throw fault(
          "this string has no end", at: start, remedy: "close it with `\"`; write line breaks as `\\n`")
      case UInt8(ascii: "\\"): position += 2
      default: position += 1
      }
    }
    position = bytes.count
    throw fault("this string has no end", at: start, remedy: "close it with `\"`")
  }

  /// What stands between the quotation marks, escapes resolved.
  func contents(_ token: Token) throws(FirnError) -> String {
    var result: [UInt8] = []
    var index = token.range.lowerBound + 1
    let end = token.range.upperBound - 1
    while index < end {
      guard bytes[index] == UInt8(ascii: "\\") else {
        result.append(bytes[index])
        index += 1
        continue
      }
      switch bytes[index + 1] {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): result.append(bytes[index + 1])
      case UInt8(ascii: "n"): result.append(UInt8(ascii: "\n"))
      case UInt8(ascii: "t"): result.append(UInt8(ascii: "\t"))
      case UInt8(ascii: "r"): result.append(UInt8(ascii: "\r"))
      case UInt8(ascii: "u"):
        let (scalar, length) = try scalar(at: index, before: end)
        result += Array(String(scalar).utf8)
        index += length
        continue
      default:
        throw fault("unknown escape", at: index, remedy: "use \\\", \\\\, \\n, \\t, \\r or \\u{hexadecimal}")
      }
      index += 2
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// The character written `\u{…}` at `start`, and how many bytes that takes.
  private func scalar(at start: Int, before end: Int) throws(FirnError) -> (Character, Int) {
    if start + 2 < end, bytes[start + 2] == UInt8(ascii: "{"),
      let close = bytes[start + 3..<end].prefix(9).firstIndex(of: UInt8(ascii: "}")),
      let number = UInt32(String(decoding: bytes[start + 3..<close], as: UTF8.self), radix: 16),
      let scalar = Unicode.Scalar(number)
    {
      return (Character(scalar), close + 1 - start)
    }
    throw fault("not a character", at: start, remedy: "write one to eight hexadecimal digits, as in \\u{e9}")
  }

  // MARK: Faults

  /// An error that says line and column, and shows the line with a caret under the fault.
  func fault(_ message: String, at offset: Int, remedy: String? = nil) -> FirnError {
    let offset = min(offset, bytes.count)
    let newline = UInt8(ascii: "\n")
    let line = bytes[..<offset].count { $0 == newline } + 1
    let start = bytes[..<offset].lastIndex(of: newline).map { $0 + 1 } ?? 0
    let end = bytes[offset...].firstIndex(of: newline) ?? bytes.count
    let before = Array(String(decoding: bytes[start..<offset], as: UTF8.self).unicodeScalars)
    let after = Array(String(decoding: bytes[offset..<end].prefix(400), as: UTF8.self).unicodeScalars)
    let shownBefore = before.suffix(80)
    let shownAfter = after.prefix(40).filter { $0 != "\r" }
    var excerpt = shownBefore.count < before.count ? "…" : ""
    excerpt.unicodeScalars.append(contentsOf: shownBefore)
    excerpt.unicodeScalars.append(contentsOf: shownAfter)
    if shownAfter.count < after.count { excerpt += "…" }
    var mark = shownBefore.count < before.count ? " " : ""
    mark.unicodeScalars.append(contentsOf: shownBefore.map { $0 == "\t" ? "\t" : " " })
    return FirnError(
      .parse, "line \(line), column \(before.count + 1): \(message)", remedy: remedy,
      excerpt: excerpt + "\n" + mark + "^")
  }

  private func character(at offset: Int) -> String {
    let rest = String(decoding: bytes[offset...].prefix(4), as: UTF8.self)
    return rest.unicodeScalars.first.map { GraphSyntax.quoted(String($0)).dropFirst().dropLast().description }
      ?? ""
  }
}
