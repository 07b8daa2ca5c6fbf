import FirnGraph

/// A number that tells bits apart: any one changed bit changes it, and others agree by chance once in 2⁶⁴.
///
/// Eight bytes a step, each step a bijection of what was before; not for whoever wants to be deceived.
package struct BitDigest {
  private(set) var value: UInt64 = 0x9e37_79b9_7f4a_7c15

  package init() {}

  mutating func update(_ word: UInt64) {
    value = (value ^ word) &* 0xff51_afd7_ed55_8ccd
    value ^= value >> 32
  }

  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    update(UInt64(bytes.count))
    var place = 0
    while place + 8 <= bytes.count {
      update(bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self))
      place += 8
    }
    var rest: UInt64 = 0
    while place < bytes.count {
      rest = rest << 8 | UInt64(bytes[place])
      place += 1
    }
    update(rest)
  }

  mutating func update(_ text: String) {
    var text = text
    text.withUTF8 { update(UnsafeRawBufferPointer($0)) }
  }

  /// Sixteen hexadecimal digits.
  package var text: String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  static func of(_ text: String) -> String {
    var digest = BitDigest()
    digest.update(text)
    return digest.text
  }
}
