import FirnFiles
import FirnFormats
import FirnGraph
import FirnNN
import FirnRuntime
import Foundation
import Testing

/// PyTorch counts the batches of every norm; of a cumulative one the count comes and goes, elsewhere nobody misses it.
@Suite struct BatchCountTests {
  private func session(_ norm: BatchNorm) throws -> Session {
    let graph = Graph()
    _ = norm(graph.placeholder("x", shape: ["batch", 3, 3, 4]))
    return try CheckpointParityTests.quiet(graph)
  }

  private var file: Weights { get throws { try CheckpointParityTests.weights("counted.pth") } }

  @Test(arguments: [NameMap.pyTorch, .torchvisionResNet, .torchvisionMobileNetV2, .torchvisionVGG()])
  func theCountComesAndGoes(_ map: NameMap) throws {
    let session = try session(BatchNorm(isCumulative: true, name: "bn"))
    let report = try session.load(file, mapping: map, strict: true)
    #expect(report.isComplete && report.count(.ignored) == 0, "\(report)")
    #expect(try session.value(of: "bn/batch_count") == NDArray(scalar: Int32(3)))
    try WeightFixtures.inFolder { folder in
      let kept = ProcessInfo.processInfo.environment["FIRN_WRITTEN"].map { URL(fileURLWithPath: $0) }
      let path = (kept ?? folder).appendingPathComponent("counted.pth").path
      try session.save(to: path, mapping: map)
      let (copy, original) = (try Weights(contentsOf: path), try file)
      #expect(Set(copy.entries.map(\.name)) == Set(original.entries.map(\.name)))
      for entry in original.entries {
        let written = try #require(copy[entry.name])
        #expect(written.storedType == entry.storedType && written.shape == entry.shape)
        #expect(
          try written.storedBytes().withUnsafeBytes { Array($0) }
            == entry.storedBytes().withUnsafeBytes { Array($0) }, "\(entry.name)")
      }
    }
  }

  /// The file has it, the norm has not: listed, and neither an error nor a warning; also after a conversion.
  @Test func aNormWithoutACountLetsItBe() throws {
    let session = try session(BatchNorm(name: "bn"))
    var warnings: [String] = []
    session.onWarning = { warnings.append($0) }
    let report = try session.load(file, mapping: .pyTorch, strict: true)
    #expect(report.rows(.ignored).map(\.sources) == [["bn.num_batches_tracked"]])
    #expect(report.rows(.ignored).map(\.note) == ["no norm here counts its batches"])
    let converted = try file.mapped(by: .pyTorch)
    #expect(converted.ignored.isEmpty && converted.weights["bn/batch_count"]?.storedType == .i64)
    let second = try session.load(converted.weights, strict: true)
    #expect(second.isComplete && warnings.isEmpty)
    try WeightFixtures.inFolder { folder in
      let path = folder.appendingPathComponent("plain.pth").path
      try session.save(to: path, mapping: .pyTorch)
      #expect(try Weights(contentsOf: path)["bn.num_batches_tracked"] == nil)
    }
  }

  /// A cumulative norm without a count would take the next batch for its first.
  @Test func aCountThatIsMissingIsMissed() throws {
    let session = try session(BatchNorm(isCumulative: true, name: "bn"))
    let short = try Weights(
      source: "short", entries: file.entries.filter { $0.name != "bn.num_batches_tracked" })
    let error = try #require(throws: FirnError.self) { try session.load(short, mapping: .pyTorch) }
    #expect(error.description.contains("`bn/batch_count` (i32[]) is missing"), "\(error)")
  }

  /// What only looks like a count is as unexpected as ever.
  @Test func otherTensorsAreUnexpected() throws {
    let session = try session(BatchNorm(name: "bn"))
    let file = try file.mapped(by: .pyTorch).weights.entries
    for name in ["bn/batch_counts", "batch_count/bn"] {
      let more = try Weights(
        source: "more", entries: file + [WeightEntry(name: name, array: NDArray(zeros: []))])
      #expect(throws: FirnError.self) { try session.load(more) }
    }
  }
}
