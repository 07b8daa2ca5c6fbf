import FirnGraph
import FirnRuntime
import FirnTraining
import Foundation
import Testing

/// The loop around a program: data that fits, metrics, epochs.
@Suite struct TrainerTests {
  private let model: Chain
  private let session: Session
  private let trainer: Trainer

  init() throws {
    model = try Chain()
    session = try quietSession(model.graph)
    trainer = Trainer(try session.compile(minimizing: model.loss, with: Adam()), in: session)
  }

  private func data(_ count: Int) throws -> DataSet {
    try DataSet(["input": noise([count, 2, 3]), "targets": labels(count, classes: 6)])
  }

  /// Fewer examples than the run has passed would be gone through for ever, others in another order.
  @Test func otherDataIsRefused() throws {
    var stopped: DataPosition?
    try trainer.fit(data(10), epochs: 2, batchSize: 2, upTo: 4) { stopped = $0.position }
    let position = try #require(stopped)
    #expect(position.count == 10 && position.batch == 4)
    for count in [6, 8, 9, 12] {
      let refused = try error { try trainer.fit(data(count), epochs: 2, batchSize: 2, from: position) }
      #expect(refused.code == .invalidArgument && refused.message.contains("of 10 examples"))
    }
    var unknown = position
    unknown.count = nil
    #expect(throws: FirnError.self) { try trainer.fit(data(8), epochs: 2, batchSize: 2, from: unknown) }
    #expect(try trainer.fit(data(10), epochs: 2, batchSize: 2, from: unknown).count == 6)
  }

  @Test func metricsChooseTheBest() throws {
    try withFolder { url in
      let folder = try CheckpointFolder(url.path, keepingLast: 1)
      var metrics = [3.0, 1, 2]
      var calls = 0
      try trainer.fit(data(6), epochs: 1, batchSize: 1, savingTo: folder, every: 2) { _ in
      } metric: {
        calls += 1
        return metrics.removeFirst()
      }
      #expect(calls == 3)
      #expect(try folder.best()?.step == 4 && folder.best()?.metric == 1)
      #expect(try folder.latest()?.step == 6 && folder.latest()?.metric == 2)
    }
  }

  /// Numbers at the ends of their type are no traps.
  @Test(arguments: [-1, .min, .max]) func anyEpochHasAnOrder(_ epoch: Int) throws {
    let data = try data(10)
    #expect(data.batches(of: 4, epoch: epoch, seed: 1).map(\.count) == [4, 4, 2])
    #expect(data.batches(of: 4, epoch: epoch, seed: 1).joined().sorted() == Array(0..<10))
    #expect(data.batches(of: 4, epoch: epoch, seed: 1) != data.batches(of: 4, epoch: 0, seed: 1))
    #expect(data.batches(of: .max, epoch: epoch, seed: 1).map(\.count) == [10])
    #expect(try trainer.fit(data, epochs: 1, batchSize: .max).count == 1)
  }
}
