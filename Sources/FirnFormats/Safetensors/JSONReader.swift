import FirnFiles
package import FirnGraph

/// Reads JSON (RFC 8259) piece by piece, so that nothing is built that nobody wants.
///
/// As strict as the reader that safetensors is defined by: 127 levels, no number beyond a `Double`, no lone surrogates.
package struct JSONReader {
  private let bytes: UnsafeRawBufferPointer
  private let fault: FileFault
  private var position = 0
  private var depth = 0
  private static let deepest = 127
  private static let longestPiece = 1 << 16

  package init(_ bytes: UnsafeRawBufferPointer, fault: FileFault) {
    self.bytes = bytes
    self.fault = fault
  }

  /// Calls `member` for each key of an object; it must read the value.
  ///
  /// - Throws: also where a key stands twice, unless `repeating` allows that.
  package mutating func object(
    allowingRepetition repeating: Bool = false,
    _ member: (inout JSONReader, String) throws(FirnError) -> Void
  ) throws(FirnError) {
    var seen: Set<ByteName> = []
    try sequence("{", "}") { (reader) throws(FirnError) in
      let key = try reader.string()
      if !repeating && !seen.insert(ByteName(key)).inserted {
        throw reader.fault("has the key `\(key)` twice", place: key)
      }
      try reader.expect(":")
      try member(&reader, key)
    }
  }

  /// Calls `element` for each value of an array; it must read it.
  package mutating func array(_ element: (inout JSONReader) throws(FirnError) -> Void) throws(FirnError) {
    try sequence("[", "]", element)
  }

  private mutating func sequence(
    _ open: Unicode.Scalar, _ close: Unicode.Scalar,
    _ element: (inout JSONReader) throws(FirnError) -> Void
  ) throws(FirnError) {
    try expect(open)
    guard depth < Self.deepest else { throw syntax("is nested too deeply") }
    depth += 1
    defer { depth -= 1 }
    if consume(close) { return }
    repeat { try element(&self) } while consume(",")
    try expect(close)
  }

  /// A string; in memory once, however long.
  package mutating func string() throws(FirnError) -> String {
    try expect("\"")
    let start = position
    var hasEscapes = false
    while let byte = peek(), byte != UInt8(ascii: "\"") {
      if byte < 0x20 { throw syntax("has a control character in a string") }
      position += 1
      if byte == UInt8(ascii: "\\") {
        hasEscapes = true
        // What is wrong with an escape shows when it is read.
        position += 1
      }
    }
    guard position < bytes.count else { throw syntax("ends within a string") }
    let raw = UnsafeRawBufferPointer(rebasing: bytes[start..<position])
    guard let plain = String(validating: raw, as: UTF8.self) else { throw syntax("is not UTF-8") }
    if !hasEscapes {
      position += 1
      return plain
    }
    return try unescaped(from: start, to: position)
  }

  /// The text of these bytes, which are UTF-8, with its escapes resolved; goes on behind the quotation mark.
  private mutating func unescaped(from start: Int, to end: Int) throws(FirnError) -> String {
    var text = ""
    // An escape is longer than what it stands for.
    text.reserveCapacity(end - start)
    position = start
    var piece = start
    while position < end {
      let byte = bytes[position]
      guard byte == UInt8(ascii: "\\") else {
        // In pieces, cut between characters, so that no copy of all stands beside the text.
        if position - piece >= Self.longestPiece, byte & 0xC0 != 0x80 {
          text += String(decoding: bytes[piece..<position], as: UTF8.self)
          piece = position
        }
        position += 1
        continue
      }
      text += String(decoding: bytes[piece..<position], as: UTF8.self)
      position += 1
      text.unicodeScalars.append(try escape())
      piece = position
    }
    text += String(decoding: bytes[piece..<end], as: UTF8.self)
    position = end + 1
    return text
  }

  private mutating func escape() throws(FirnError) -> Unicode.Scalar {
    switch next().map({ Unicode.Scalar($0) }) {
    case "\""?: return "\""
    case "\\"?: return "\\"
    case "/"?: return "/"
    case "b"?: return "\u{8}"
    case "f"?: return "\u{C}"
    case "n"?: return "\n"
    case "r"?: return "\r"
    case "t"?: return "\t"
    case "u"?:
      var value = try hexadecimal()
      if 0xD800..<0xDC00 ~= value {
        guard next() == UInt8(ascii: "\\"), next() == UInt8(ascii: "u") else {
          throw syntax("has half a character")
        }
        let low = try hexadecimal()
        guard 0xDC00..<0xE000 ~= low else { throw syntax("has half a character") }
        value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let scalar = Unicode.Scalar(value) else { throw syntax("has half a character") }
      return scalar
    default: throw syntax("has an unknown escape")
    }
  }

  private mutating func hexadecimal() throws(FirnError) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard let digit = next().flatMap({ Character(Unicode.Scalar($0)).hexDigitValue }) else {
        throw syntax("has an unknown escape")
      }
      value = value << 4 + UInt32(digit)
    }
    return value
  }

  /// A whole number from 0 to 2⁶⁴−1, without fraction or exponent.
  package mutating func natural() throws(FirnError) -> UInt64 {
    let text = try number()
    guard !text.hasPrefix("-"), let value = UInt64(text) else {
      throw syntax("has a number that is no count")
    }
    return value
  }

  /// The text of a number.
  private mutating func number() throws(FirnError) -> String {
    skipSpace()
    let start = position
    _ = take("-")
    if !take("0") { try digits() }
    if take(".") { try digits() }
    if take("e") || take("E") {
      if !take("+") { _ = take("-") }
      try digits()
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    guard let value = Double(text), value.isFinite else { throw syntax("has a number that is too large") }
    return text
  }

  private mutating func digits() throws(FirnError) {
    let start = position
    while let byte = peek(), UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte { position += 1 }
    if position == start { throw syntax("lacks a digit") }
  }

  /// Whether the next value is `null`, which is then passed over.
  package mutating func null() throws(FirnError) -> Bool {
    skipSpace()
    guard peek() == UInt8(ascii: "n") else { return false }
    try word("null")
    return true
  }

  /// Passes over a value of any kind.
  package mutating func skip() throws(FirnError) {
    skipSpace()
    switch peek().map({ Unicode.Scalar($0) }) {
    case "{"?: try object(allowingRepetition: true) { (reader, _) throws(FirnError) in try reader.skip() }
    case "["?: try array { (reader) throws(FirnError) in try reader.skip() }
    case "\""?: _ = try string()
    case "t"?: try word("true")
    case "f"?: try word("false")
    case "n"?: try word("null")
    default: _ = try number()
    }
  }

  /// Checks that nothing but space is left.
  package mutating func end() throws(FirnError) {
    skipSpace()
    if position < bytes.count { throw syntax("goes on after its end") }
  }

  private mutating func word(_ word: StaticString) throws(FirnError) {
    for byte in word.description.utf8 where next() != byte { throw syntax("has an unknown word") }
  }

  private func peek() -> UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func next() -> UInt8? {
    guard let byte = peek() else { return nil }
    position += 1
    return byte
  }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard peek() == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func consume(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    return take(character)
  }

  private mutating func expect(_ character: Unicode.Scalar) throws(FirnError) {
    if !consume(character) { throw syntax("lacks '\(character)'") }
  }

  private mutating func skipSpace() {
    while let byte = peek(), byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
  }

  private func syntax(_ what: String) -> FirnError { fault("\(what) (byte \(position) of the JSON in it)") }
}
