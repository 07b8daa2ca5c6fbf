@testable import FirnFormats
import FirnGraph
import FirnNN
import Testing

/// By the ready maps every tensor of torchvision's state dictionaries is for one variable, and every variable gets one.
@Suite struct TorchvisionMapTests {
  @Test func everyVariableOnce() throws {
    for listing in try ModelTests.Listing.load() {
      let entries = listing.stateDict.map { tensor in
        // Only what a plan looks at: half a gigabyte is not read for names.
        WeightEntry(
          name: tensor.name, storedType: tensor.name.hasSuffix("num_batches_tracked") ? .i64 : .f32,
          shape: tensor.shape
        ) { () throws(FirnError) in throw FirnError(.file, "read") }
      }
      let graph = Graph()
      let model = try ModelTests.model(listing.name)
      _ = model(graph.placeholder("images", shape: ["batch", 64, 64, 3]))
      let report = try LoadPlan(
        Weights(source: listing.name, entries: entries),
        targets: graph.variables.map { .init(variable: $0, region: .whole) }, isWhole: true, scope: nil,
        mapping: TorchvisionFilesTests.map(listing.name)
      ).report
      #expect(report.isComplete, "\(report)")
      let loaded = report.rows.filter { $0.variable != nil }
      #expect(loaded.compactMap(\.variable) == graph.variables.map(\.name))
      #expect(loaded.allSatisfy { $0.sources.count == 1 })
      let sources = loaded.flatMap(\.sources)
      #expect(Set(sources).count == sources.count)
      #expect(
        Set(sources)
          == Set(listing.stateDict.map(\.name).filter { !$0.hasSuffix("num_batches_tracked") }))
    }
  }
}
