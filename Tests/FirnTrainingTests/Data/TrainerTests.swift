import FirnGraph
import FirnNotation
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

  /// What the trainer is told beside its steps holds in the short form too.
  @Test func theShortFormHeedsTheTrainer() throws {
    let log = Log()
    var trainer = trainer
    trainer.validation = Validation(try data(5).inBatches(of: 2))
    // Nothing gets better by that much, so the second epoch is the last.
    trainer.earlyStopping = EarlyStopping(patience: 1, minimumDelta: 1000)
    trainer.callbacks = [log]
    try withFolder { url in
      let folder = try CheckpointFolder(url.path, keepingLast: 9)
      var lines: [String] = []
      var there: [[Int]] = []
      let losses = try trainer.fit(data(6), epochs: 9, batchSize: 2, savingTo: folder, every: 2) { step in
        lines.append("\(step.step) of \(step.stepCount), epoch \(step.epoch), next \(step.position.epoch)")
        there.append((try? folder.steps()) ?? [])
      }
      #expect(losses.count == 6 && Set(losses).count == 6)
      #expect(
        lines == [
          "1 of 27, epoch 0, next 0", "2 of 27, epoch 0, next 0", "3 of 27, epoch 0, next 1",
          "4 of 27, epoch 1, next 1", "5 of 27, epoch 1, next 1", "6 of 27, epoch 1, next 2",
        ])
      // Told after its checkpoint; epochs have theirs.
      #expect(there == [[], [2], [2, 3], [2, 3, 4], [2, 3, 4], [2, 3, 4, 6]])
      #expect(log.losses == losses && log.epochs == 2 && log.saved == [2, 3, 4, 6])
      #expect(log.ending == .stoppedEarly)
      // The best epoch's values are back.
      let best = try #require(try folder.best())
      let other = try quietSession(model.graph)
      _ = try best.resume(in: other)
      #expect(try other.snapshot() == session.snapshot())
      #expect(best.step == log.best)
    }
  }

  private final class Log: TrainingCallback {
    var losses: [Double] = []
    var epochs = 0
    var saved: [Int] = []
    var ending: TrainingOutcome.Ending?
    var best: Int?

    func finished(_ step: StepRecord, in run: TrainingRun) throws(FirnError) { losses.append(step.loss) }
    func finished(_ epoch: EpochRecord, in run: TrainingRun) throws(FirnError) { epochs += 1 }
    func saved(_ path: String, at position: DataPosition, in run: TrainingRun) throws(FirnError) {
      saved.append(position.step)
    }
    func ended(_ outcome: TrainingOutcome, in run: TrainingRun) throws(FirnError) {
      (ending, best) = (outcome.ending, outcome.best?.step)
    }
  }

  @Test func theShortFormStopsWhereNumbersAreLost() throws {
    let good = try data(6)
    var values = try good.array(of: "input").floats
    values[6 * 4] = .nan
    let faulty = try DataSet([
      "input": NDArray(values, shape: [6, 2, 3]), "targets": good.array(of: "targets"),
    ])
    let before = try session.snapshot()
    var steps = 0
    let fault = try error { try trainer.fit(faulty, epochs: 1, batchSize: 6) { _ in steps += 1 } }
    #expect(fault.code == .notFinite && fault.place == "input" && steps == 0, "\(fault)")
    #expect(try session.snapshot() == before)
  }

  /// A place in the data does not say what the stage before left.
  @Test func stagesGoOnFromACheckpointAlone() throws {
    let schedule = FreezeSchedule([(.epoch(0), "lower"), (.epoch(1), nil)])
    let staged = try Trainer(in: session, through: schedule) { stage in
      try session.compile(minimizing: model.loss, with: Adam(), freezing: stage.freezing)
    }
    var stopped: DataPosition?
    var frozen: [Bool] = []
    let kernel = try #require(model.graph.variables.first { $0.name.hasPrefix("lower") }).name
    let first = try session.value(of: kernel)
    try staged.fit(data(6), epochs: 2, batchSize: 3, upTo: 3) { step in
      stopped = step.position
      frozen.append((try? session.value(of: kernel)) == first)
    }
    #expect(frozen == [true, true, false])
    let fault = try error { try staged.fit(data(6), epochs: 2, batchSize: 3, from: stopped) }
    #expect(fault.code == .invalidArgument && fault.remedy?.contains("train(on:") == true, "\(fault)")
  }
}
