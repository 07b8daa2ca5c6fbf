package import FirnFiles

/// CRC-32 over a reflected polynomial, eight bytes at a time.
///
/// Source: M. E. Kounavis and F. L. Berry, "A systematic approach to building high performance software-based CRC
/// generators" (2005).
package struct CyclicRedundancyCheck: Sendable {
  /// The one of zip files (polynomial 0x04C11DB7).
  package static let zip = CyclicRedundancyCheck(reflected: 0xEDB8_8320)
  /// The one of leveldb and TensorFlow: CRC-32C (polynomial 0x1EDC6F41).
  package static let castagnoli = CyclicRedundancyCheck(reflected: 0x82F6_3B78)

  /// Eight tables of 256, one behind the other.
  private let tables: [UInt32]

  private init(reflected polynomial: UInt32) {
    var tables = [UInt32](repeating: 0, count: 8 * 256)
    for byte in 0..<256 {
      var value = UInt32(byte)
      for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ polynomial : value >> 1 }
      tables[byte] = value
    }
    for index in 256..<8 * 256 {
      let value = tables[index - 256]
      tables[index] = value >> 8 ^ tables[Int(value & 0xFF)]
    }
    self.tables = tables
  }

  package func checksum(_ bytes: Bytes) -> UInt32 { bytes.withUnsafeBytes { checksum($0) } }

  /// - Parameter before: the checksum of the bytes before these.
  package func checksum(_ bytes: UnsafeRawBufferPointer, after before: UInt32 = 0) -> UInt32 {
    tables.withUnsafeBufferPointer { tables in
      var value = ~before
      var position = 0
      while bytes.count - position >= 8 {
        let word =
          UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)) ^ UInt64(value)
        value = 0
        for byte in 0..<8 {
          value ^= tables[(7 - byte) * 256 + Int(word >> (8 * UInt64(byte)) & 0xFF)]
        }
        position += 8
      }
      while position < bytes.count {
        value = value >> 8 ^ tables[Int((value ^ UInt32(bytes[position])) & 0xFF)]
        position += 1
      }
      return ~value
    }
  }

  /// The form in which leveldb stores checksums, so that a checksum of checksums stays meaningful.
  package static func masked(_ checksum: UInt32) -> UInt32 {
    (checksum >> 15 | checksum << 17) &+ 0xA282_EAD8
  }
}
