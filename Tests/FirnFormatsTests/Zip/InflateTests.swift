import FirnFiles
import FirnGraph
import Testing

@testable import FirnFormats

/// Streams of zlib (level and strategy as named), and such as no packer writes.
@Suite struct InflateTests {
  private func unpack(_ bytes: [UInt8], count: Int) throws -> [UInt8] {
    try Inflate.unpack(Bytes(copying: bytes), count: count, fault: FileFault("file")).withUnsafeBytes {
      Array($0)
    }
  }

  private func unpack(_ hex: String, count: Int) throws -> [UInt8] {
    try unpack(WeightFixtures.bytes(hex), count: count)
  }

  @Test func storedBlocks() throws {
    #expect(try unpack("010400fbff6669726e", count: 4) == Array("firn".utf8))
    // Two blocks, the first empty.
    #expect(try unpack("000000ffff010400fbff6669726e", count: 4) == Array("firn".utf8))
    // The length's complement is wrong.
    #expect(throws: FirnError.self) { try unpack("010400fafe6669726e", count: 4) }
  }

  @Test func fixedCodes() throws {
    #expect(try unpack("0300", count: 0) == [])
    #expect(try unpack("4bcb2cca5348831100", count: 14) == Array("firn firn firn".utf8))
    // A distance of one: what is copied overlaps what it makes.
    #expect(try unpack("4b4c840100", count: 10) == Array("aaaaaaaaaa".utf8))
  }

  @Test func dynamicCodes() throws {
    let packed =
      "55d0310e43310803d0dda7c811027168384ea576f863fbd5fb97118f962c7830c7fdf93dbfefd7b8ee31613d1abc4762f598a0"
      + "9403bb67df889e57e021d312a7e720b2e763b0290b66f1d4e7d511a291b0a5ac84293403a6d4b25a28be3ac2f5537304bcbc76"
      + "a59e581f1333cbec6226aba36f3d848b797be20f"
    let text = (0..<24).map { "\($0) squared is \($0 * $0)\n" }.joined()
    #expect(try unpack(packed, count: 408) == Array(text.utf8))
  }

  /// Of the strategy that never repeats: there are no distances at all.
  @Test func dynamicCodesWithoutDistances() throws {
    let packed =
      "05c1411100000cc230ad3c28d7f917b0249a95a38b66e5e8a25939ba68568e2e9a95a38b66e5e8a25939ba68568e2e9a95a38b"
      + "66e5e8a25939fa"
    let letters = (0..<120).map { (place: Int) -> UInt8 in
      let letter = (place * place * 7 + place) % 11
      return UInt8(97 + letter)
    }
    #expect(try unpack(packed, count: 120) == letters)
  }

  @Test func everyCutIsAnError() throws {
    for packed in ["010400fbff6669726e", "4bcb2cca5348831100"] {
      let bytes = WeightFixtures.bytes(packed)
      for count in 0..<bytes.count - 1 {
        #expect(throws: FirnError.self, "\(packed) cut to \(count)") {
          try unpack(Array(bytes.prefix(count)), count: packed.count > 18 ? 14 : 4)
        }
      }
    }
  }

  @Test func whatIsLeftOverIsAnError() {
    #expect(throws: FirnError.self) { try unpack("030000", count: 0) }
  }
}
