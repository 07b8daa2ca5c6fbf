package import FirnFiles
package import FirnGraph

/// Reads numbers and runs of bytes one after the other; past the end is an error.
package struct ByteReader {
  package let bytes: Bytes
  package private(set) var position: Int
  private let fault: FileFault

  package init(_ bytes: Bytes, at position: Int = 0, fault: FileFault) {
    self.bytes = bytes
    self.position = position
    self.fault = fault
  }

  package var isAtEnd: Bool { position >= bytes.count }
  package var remaining: Int { bytes.count - position }

  package mutating func take(_ count: Int) throws(FirnError) -> Bytes {
    guard let slice = bytes.slice(at: position, count: count) else { throw fault("ends early") }
    position += count
    return slice
  }

  package mutating func integer<Integer: FixedWidthInteger>(_ type: Integer.Type = Integer.self)
    throws(FirnError) -> Integer
  {
    guard let value = bytes.integer(at: position, as: type) else { throw fault("ends early") }
    position += Integer.bitWidth / 8
    return value
  }

  /// A little-endian number that counts or points to bytes.
  package mutating func size<Integer: FixedWidthInteger>(_ type: Integer.Type) throws(FirnError) -> Int {
    guard let value = Int(exactly: try integer(type)), value >= 0 else {
      throw fault("states an impossible size")
    }
    return value
  }

  /// A number in groups of seven bits, the lowest first: as in protocol buffers.
  package mutating func varint() throws(FirnError) -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: 0, to: 64, by: 7) {
      let byte = try integer(UInt8.self)
      let bits = UInt64(byte & 0x7F)
      if shift == 63 && bits > 1 { break }
      value |= bits << UInt64(shift)
      if byte & 0x80 == 0 { return value }
    }
    throw fault("holds a number that is too long")
  }

  /// The bytes up to the next line feed, which is passed over.
  package mutating func line(atMost limit: Int) throws(FirnError) -> Bytes {
    for count in 0...limit where bytes[position + count] == UInt8(ascii: "\n") {
      defer { position += 1 }
      return try take(count)
    }
    throw fault("ends early")
  }
}
