import FirnFiles
import FirnGraph
import FirnTestSupport
import Foundation
import Testing

@testable import FirnONNX

/// Damaged models: an error or a graph, never a trap, a hang or memory without end.
@Suite struct ONNXFuzzTests {
  /// `FIRN_FUZZ=1000000` for a long run, in release.
  static let count = ProcessInfo.processInfo.environment["FIRN_FUZZ"].flatMap { Int($0) } ?? 4000

  @Test(.timeLimit(.minutes(60))) func damagedModels() throws {
    let path = NodeTests.fixtures.appendingPathComponent("nodes.onnx").path
    let files = try ModelMessage(MappedFile.open(path), source: path).graph?.initializers ?? []
    let originals = stride(from: 0, to: files.count, by: 2).compactMap { files[$0].raw }
    var accepted = 0
    for index in 0..<Self.count {
      var mutator = Mutator(seed: UInt64(index) &* 0x1_0000_0001)
      var bytes = originals[index % originals.count].withUnsafeBytes { Array($0) }
      mutator.mutate(&bytes)
      do {
        _ = try ONNXModel(Bytes(copying: bytes), source: "damaged", path: nil)
        accepted += 1
      } catch {
        #expect(!error.message.isEmpty)
      }
    }
    #expect(accepted > Self.count / 100 && accepted < Self.count * 99 / 100)
  }
}
