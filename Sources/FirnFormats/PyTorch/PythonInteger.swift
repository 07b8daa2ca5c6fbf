internal import FirnFiles

/// A whole number of Python, which may have any size: words in two's complement, the lowest first.
struct PythonInteger {
  private var words: [UInt64]
  private let isNegative: Bool

  /// - Parameter bytes: the lowest first, the sign in the highest bit of the last; none are 0.
  init(_ bytes: Bytes) {
    isNegative = bytes[bytes.count - 1] ?? 0 >= 0x80
    let sign: UInt8 = isNegative ? 0xFF : 0
    words = stride(from: 0, to: max(bytes.count, 1), by: 8).map { start in
      (start..<start + 8).reversed().reduce(0) { $0 << 8 | UInt64(bytes[$1] ?? sign) }
    }
    // Words that only repeat the sign.
    while words.count > 1, words.last == (isNegative ? .max : 0),
      (words[words.count - 2] >> 63 == 1) == isNegative
    {
      words.removeLast()
    }
  }

  /// Nil beyond 64 bits.
  var value: Int? { words.count == 1 ? Int(bitPattern: UInt(words[0])) : nil }

  /// In decimal.
  ///
  /// - Complexity: O(words²).
  var digits: String {
    var rest = words
    if isNegative {
      var carries = true
      for place in rest.indices {
        (rest[place], carries) = (~rest[place]).addingReportingOverflow(carries ? 1 : 0)
      }
    }
    let unit: UInt64 = 10_000_000_000_000_000_000
    var text = ""
    repeat {
      var part: UInt64 = 0
      for place in rest.indices.reversed() {
        (rest[place], part) = unit.dividingFullWidth((part, rest[place]))
      }
      while rest.last == 0 { rest.removeLast() }
      let digits = String(part)
      text = (rest.isEmpty ? "" : String(repeating: "0", count: 19 - digits.count)) + digits + text
    } while !rest.isEmpty
    return (isNegative ? "-" : "") + text
  }
}
