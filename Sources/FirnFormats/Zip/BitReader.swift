import FirnFiles

/// Takes bits from bytes, the lowest of each byte first; nil where there are no more.
struct BitReader {
  private let bytes: UnsafeRawBufferPointer
  private var position = 0
  private var bits: UInt64 = 0
  private var bitCount = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// Whole bytes of which nothing has been taken.
  var remaining: Int { bytes.count - position + bitCount / 8 }

  @inline(__always)
  private mutating func refill(_ wanted: Int) {
    if bitCount >= wanted { return }
    if bytes.count - position >= 8 {
      // Bits above `bitCount` are those of the bytes that are counted next time: or-ing them twice changes nothing.
      bits |=
        UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
        << UInt64(bitCount)
      let taken = (63 - bitCount) / 8
      position += taken
      bitCount += taken * 8
      return
    }
    while bitCount <= 56, position < bytes.count {
      bits |= UInt64(bytes[position]) << UInt64(bitCount)
      position += 1
      bitCount += 8
    }
  }

  @inline(__always)
  private mutating func drop(_ width: Int) {
    bits >>= UInt64(width)
    bitCount -= width
  }

  @inline(__always)
  mutating func take(_ width: Int) -> Int? {
    refill(width)
    guard bitCount >= width else { return nil }
    let value = Int(bits & (1 << UInt64(width) - 1))
    drop(width)
    return value
  }

  @inline(__always)
  mutating func symbol(_ code: HuffmanCode.Table) -> Int? {
    refill(HuffmanCode.longest)
    let entry = code[Int(bits & UInt64(code.count - 1))]
    let length = Int(entry & 15)
    guard length > 0, length <= bitCount else { return nil }
    drop(length)
    return Int(entry >> 4)
  }

  /// The next `count` whole bytes, after what is left of the current one has been passed over.
  mutating func bytes(_ count: Int) -> UnsafeRawBufferPointer? {
    drop(bitCount % 8)
    position -= bitCount / 8
    (bits, bitCount) = (0, 0)
    guard bytes.count - position >= count else { return nil }
    defer { position += count }
    return UnsafeRawBufferPointer(rebasing: bytes[position..<position + count])
  }
}
