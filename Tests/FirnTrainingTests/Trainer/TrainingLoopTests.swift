import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
import FirnRuntime
import Foundation
import Testing

@testable import FirnTraining

/// Validation, early stopping, resumption, the guard, stopping: the loop as a whole.
@Suite struct TrainingLoopTests {
  private let tower = Tower()

  private func trainer(_ session: Session, rate: Schedule = .constant(0.05)) throws -> Trainer {
    var trainer = Trainer(
      try session.compile(minimizing: tower.loss, with: Adam(learningRate: rate), freezing: "layer1"),
      in: session)
    trainer.validation = Validation(
      try tower.data(11, "held").inBatches(of: 4), metrics: [.accuracy(tower.logits, labels: tower.y)])
    return trainer
  }

  private func source() throws -> DataBatches { try tower.data(20).inBatches(of: 6, seed: 2) }

  /// An epoch has one number of a name; that of the loss of training is taken.
  @Test func metricsHaveNamesOfTheirOwn() throws {
    var trainer = try trainer(tower.session())
    let data = try source()
    trainer.validation = Validation(
      data, metrics: [.accuracy(tower.logits, labels: tower.y, named: "training loss")])
    let fault = try error { try trainer.train(on: data, epochs: 1) }
    #expect(fault.code == .duplicateName && fault.remedy?.contains("`named:`") == true, "\(fault)")
    trainer.validation = Validation(data, metrics: [.mean(of: tower.loss)])
    #expect(try error { try trainer.train(on: data, epochs: 1) }.code == .duplicateName)
  }

  /// The simple loop and the full one move the same bits.
  @Test func fullAndPlainLoopAgree() throws {
    let (plain, full) = (try tower.session(), try tower.session())
    let losses = try self.trainer(plain).fit(tower.data(20), epochs: 3, batchSize: 6, seed: 2)
    let outcome = try self.trainer(full).train(on: source(), epochs: 3)
    #expect(losses == outcome.losses)
    #expect(try plain.everything() == full.everything())
    #expect(outcome.history.epochs.map(\.step) == [4, 8, 12] && outcome.position.epoch == 3)
    // 6 + 6 + 6 + 2 examples.
    let mean = (losses[0...2].reduce(0, +) * 6 + losses[3] * 2) / 20
    #expect(abs(outcome.history.epochs[0].trainingLoss - mean) < 1e-12)
  }

  /// Line 5: whatever epoch was best, its variables and its optimiser's memory are there, to the bit.
  @Test(arguments: [false, true]) func earlyStoppingRestoresTheBestEpoch(_ isResumed: Bool) throws {
    let keeper = Keeper()
    let session = try tower.session()
    var trainer = try self.trainer(session, rate: .constant(0.005))
    trainer.earlyStopping = EarlyStopping(patience: 3)
    trainer.callbacks = [keeper]
    let outcome = try trainer.train(on: source(), epochs: 200)
    #expect(outcome.ending == .stoppedEarly && outcome.isBestRestored)
    let best = try #require(outcome.best)
    let values = outcome.history.epochs.compactMap { $0["loss"] }
    #expect(values[best.epoch] == values.min() && outcome.history.epochs.count == best.epoch + 4)
    #expect(best.epoch > 0)
    #expect(try session.everything() == keeper.states[best.epoch])

    guard isResumed else { return }
    // Killed in the middle of the epoch after the best one, the best is found in its file.
    try withFolder { url in
      let folder = try CheckpointFolder(url.path, keepingLast: 1)
      func part(_ lastStep: Int) throws -> (Session, TrainingOutcome) {
        let session = try tower.session()
        var trainer = try self.trainer(session, rate: .constant(0.005))
        trainer.earlyStopping = EarlyStopping(patience: 3)
        let outcome = try trainer.train(
          on: source(), epochs: 200, from: folder.latest(), upTo: lastStep, savingTo: folder)
        return (session, outcome)
      }
      _ = try part(best.step + 2)
      _ = try part(best.step + 5)
      let (last, end) = try part(.max)
      #expect(end.ending == .stoppedEarly && end.isBestRestored)
      #expect(end.history.epochs.map(\.validation) == outcome.history.epochs.map(\.validation))
      #expect(try last.everything() == session.everything())
      // Once it has stopped it stays so.
      let (again, nothing) = try part(.max)
      #expect(nothing.ending == .stoppedEarly && nothing.losses.isEmpty)
      #expect(try again.everything() == session.everything())
    }
  }

  private final class Keeper: TrainingCallback {
    var states: [[String: NDArray]] = []
    func finished(_ epoch: EpochRecord, in run: TrainingRun) throws(FirnError) {
      do { states.append(try run.session.everything()) } catch { throw FirnError(.file, "\(error)") }
    }
  }

  /// Stopped after any step: nothing but the rest of the run is missing, and that comes to the same bits.
  @Test(arguments: [1, 3, 4, 5, 8, 11]) func stoppedAndResumed(_ step: Int) throws {
    let straight = try tower.session()
    let whole = try self.trainer(straight).train(on: source(), epochs: 3)
    try withFolder { url in
      let folder = try CheckpointFolder(url.path)
      let first = try tower.session()
      var stopping = try self.trainer(first)
      stopping.callbacks = [Stopper(step)]
      let begun = try stopping.train(on: source(), epochs: 3, savingTo: folder)
      #expect(begun.ending == .interrupted && begun.losses.count == step)
      #expect(try folder.latest()?.step == step)
      let second = try tower.session()
      let rest = try self.trainer(second).train(on: source(), epochs: 3, from: folder.latest())
      #expect(begun.losses + rest.losses == whole.losses && rest.ending == .finished)
      #expect(try straight.everything() == second.everything())
    }
  }

  private struct Stopper: TrainingCallback {
    let step: Int
    init(_ step: Int) { self.step = step }
    func finished(_ step: StepRecord, in run: TrainingRun) throws(FirnError) {
      if step.step == self.step { run.stop() }
    }
  }

  /// A planted NaN and an exploding rate: the first node is named, the weights are those of before its step.
  @Test(arguments: [1, 2, 16]) func theGuardLeavesTheLastGoodWeights(_ interval: Int) throws {
    let data = try tower.data(20)
    let rows = try data.array(of: "x")
    var values = rows.floats
    values[5 * 17 + 2] = .nan
    let faulty = try DataSet([tower.x: NDArray(values, shape: [20, 5]), tower.y: data.array(of: "y")])
    let session = try tower.session()
    var trainer = try self.trainer(session)
    trainer.guardInterval = interval
    let batches = faulty.batches(of: 6, epoch: 0, seed: 2)
    let bad = try #require(batches.firstIndex { $0.contains(17) })
    let fault = try error { try trainer.train(on: faulty.inBatches(of: 6, seed: 2), epochs: 2) }
    #expect(fault.code == .notFinite && fault.place == "x", "\(fault)")
    #expect(fault.message.contains("step \(bad + 1) ") && !session.checksNumerics)

    let byHand = try tower.session()
    let program = try self.trainer(byHand).program
    for batch in batches[..<bad] { try byHand.run(program, feeding: faulty.feeds(batch)) }
    #expect(try session.everything() == byHand.everything())
  }

  /// A step whose loss is finite and whose gradient is not: the state that is kept after it is no good one, nor is it
  /// saved.
  @Test(arguments: [1, 2, 16], [false, true])
  func theStepThatBrokeTheWeightsIsNamed(_ interval: Int, _ isSaved: Bool) throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 1])
    let w = graph.variable("w", shape: [1], initializer: .ones)
    let loss = graph.scope("loss") { sqrt(x * w).mean() }
    func made() throws -> (Session, Program) {
      let session = try quietSession(graph)
      return (session, try session.compile(minimizing: loss, with: SGD(learningRate: 0.1)))
    }
    let (session, program) = try made()
    var trainer = Trainer(program, in: session)
    trainer.guardInterval = interval
    func batch(_ value: Float) throws -> Batch { Batch([x: try NDArray([value], shape: [1, 1])], count: 1) }
    let batches = SequenceBatches { _ in try [1, 1, 1, 0, 1, 1].map { try batch($0) } }
    try withFolder { url in
      let folder = try CheckpointFolder(url.path, keepingLast: 9)
      let fault = try error {
        try trainer.train(on: batches, epochs: 1, savingTo: isSaved ? folder : nil, every: 1)
      }
      #expect(fault.code == .notFinite && fault.message.contains("training stopped at step 4 "), "\(fault)")
      #expect(fault.place?.contains("loss") == true, "\(fault)")
      #expect(try folder.steps() == (isSaved ? [1, 2, 3] : []))
    }
    let (byHand, own) = try made()
    for _ in 0..<3 { try byHand.run(own, feeding: batch(1).feeds) }
    #expect(try session.value(of: w) == byHand.value(of: w))
  }

  @Test func anExplodingRateIsStopped() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 2])
    let w = graph.variable("w", shape: [2], initializer: .ones)
    let loss = ((x * w) * (x * w)).sum(axes: [1]).mean()
    let session = try quietSession(graph)
    let program = try session.compile(minimizing: loss, with: SGD(learningRate: 1e9))
    let trainer = Trainer(program, in: session)
    let data = try DataSet([x: noise([12, 2])])
    let fault = try error { try trainer.train(on: data.inBatches(of: 4), epochs: 50) }
    #expect(fault.code == .notFinite && fault.place != nil, "\(fault)")
    #expect(try session.value(of: "w").floats.allSatisfy(\.isFinite))
  }

  /// What is told of the rate falls, is saved, and goes on falling after a resumption.
  @Test func ratesFallOnPlateaus() throws {
    let rate = Schedule.onPlateau(.constant(0.5))
    func run(_ epochs: [Int], _ url: URL) throws -> (TrainingOutcome, Session) {
      let folder = try CheckpointFolder(url.path)
      var last: (TrainingOutcome, Session)?
      for count in epochs {
        let session = try tower.session()
        var trainer = try self.trainer(session, rate: rate)
        trainer.plateau = ReduceOnPlateau(factor: 0.5, patience: 1)
        last = (
          try trainer.train(on: source(), epochs: count, from: folder.latest(), savingTo: folder), session
        )
      }
      return try #require(last)
    }
    try withFolder { url in
      let (straight, one) = try run([14], url.appendingPathComponent("a"))
      let (resumed, two) = try run([3, 8, 14], url.appendingPathComponent("b"))
      #expect(straight.history.epochs.map(\.rateFactor) == resumed.history.epochs.map(\.rateFactor))
      #expect(try one.everything() == two.everything())
      let last = try one.value(of: "adam/rate_factor").scalar ?? 1
      #expect(last < 1 && last <= straight.history.epochs.last?.rateFactor ?? 0)
    }
  }

  @Test func faultsOfARunAreSaidBeforeItBegins() throws {
    let session = try tower.session()
    let before = try session.everything()
    var trainer = try self.trainer(session)
    trainer.monitor = Monitor("F1")
    #expect(try error { try trainer.train(on: source(), epochs: 1) }.code == .unknownName)
    trainer.monitor = Monitor("accuracy", goal: .highest)
    #expect(try error { try trainer.train(on: source(), epochs: -1) }.code == .invalidArgument)
    let empty = SequenceBatches { _ in [Batch]() }
    #expect(try error { try trainer.train(on: empty, epochs: 1) }.code == .invalidArgument)
    trainer.plateau = ReduceOnPlateau()
    let fault = try error { try trainer.train(on: source(), epochs: 1) }
    #expect(fault.message.contains("plateau"))
    for rule in [
      ReduceOnPlateau(factor: 2), .init(factor: -1), .init(factor: .nan), .init(threshold: -0.1),
      .init(minimumFactor: 2),
    ] {
      trainer.plateau = rule
      let fault = try error { try trainer.train(on: source(), epochs: 1) }
      #expect(fault.code == .invalidArgument && fault.message.contains("plateau with a"), "\(fault)")
    }
    trainer.plateau = nil
    // Whether a metric has parts is seen when it is measured.
    trainer.monitor = Monitor("accuracy/x")
    let unmeasured = try error { try trainer.train(on: source(), epochs: 9) }
    #expect(
      unmeasured.code == .unknownName && unmeasured.remedy?.contains("`accuracy`") == true, "\(unmeasured)")
    #expect(before.count > 0)
  }

  /// What a mean over an epoch would be made of must be a number of examples.
  @Test func batchesOfNoExamplesAreRefused() throws {
    let data = try tower.data(12)
    func counted(_ count: Int) throws -> SequenceBatches<[Batch]> {
      let feeds = try data.batches(of: 6, epoch: 0, seed: 2).map { try data.feeds($0) }
      return SequenceBatches { _ in feeds.map { Batch($0, count: count) } }
    }
    for count in [0, -1, .max] {
      let session = try tower.session()
      var trainer = try self.trainer(session)
      let before = try session.everything()
      let fault = try error { try trainer.train(on: counted(count), epochs: 1) }
      #expect(fault.code == .invalidArgument && fault.message.contains("\(count) examples"), "\(fault)")
      #expect(try session.everything() == before)
      trainer.validation = Validation(try counted(count))
      #expect(try error { try trainer.train(on: source(), epochs: 1) }.code == .invalidArgument)
    }
    // A mean of equal batches is the same whatever they are said to hold.
    func loss(_ count: Int) throws -> Double? {
      try trainer(try tower.session()).train(on: counted(count), epochs: 1).history.epochs.last?.trainingLoss
    }
    #expect(try loss(1 << 40) == loss(1))
  }

  /// Patience does not run out by epochs that nobody can compare.
  @Test func epochsThatCannotBeComparedStopNothing() throws {
    let rows = try NDArray([Float](repeating: .nan, count: 20), shape: [4, 5])
    var trainer = try self.trainer(try tower.session())
    trainer.validation = Validation(
      try DataSet([tower.x: rows, tower.y: NDArray([0, 1, 2, 0] as [Int32])]).inBatches(of: 4))
    #expect(try trainer.train(on: source(), epochs: 2).history.epochs.count == 2)
    trainer.earlyStopping = EarlyStopping(patience: 2)
    let fault = try error { try trainer.train(on: source(), epochs: 9) }
    #expect(fault.code == .notFinite && fault.message.contains("loss is NaN after epoch 0"), "\(fault)")
  }

  /// Sequences of batches give what a data set gives.
  @Test func anySequenceIsASource() throws {
    let data = try tower.data(20)
    let sequence = SequenceBatches { epoch in
      try data.batches(of: 6, epoch: epoch, seed: 2).map { Batch(try data.feeds($0), count: $0.count) }
    }
    let (one, two) = (try tower.session(), try tower.session())
    try trainer(one).train(on: sequence, epochs: 3)
    try trainer(two).train(on: source(), epochs: 3)
    #expect(try one.everything() == two.everything())
  }

  @Test func historiesAreWritten() throws {
    try withFolder { url in
      let outcome = try self.trainer(tower.session()).train(on: source(), epochs: 3)
      try outcome.history.write(to: url.path + "/run")
      let csv = try String(contentsOf: url.appendingPathComponent("run/history.csv"), encoding: .utf8)
      #expect(csv.hasPrefix("epoch,step,stage,training loss,loss,accuracy,rate factor,seconds\n0,4,0,"))
      #expect(csv.split(separator: "\n").count == 4)
      let json = try Data(contentsOf: url.appendingPathComponent("run/history.json"))
      #expect(try JSONDecoder().decode(TrainingHistory.self, from: json) == outcome.history)
      let svg = try String(contentsOf: url.appendingPathComponent("run/history.svg"), encoding: .utf8)
      #expect(svg.contains("<svg") && svg.contains("training loss"))
    }
  }
}
