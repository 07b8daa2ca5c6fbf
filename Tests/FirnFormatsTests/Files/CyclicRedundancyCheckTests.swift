import FirnFiles
import FirnFormats
import FirnGraph
import Testing

@Suite struct CyclicRedundancyCheckTests {
  /// The check values of the CRC catalogue (reveng.sourceforge.io): CRC-32/ISO-HDLC and CRC-32/ISCSI.
  @Test func checkValues() {
    let digits = Bytes(copying: Array("123456789".utf8))
    #expect(CyclicRedundancyCheck.zip.checksum(digits) == 0xCBF4_3926)
    #expect(CyclicRedundancyCheck.castagnoli.checksum(digits) == 0xE306_9283)
    #expect(CyclicRedundancyCheck.zip.checksum(Bytes(copying: [])) == 0)
  }

  /// RFC 3720, B.4: 32 bytes of zeros, of ones, and counting up.
  @Test func internetExamples() {
    for (bytes, checksum) in [
      ([UInt8](repeating: 0, count: 32), 0x8A91_36AA), ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
      (Array(0..<32), 0x46DD_794E),
    ] as [([UInt8], UInt32)] {
      #expect(CyclicRedundancyCheck.castagnoli.checksum(Bytes(copying: bytes)) == checksum)
    }
  }

  /// Whatever the parts, so that eight bytes at a time and one give the same.
  @Test func partsGoOn() {
    let bytes = (0..<61).map { UInt8($0 * 37 % 251) }
    bytes.withUnsafeBytes { all in
      let whole = CyclicRedundancyCheck.zip.checksum(all)
      for cut in 0...bytes.count {
        let first = CyclicRedundancyCheck.zip.checksum(UnsafeRawBufferPointer(rebasing: all[..<cut]))
        let rest = UnsafeRawBufferPointer(rebasing: all[cut...])
        #expect(CyclicRedundancyCheck.zip.checksum(rest, after: first) == whole)
      }
    }
  }
}
