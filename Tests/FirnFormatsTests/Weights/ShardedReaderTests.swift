import FirnFiles
import FirnFormats
import FirnGraph
import Foundation
import Testing

/// An index and its shards do not fit.
@Suite struct ShardedReaderTests {
  private let folder = WeightFixtures.foreign("sharded")

  private func read(_ text: String, missing: String? = nil) throws -> Weights {
    try ShardedReader.read(Bytes(copying: Array(text.utf8)), source: "run/model.safetensors.index.json") {
      (path) throws(FirnError) in
      guard let missing, path.hasSuffix(missing) else {
        return try MappedFile.open(folder.path + "/" + path.dropFirst("run/".count))
      }
      throw FirnError(.file, "cannot read '\(path)': No such file", remedy: "check the path")
    }
  }

  private let index =
    #"{"weight_map": {"layers.3.weight": "model-00002-of-00002.safetensors", "layers.0.weight": "model-00001-of-00002.safetensors"}}"#

  @Test func namesComeInTheIndexsOrder() throws {
    let weights = try read(index)
    #expect(weights.entries.map(\.name) == ["layers.3.weight", "layers.0.weight"])
    #expect(try weights["layers.3.weight"]?.array().floats == [3, 4, 5, 6, 7, 8, 9, 10])
    #expect(weights.source == "run/model.safetensors.index.json")
  }

  @Test func whatTheIndexLeavesOutIsListed() throws {
    let skipped = try read(index).skipped
    #expect(skipped.map(\.name) == ["layers.2.weight", "layers.1.weight"])
    #expect(skipped[0].reason.contains("model-00002-of-00002.safetensors"))
  }

  @Test func missingShardsAreNamed() {
    let error = #expect(throws: FirnError.self) {
      try read(index, missing: "model-00001-of-00002.safetensors")
    }
    #expect(error?.code == .file && error?.place == "layers.0.weight")
    #expect(error?.message.contains("wants the shard 'model-00001-of-00002.safetensors'") == true)
    #expect(error?.remedy == "put 'model-00001-of-00002.safetensors' beside the index")
  }

  @Test(arguments: [
    (#"{"weight_map": {"a": "model-00001-of-00002.safetensors"}}"#, "which is not in it"),
    (#"{"weight_map": {"a": "../other.safetensors"}}"#, "not below its folder"),
    (#"{"weight_map": {"a": "/etc/passwd"}}"#, "not below its folder"),
    (#"{"weight_map": {"a": 1}}"#, "lacks '\"'"), (#"{"weight_map": {}"#, "lacks '}'"),
    (#"{"metadata": {"total_size": 3}}"#, "without a weight_map"),
  ])
  func damagedIndicesAreErrors(_ text: String, _ message: String) {
    let error = #expect(throws: FirnError.self) { try read(text) }
    #expect(error?.message.contains(message) == true)
  }

  /// Each shard numbers its storages from 0.
  @Test func storagesOfSeveralShardsStayApart() throws {
    let binary = WeightFixtures.foreign("binary/pytorch_model-00001-of-00002.bin")
    let shard = try MappedFile.open(binary.path)
    let text = #"{"weight_map": {"a": "1.bin", "b": "2.bin"}}"#
    let weights = try ShardedReader.read(Bytes(copying: Array(text.utf8)), source: "i") { _ in shard }
    #expect(weights["a"]?.storage != nil && weights["a"]?.storage != weights["b"]?.storage)
  }

  /// Each would be read alone; all that is known of them would stand in memory at once.
  @Test func shardsShareOneBudget() throws {
    let members = (0..<50_000).map { "\"\($0)\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}" }
    let header = Array("{\(members.joined(separator: ","))}".utf8)
    let shard = Bytes(copying: FileParts.little(UInt64(header.count)) + header)
    func read(_ count: Int) throws -> Weights {
      let rows = (0..<count).map { "\"\($0)\": \"\($0).safetensors\"" }.joined(separator: ", ")
      let index = Bytes(copying: Array("{\"weight_map\": {\(rows)}}".utf8))
      return try ShardedReader.read(index, source: "run/model.index.json") { _ in shard }
    }
    #expect(try read(1).entries.map(\.name) == ["0"])
    let error = #expect(throws: FirnError.self) { try read(4) }
    #expect(error?.code == .parse)
    #expect(error?.message.contains(".safetensors' describes more than a file of its size") == true)
  }
}
