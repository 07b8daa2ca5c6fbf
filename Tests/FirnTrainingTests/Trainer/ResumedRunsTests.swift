import FirnGraph
import FirnNotation
import FirnRuntime
import Foundation
import Testing

@testable import FirnTraining

/// What a run that goes on takes over from the one before, and what it refuses.
@Suite struct ResumedRunsTests {
  private let tower = Tower()

  private func program(_ session: Session, freezing: Selection? = "layer1") throws -> Program {
    try session.compile(minimizing: tower.loss, with: Adam(learningRate: 0.005), freezing: freezing)
  }

  private func source() throws -> DataBatches { try tower.data(20).inBatches(of: 6, seed: 2) }

  /// Whoever has more patience than the run that stopped goes on with it, to the bits of one that never stopped.
  @Test func morePatienceGoesOn() throws {
    func trainer(_ session: Session, patience: Int) throws -> Trainer {
      var trainer = Trainer(try program(session), in: session)
      trainer.validation = Validation(try tower.data(11, "held").inBatches(of: 4))
      trainer.earlyStopping = EarlyStopping(patience: patience, restoresBest: false)
      return trainer
    }
    try withFolder { url in
      let folder = try CheckpointFolder(url.path)
      let begun = try trainer(tower.session(), patience: 2).train(on: source(), epochs: 200, savingTo: folder)
      #expect(begun.ending == .stoppedEarly)
      let stopped = try folder.latest()
      let epochs = begun.history.epochs.count + 3
      let session = try tower.session()
      let rest = try trainer(session, patience: 1000).train(
        on: source(), epochs: epochs, from: stopped, savingTo: folder)
      #expect(rest.ending == .finished && rest.losses.count == 3 * 4)
      let straight = try tower.session()
      let whole = try trainer(straight, patience: 1000).train(on: source(), epochs: epochs)
      #expect(rest.history.epochs.map(\.validation) == whole.history.epochs.map(\.validation))
      #expect(try session.everything() == straight.everything())
      // With as little as before it stays where it is.
      let none = try trainer(tower.session(), patience: 2).train(
        on: source(), epochs: epochs + 1, from: stopped)
      #expect(none.ending == .stoppedEarly && none.losses.isEmpty)
    }
  }

  /// Another program with an optimiser of the same name takes nothing out of a checkpoint.
  @Test func checkpointsHoldTheMemoryOfTheirProgram() throws {
    let straight = try tower.session()
    let whole = try Trainer(program(straight), in: straight).train(on: source(), epochs: 3)
    try withFolder { url in
      let folder = try CheckpointFolder(url.path)
      let first = try tower.session()
      let own = try program(first)
      _ = try program(first, freezing: "layer2 | layer3 | layer4")
      let begun = try Trainer(own, in: first).train(on: source(), epochs: 3, upTo: 5, savingTo: folder)
      let second = try tower.session()
      let rest = try Trainer(program(second), in: second).train(
        on: source(), epochs: 3, from: folder.latest())
      #expect(begun.losses + rest.losses == whole.losses)
      let (one, two) = (try straight.everything(), try second.everything())
      for (name, value) in one { #expect(two[name] == value, "\(name)") }
    }
  }

  /// A trainer that is asked again begins with its first stage: what that freezes starts fresh when it is thawed.
  @Test func stagesBeginAnew() throws {
    let session = try tower.session()
    let schedule = FreezeSchedule([(.epoch(0), "layer1 | layer2 | layer3"), (.epoch(1), "layer1 | layer2")])
    var trainer = try Trainer(in: session, through: schedule) { try program(session, freezing: $0.freezing) }
    let changes = Changes()
    trainer.callbacks = [changes]
    for _ in 0..<2 { _ = try trainer.train(on: source(), epochs: 2) }
    #expect(changes.seen.map(\.stage) == [1, 1])
    for change in changes.seen {
      let origins = Dictionary(uniqueKeysWithValues: change.slots.map { ($0.variable, $0.origin) })
      #expect(origins["layer3/kernel"] == .fresh && origins["layer4/kernel"] == .kept)
    }
  }

  private final class Changes: TrainingCallback {
    var seen: [StageChange] = []
    func entered(_ stage: StageChange, in run: TrainingRun) throws(FirnError) { seen.append(stage) }
  }

  /// A second run goes on at the rate that the first has left, and says so; memory that begins anew has the whole.
  @Test func ratesThatFellGoOn() throws {
    let session = try tower.session()
    let program = try session.compile(
      minimizing: tower.loss, with: SGD(learningRate: .onPlateau(.constant(0.01))))
    var trainer = Trainer(program, in: session)
    // Nothing gets better by so much.
    trainer.plateau = ReduceOnPlateau(factor: 0.5, patience: 0, threshold: 0.99)
    let factors = Factors()
    trainer.callbacks = [factors]
    func run() throws -> [Double] {
      try trainer.train(on: source(), epochs: 3).history.epochs.map(\.rateFactor)
    }
    #expect(try run() == [1, 1, 0.5])
    #expect(try run() == [0.25, 0.25, 0.125])
    try session.initialize(includingSlots: true)
    #expect(try run() == [1, 1, 0.5])
    let wanted = [1, 1, 0.5, 0.25, 0.25, 0.125, 1, 1, 0.5]
    #expect(factors.seen == wanted.flatMap { Array(repeating: $0, count: 4) })
  }

  private final class Factors: TrainingCallback {
    var seen: [Double] = []
    func finished(_ step: StepRecord, in run: TrainingRun) throws(FirnError) {
      seen.append(try run.session.value(of: "sgd/rate_factor").scalar ?? .nan)
    }
  }

  /// Checkpoints of what is trained hold what the stages before have trained, and the best epoch may be one of those.
  @Test func stagesGoOnFromWhatWasTrained() throws {
    for schedule in [
      FreezeSchedule.freezing(["layer1", "layer2"]), .unfreezing(["layer1", "layer2", "layer3 | layer4"]),
    ] {
      func trainer(_ session: Session) throws -> Trainer {
        var trainer = try Trainer(in: session, through: schedule) {
          try program(session, freezing: $0.freezing)
        }
        // The loss falls: the first epoch is the best.
        trainer.monitor = Monitor("training loss", goal: .highest)
        trainer.earlyStopping = EarlyStopping(patience: 100)
        return trainer
      }
      let straight = try tower.session()
      let whole = try trainer(straight).train(on: source(), epochs: 4)
      #expect(whole.best?.stage == 0 && whole.stage > 0 && whole.isBestRestored)
      try withFolder { url in
        let folder = try CheckpointFolder(url.path, saving: .trained)
        var session = try tower.session()
        for last in [6, 11, .max] {
          session = try tower.session()
          let rest = try trainer(session).train(
            on: source(), epochs: 4, from: folder.latest(), upTo: last, savingTo: folder)
          #expect(rest.isBestRestored)
        }
        let (one, two) = (try straight.everything(), try session.everything())
        for (name, value) in one { #expect(two[name] == value, "\(name)") }
      }
    }
  }

  /// Records with counts that no run has, such as those of a file that was made to be opened.
  @Test func impossibleRecordsAreRefused() throws {
    let session = try tower.session()
    let own = try program(session)
    let before = try session.everything()
    func attempt(
      _ position: DataPosition? = nil, _ change: (inout TrainerState) -> Void = { _ in }
    ) throws -> FirnError? {
      var state = TrainerState()
      state.history.epochs = [
        EpochRecord(epoch: 0, step: 4, stage: 0, trainingLoss: 1, validation: [], rateFactor: 1, seconds: 0)
      ]
      change(&state)
      var digest = BaseDigest()
      var text = GraphText()
      let checkpoint = try Checkpoint(
        of: session, running: own, step: 4, position: position ?? source().start, metric: nil,
        saving: .everything, notes: [TrainerState.key: PlainJSON.text(state) ?? ""], digest: &digest,
        text: &text)
      let source = try source()
      do throws(FirnError) {
        _ = try Trainer(own, in: session).train(on: source, epochs: 1, from: checkpoint, upTo: 0)
        return nil
      } catch {
        return error
      }
    }
    #expect(try attempt() == nil)
    let most = Int.max
    let states: [(inout TrainerState) -> Void] = [
      { $0.exampleCount = most }, { $0.exampleCount = -1 }, { $0.plateau.waited = most },
      { $0.plateau.cooling = -1 }, { $0.stage = -1 }, { $0.history.epochs[0].epoch = most },
      { $0.history.epochs[0].step = -1 }, { $0.history.epochs[0].stage = 7 },
    ]
    for (number, change) in states.enumerated() {
      #expect(try attempt(nil, change)?.code == .parse, "state \(number)")
    }
    let places: [(inout DataPosition) -> Void] = [
      { $0.batch = most }, { $0.batch = 4 }, { $0.epoch = most }, { $0.step = most }, { $0.epoch = -1 },
    ]
    for (number, change) in places.enumerated() {
      var position = try source().start
      change(&position)
      #expect(try attempt(position)?.code == .invalidArgument, "position \(number)")
    }
    #expect(try session.everything() == before)
  }
}
