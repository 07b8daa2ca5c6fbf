/// Damages bytes, the same way for the same seed.
package struct Mutator: RandomNumberGenerator {
  private var state: UInt64

  package init(seed: UInt64) { state = seed }

  /// SplitMix64 (Steele, Lea and Flood, 2014).
  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }

  package mutating func below(_ bound: Int) -> Int { Int(truncatingIfNeeded: next() >> 1) % max(bound, 1) }

  /// One fault, often enough to be met by itself, up to four.
  package mutating func mutate(_ bytes: inout [UInt8]) {
    for _ in 0...below(below(2) == 0 ? 1 : 4) { mutateOnce(&bytes) }
  }

  private mutating func mutateOnce(_ bytes: inout [UInt8]) {
    guard !bytes.isEmpty else { return }
    let place = below(bytes.count)
    let length = min(below(below(4) == 0 ? bytes.count : 16) + 1, bytes.count - place)
    switch below(10) {
    case 0, 1: bytes[place] ^= 1 << UInt8(below(8))
    case 2: bytes[place] = UInt8(truncatingIfNeeded: next())
    case 3: bytes.removeLast(bytes.count - place)
    case 4: bytes.removeSubrange(place..<place + length)
    case 5: bytes.insert(contentsOf: bytes[place..<place + length], at: below(bytes.count))
    case 6:
      let other = below(bytes.count - length + 1)
      bytes.replaceSubrange(place..<place + length, with: bytes[other..<other + length])
    case 7, 8:
      let numbers: [UInt64] = [
        0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFE, 0xFFFF_FFFF,
        1 << 62, 1 << 63 - 1, 1 << 63, ~0, ~0 - 7, UInt64(bytes.count), UInt64(bytes.count) - 1,
        UInt64(bytes.count) + 1, next(),
      ]
      let number = numbers[below(numbers.count)]
      let width = min([1, 2, 4, 8][below(4)], bytes.count - place)
      for byte in 0..<width { bytes[place + byte] = UInt8(truncatingIfNeeded: number >> UInt64(8 * byte)) }
    default: mutateText(&bytes)
    }
  }

  /// Puts another number or a bracket where digits stand, so that formats made of text are hit where it matters.
  private mutating func mutateText(_ bytes: inout [UInt8]) {
    let isDigit = { (byte: UInt8) in 0x30...0x39 ~= byte }
    let start = below(bytes.count)
    guard let first = bytes[start...].firstIndex(where: isDigit) else { return }
    let end = bytes[first...].firstIndex { !isDigit($0) } ?? bytes.count
    let words = [
      "0", "1", "-1", "3", "4294967296", "9223372036854775807", "18446744073709551615",
      "99999999999999999999",
      "1.0", "1e3", "[", "]", "{", "}", "\"", "(", ")", ",", "null", "True", "\\u", "",
    ]
    bytes.replaceSubrange(first..<end, with: Array(words[below(words.count)].utf8))
  }
}
