import FirnFiles
import FirnFormats
import FirnGraph
import Foundation
import Testing

/// What is a variable of a checkpoint, and what only repeats one.
@Suite struct TensorFlowReaderTests {
  /// Two variables of one name are two, be their elements the same: as biases of zeros are.
  @Test func equalVariablesOfOneNameStayApart() throws {
    let stored = WeightFixtures.foreign("twice")
    let values = try Weights(contentsOf: stored.path)
    let (left, right) = (try #require(values["left"]), try #require(values["right"]))
    var data = Array(try Data(contentsOf: stored.appendingPathExtension("data-00000-of-00001")))
    let block = FileParts.block(of: Array(try Data(contentsOf: stored.appendingPathExtension("index"))))
    // The second gets the first one's number, and the checksum that goes with it.
    func bytes(_ entry: WeightEntry) throws -> [UInt8] {
      try entry.storedBytes().withUnsafeBytes { Array($0) }
    }
    func checksum(_ bytes: [UInt8]) -> [UInt8] {
      FileParts.little(
        CyclicRedundancyCheck.masked(
          bytes.withUnsafeBytes { CyclicRedundancyCheck.castagnoli.checksum($0) }))
    }
    data = replacing(try bytes(right), in: data, with: try bytes(left))
    let index = FileParts.table(
      replacing(checksum(try bytes(right)), in: block, with: checksum(try bytes(left))))
    let equal = try TensorFlowReader.read(index: Bytes(copying: index), prefix: "equal") { [data] _ in
      Bytes(copying: data)
    }
    #expect(equal.entries.map(\.name) == ["left", "own", "right"])
    #expect(try equal["right"]?.array() == left.array())
    #expect(equal.skipped.map(\.name) == ["_CHECKPOINTABLE_OBJECT_GRAPH"])
  }

  /// The first place where `old` stands, replaced.
  private func replacing(_ old: [UInt8], in bytes: [UInt8], with new: [UInt8]) -> [UInt8] {
    guard let start = bytes.indices.first(where: { bytes[$0...].starts(with: old) }) else { return bytes }
    return Array(bytes[..<start]) + new + Array(bytes[(start + old.count)...])
  }
}
