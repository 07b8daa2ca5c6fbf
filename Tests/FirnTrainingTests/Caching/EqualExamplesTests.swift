import FirnGraph
import FirnRuntime
import Foundation
import Testing

@testable import FirnTraining

/// Examples that are equal have one record, in memory and in files, in one batch and in several.
@Suite struct EqualExamplesTests {
  /// Eleven examples, of which the second to fourth are the first again, and the last is the fifth.
  private func doubled(_ model: CachingModel) throws -> DataSet {
    let rows = [0, 0, 0, 0, 4, 5, 6, 7, 8, 9, 4]
    return try model.data { column in column[0].array = try column[0].array.rows(rows) }
  }

  @Test(arguments: [false, true]) func equalExamplesShareARecord(_ isFolder: Bool) throws {
    let model = try CachingModel(.dense)
    try withFolder { url in
      let memory = FeaturePlace.memory(limit: 1 << 20)
      let place = isFolder ? FeaturePlace.folder(url.path) : memory
      let data = try doubled(model)
      let session = try model.session()
      let program = try model.program(session)
      let order = [3, 10, 1, 4, 0, 8, 2, 9, 5, 7, 6]
      func values(_ data: DataSet, _ place: FeaturePlace) throws -> (NDArray, Int) {
        let features = try #require(
          try Caching.frozenFeatures(in: place).features(of: program, over: data, in: session))
        // Equal ones in one batch, and again in later ones.
        var rows: [NDArray] = []
        for start in stride(from: 0, to: order.count, by: 4) {
          let batch = Array(order[start..<min(start + 4, order.count)])
          rows.append(try #require(try features.feeds(batch).entries.last?.array))
        }
        // Each is known by now, the equal ones too.
        let count = features.computedCount
        for start in stride(from: 0, to: order.count, by: 3) {
          _ = try features.feeds(Array(order[start..<min(start + 3, order.count)]))
        }
        #expect(features.computedCount == count)
        let shape = [order.count] + rows[0].shape.dropFirst()
        return (try NDArray(rows.flatMap(\.floats), shape: shape), features.computedCount)
      }
      let (first, _) = try values(data, place)
      // Each on its own, none of them equal to another: what the features are.
      let plain = try values(model.data(), .memory(limit: 1 << 20)).0
      let kinds = [0, 0, 0, 0, 4, 5, 6, 7, 8, 9, 4]
      for (row, example) in order.enumerated() {
        let source = try #require(order.firstIndex(of: kinds[example]))
        #expect(first.rows[row] == plain.rows[source], "example \(example)")
      }
      // Known by their bytes: nothing is computed again but what proves a folder's.
      let (second, again) = try values(data, place)
      #expect(second == first && again == (isFolder ? 1 : 0))
    }
  }

  /// A run over them comes to the bits of one that stores nothing.
  @Test(arguments: [false, true]) func theyTrainAlike(_ isFolder: Bool) throws {
    let model = try CachingModel(.dense)
    try withFolder { url in
      func run(_ caching: Caching?) throws -> [String: NDArray] {
        let session = try model.session()
        try Trainer(model.program(session), in: session).fit(
          doubled(model), epochs: 3, batchSize: 4, caching: caching)
        return try session.everything()
      }
      let place = isFolder ? FeaturePlace.folder(url.path) : .memory(limit: 1 << 20)
      let plain = try run(nil)
      let (first, second) = (try run(.frozenFeatures(in: place)), try run(.frozenFeatures(in: place)))
      #expect(first == plain && second == plain)
    }
  }
}
