import FirnFiles
import FirnFormats
import FirnGraph
import Testing

/// The hostile files of `HostileFileTests`, opened in this process and read: here a sanitizer sees every access.
@Suite struct HostileBytesTests {
  /// Larger ones take long where nothing is optimised, and show no more.
  private static let largest = 1 << 17

  private func read(_ bytes: Bytes, of kind: HostileFile) throws(FirnError) -> Weights {
    switch kind {
    case .shardIndex: try ShardedReader.read(bytes, source: "hostile") { _ in Bytes(copying: []) }
    case .sharedKeys: try TensorFlowReader.read(index: bytes, prefix: "hostile") { _ in Bytes(copying: []) }
    default: try Weights(bytes, source: "hostile")
    }
  }

  @Test(arguments: HostileFile.allCases) func refusedOrRead(_ kind: HostileFile) throws {
    var count = 0
    for seed in 0..<16 as Range<UInt64> where count < 4 {
      let bytes = kind.bytes(seed: seed &* 0x1_0000_0001 &+ 7)
      if bytes.count > Self.largest { continue }
      count += 1
      do {
        for entry in try read(Bytes(copying: bytes), of: kind).entries.prefix(100) {
          guard entry.shape.reduce(1, { $0.multipliedReportingOverflow(by: $1).partialValue }) < 1 << 20
          else {
            continue
          }
          let array = try entry.array()
          // Every byte is looked at.
          _ = array.withUnsafeBytes { $0.reduce(0) { $0 &+ $1 } }
          #expect(array.shape == entry.shape)
        }
      } catch {
        #expect(error.code == .parse || error.code == .file, "\(kind) \(seed): \(error)")
      }
    }
    #expect(count == 4, "too few files are small enough")
  }
}
