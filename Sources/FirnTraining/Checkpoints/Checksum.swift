import FirnGraph

/// A short digest that shows damage, at about the speed of memory: XXH64 with seed 0.
///
/// It is no protection from who changes bytes on purpose and the digest with them; for that checkpoints would have to
/// be signed.
///
/// Source: Y. Collet, "xxHash fast digest algorithm", version 0.1.1 (`doc/xxhash_spec.md`).
enum Checksum {
  private static let primes: [UInt64] = [
    0x9E37_79B1_85EB_CA87, 0xC2B2_AE3D_27D4_EB4F, 0x1656_67B1_9E37_79F9, 0x85EB_CA77_C2B2_AE63,
    0x27D4_EB2F_1656_67C5,
  ]

  /// The digest in sixteen hexadecimal digits.
  static func text(of bytes: UnsafeRawBufferPointer) -> String {
    let digits = String(value(of: bytes), radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  static func text(of text: String) -> String {
    Array(text.utf8).withUnsafeBytes { self.text(of: $0) }
  }

  static func value(of bytes: UnsafeRawBufferPointer) -> UInt64 {
    let (p1, p2, p3, p4, p5) = (primes[0], primes[1], primes[2], primes[3], primes[4])
    func rotated(_ x: UInt64, _ n: UInt64) -> UInt64 { x << n | x >> (64 - n) }
    func round(_ state: UInt64, _ lane: UInt64) -> UInt64 { rotated(state &+ lane &* p2, 31) &* p1 }
    func lane(_ offset: Int) -> UInt64 {
      UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
    var position = 0
    var result: UInt64
    if bytes.count >= 32 {
      var (a, b, c, d) = (p1 &+ p2, p2, 0 as UInt64, 0 &- p1)
      while bytes.count - position >= 32 {
        a = round(a, lane(position))
        b = round(b, lane(position + 8))
        c = round(c, lane(position + 16))
        d = round(d, lane(position + 24))
        position += 32
      }
      result = rotated(a, 1) &+ rotated(b, 7) &+ rotated(c, 12) &+ rotated(d, 18)
      for part in [a, b, c, d] { result = (result ^ round(0, part)) &* p1 &+ p4 }
    } else {
      result = p5
    }
    result &+= UInt64(bytes.count)
    while bytes.count - position >= 8 {
      result = rotated(result ^ round(0, lane(position)), 27) &* p1 &+ p4
      position += 8
    }
    if bytes.count - position >= 4 {
      let word = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self))
      result = rotated(result ^ UInt64(word) &* p1, 23) &* p2 &+ p3
      position += 4
    }
    while position < bytes.count {
      result = rotated(result ^ UInt64(bytes[position]) &* p5, 11) &* p1
      position += 1
    }
    result = (result ^ result >> 33) &* p2
    result = (result ^ result >> 29) &* p3
    return result ^ result >> 32
  }
}
