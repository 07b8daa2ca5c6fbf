import FirnFiles
import FirnFormats
import FirnGraph
import Testing

@Suite struct ByteReaderTests {
  private func reader(_ bytes: [UInt8]) -> ByteReader {
    ByteReader(Bytes(copying: bytes), fault: FileFault("file"))
  }

  @Test func numbersAreLittleEndian() throws {
    var reader = reader([1, 2, 3, 4, 5, 6, 7])
    #expect(try reader.integer(UInt16.self) == 0x0201)
    #expect(try reader.integer(UInt32.self) == 0x0605_0403)
    #expect(reader.remaining == 1)
    #expect(throws: FirnError.self) { try reader.integer(UInt16.self) }
    // A failed read takes nothing.
    #expect(try reader.integer(UInt8.self) == 7)
    #expect(reader.isAtEnd)
  }

  @Test func countsBeyondTheEndAreErrors() {
    for count in [4, Int.max, -1] {
      #expect(throws: FirnError.self) {
        var own = reader([1, 2, 3]); _ = try own.take(count)
      }
    }
    #expect(throws: FirnError.self) {
      var own = reader([UInt8](repeating: 0xFF, count: 8))
      _ = try own.size(UInt64.self)
    }
    #expect(throws: FirnError.self) {
      var own = reader([UInt8](repeating: 0xFF, count: 4))
      _ = try own.size(Int32.self)
    }
  }

  @Test func varints() throws {
    for (bytes, value) in [
      ([0], 0), ([0x7F], 127), ([0x80, 1], 128), ([0xAC, 2], 300),
      ([UInt8](repeating: 0xFF, count: 9) + [1], UInt64.max),
    ] as [([UInt8], UInt64)] {
      var reader = reader(bytes)
      #expect(try reader.varint() == value)
      #expect(reader.isAtEnd)
    }
    for bytes in [[], [0x80], [UInt8](repeating: 0xFF, count: 9) + [2], [UInt8](repeating: 0x80, count: 11)] {
      #expect(throws: FirnError.self, "\(bytes)") {
        var own = reader(bytes); _ = try own.varint()
      }
    }
  }

  @Test func linesEndWithinTheirLimit() throws {
    var own = reader(Array("ab\n\nc".utf8))
    #expect(try own.line(atMost: 2).text == "ab")
    #expect(try own.line(atMost: 0).text == "")
    #expect(throws: FirnError.self) { try own.line(atMost: 9) }
    #expect(throws: FirnError.self) {
      var own = reader(Array("abc\n".utf8)); _ = try own.line(atMost: 2)
    }
  }
}
