import FirnCompiler
import FirnGraph
import FirnNotation
import FirnRuntime
import Foundation
import Testing

@testable import FirnTraining

/// Stages of one run: what is trained when, memory that carries over, resumption in any of them.
@Suite struct FreezeScheduleTests {
  private let tower = Tower()
  /// Head alone, then one layer more each time, then the lowest one again without the top: five stages.
  private let schedule = FreezeSchedule([
    (.epoch(0), "layer1 | layer2 | layer3"), (.epoch(1), "layer1 | layer2"), (.epoch(2), "layer1"),
    (.epoch(3), nil), (.epoch(4), "layer3 | layer4"),
  ])
  /// Seven steps an epoch, the last batch smaller.
  private let rows = 20
  private let size = 3
  private let seed: UInt64 = 5

  private func compile(
    _ session: Session, _ freezing: Selection?, _ count: Counter? = nil
  ) throws -> Program {
    count?.value += 1
    return try session.compile(
      minimizing: tower.loss,
      with: Adam(learningRate: .warmUp(over: 4, then: .cosine(initial: 0.02, final: 0.001, over: 30))),
      freezing: freezing, clippingNorm: 0.5)
  }

  private final class Counter { var value = 0 }

  private func trainer(_ session: Session, _ count: Counter? = nil) throws -> Trainer {
    try Trainer(in: session, through: schedule) { try compile(session, $0.freezing, count) }
  }

  /// Line 4: the whole run equals five programs compiled and chained by hand, to the bit, slots included.
  @Test func fiveStagesEqualFiveProgramsChainedByHand() throws {
    let data = try tower.data(rows)
    let byHand = try tower.session()
    for stage in schedule.stages {
      let program = try compile(byHand, stage.freezing)
      for batch in data.batches(of: size, epoch: stage.index, seed: seed) {
        try byHand.run(program, feeding: data.feeds(batch))
      }
    }

    let session = try tower.session()
    let count = Counter()
    let changes = Changes()
    var trainer = try self.trainer(session, count)
    trainer.callbacks = [changes]
    // What is measured in between must move nothing, random numbers included.
    trainer.validation = Validation(
      data.inBatches(of: 6), metrics: [.accuracy(tower.logits, labels: tower.y)])
    trainer.norms = NormWatch(every: 4)
    let outcome = try trainer.train(on: data.inBatches(of: size, seed: seed), epochs: 5)
    #expect(try session.everything() == byHand.everything())
    #expect(outcome.ending == .finished && outcome.losses.count == 35)
    #expect(count.value == 5)
    #expect(outcome.history.epochs.map(\.stage) == [0, 1, 2, 3, 4])

    // Each switch says what it does, by rule 6.
    #expect(changes.seen.map(\.stage) == [1, 2, 3, 4] && changes.seen.map(\.step) == [7, 14, 21, 28])
    #expect(changes.seen[0].difference.thawed == ["layer3/kernel", "layer3/bias"])
    #expect(changes.seen[3].difference.frozen.count == 4)
    let origins = changes.seen.map { change in
      Dictionary(uniqueKeysWithValues: change.slots.map { ($0.variable, $0.origin) })
    }
    #expect(origins[0]["layer4/kernel"] == .kept && origins[0]["layer3/kernel"] == .fresh)
    #expect(origins[2]["layer2/bias"] == .kept && origins[2]["layer1/bias"] == .fresh)
    #expect(origins[3]["layer4/kernel"] == .dropped && origins[3]["layer1/kernel"] == .kept)
  }

  private final class Changes: TrainingCallback {
    var seen: [StageChange] = []
    func entered(_ stage: StageChange, in run: TrainingRun) throws(FirnError) { seen.append(stage) }
  }

  /// Killed after any step, in any stage, and resumed by another process's session: the same bits, the same trained
  /// set.
  @Test(arguments: [1, 6, 7, 8, 13, 14, 20, 21, 27, 28, 30, 34])
  func killedAndResumedAnywhere(_ step: Int) throws {
    let data = try tower.data(rows)
    let straight = try tower.session()
    let whole = try self.trainer(straight).train(on: data.inBatches(of: size, seed: seed), epochs: 5)
    try withFolder { url in
      let folder = try CheckpointFolder(url.path)
      let first = try tower.session()
      let begun = try self.trainer(first).train(
        on: data.inBatches(of: size, seed: seed), epochs: 5, upTo: step, savingTo: folder)
      let second = try tower.session()
      let last = Last()
      var other = try self.trainer(second)
      other.callbacks = [last]
      let rest = try other.train(
        on: data.inBatches(of: size, seed: seed), epochs: 5, from: folder.latest(), savingTo: folder)
      #expect(begun.losses + rest.losses == whole.losses)
      #expect(last.trained == ["layer1/kernel", "layer1/bias", "layer2/kernel", "layer2/bias"])
      // Memory of what is no longer trained is not in a checkpoint; all else is the same.
      let (one, two) = (try straight.everything(), try second.everything())
      let slots = Set(try second.liveSlots().map(\.slot.variable.name))
      for variable in straight.variables where variable.kind != .slot || slots.contains(variable.name) {
        #expect(one[variable.name] == two[variable.name], "\(variable.name)")
      }
      #expect(try slots == Set(straight.liveSlots().map(\.slot.variable.name)))
      #expect(rest.history.epochs.map(\.trainingLoss) == whole.history.epochs.map(\.trainingLoss))
    }
  }

  /// One run that dies in every stage, between its checkpoints, and loses what it did since the last: in the end the bits
  /// are those of a run that never died, and what was compiled is each process's stages alone.
  @Test(arguments: [1, 2, 5]) func diesInEveryStage(_ interval: Int) throws {
    let data = try tower.data(rows)
    let straight = try tower.session()
    let whole = try self.trainer(straight).train(on: data.inBatches(of: size, seed: seed), epochs: 5)
    try withFolder { url in
      // In each stage after its first step, within it, and at its last step but one.
      var deaths = [1, 4, 6, 8, 11, 13, 15, 18, 20, 22, 25, 27, 29, 32, 34]
      while true {
        let (session, count) = (try tower.session(), Counter())
        let folder = try CheckpointFolder(url.path, keepingLast: 1)
        let start = try folder.latest()
        var trainer = try self.trainer(session, count)
        trainer.callbacks = [Death(at: deaths.first)]
        do {
          let rest = try trainer.train(
            on: data.inBatches(of: size, seed: seed), epochs: 5, from: start, savingTo: folder,
            every: interval)
          #expect(deaths.isEmpty && rest.ending == .finished)
          #expect(rest.history.epochs.map(\.trainingLoss) == whole.history.epochs.map(\.trainingLoss))
          #expect(rest.losses == Array(whole.losses.suffix(rest.losses.count)))
          let slots = Set(try session.liveSlots().map(\.slot.variable.name))
          for variable in straight.variables where variable.kind != .slot || slots.contains(variable.name) {
            #expect(
              try straight.value(of: variable.name) == session.value(of: variable.name), "\(variable.name)")
          }
          return
        } catch let error as FirnError where error.message == Death.words {
          deaths.removeFirst()
          // The first stage's program, that of the stage it went on in, and at most the next.
          #expect(count.value <= 3)
        }
      }
    }
  }

  private struct Death: TrainingCallback {
    static let words = "dead"
    let step: Int?

    init(at step: Int?) { self.step = step }

    func finished(_ step: StepRecord, in run: TrainingRun) throws(FirnError) {
      if step.step == self.step { throw FirnError(.invalidArgument, Self.words) }
    }
  }

  private final class Last: TrainingCallback {
    var trained: [String] = []
    func finished(_ step: StepRecord, in run: TrainingRun) throws(FirnError) {
      trained = run.program.trained.map(\.name)
    }
  }

  /// A selection that comes back is not compiled again, and its memory starts as rule 6 says.
  @Test func aSelectionThatComesBackIsNotCompiledAgain() throws {
    let data = try tower.data(rows)
    let back = FreezeSchedule([(.epoch(0), "layer1"), (.epoch(1), "layer2"), (.epoch(2), "layer1")])
    let (session, byHand, count) = (try tower.session(), try tower.session(), Counter())
    let trainer = try Trainer(in: session, through: back) { try compile(session, $0.freezing, count) }
    try trainer.train(on: data.inBatches(of: size, seed: seed), epochs: 3)
    #expect(count.value == 2)
    for stage in back.stages {
      let program = try compile(byHand, stage.freezing)
      for batch in data.batches(of: size, epoch: stage.index, seed: seed) {
        try byHand.run(program, feeding: data.feeds(batch))
      }
    }
    #expect(try session.everything() == byHand.everything())
  }

  @Test func stagesBeginByStepAndByPlateau() {
    let steps = FreezeSchedule([(.epoch(0), "a"), (.step(5), "b"), (.step(7), nil)])
    func due(_ step: Int) -> Int {
      steps.stage(after: 0, epoch: 0, step: step, isEpochStart: false) { _ in 0 }
    }
    #expect([4, 5, 6, 7, 100].map(due) == [0, 1, 1, 2, 2])
    let plateau = FreezeSchedule([
      (.epoch(0), "a"), (.plateau(patience: 2), "b"), (.plateau(patience: 2), nil),
    ])
    func next(_ stalled: Int, _ isStart: Bool = true) -> Int {
      plateau.stage(after: 0, epoch: 9, step: 9, isEpochStart: isStart) { _ in stalled }
    }
    #expect(next(1) == 0 && next(2) == 1 && next(9) == 1 && next(2, false) == 0)
  }

  @Test func readyMadeSchedules() throws {
    let up = FreezeSchedule.unfreezing(Tower.layers, every: 2)
    #expect(
      up.stages.map { $0.freezing?.description } == [
        "layer1 | layer2 | layer3", "layer1 | layer2", "layer1", nil,
      ])
    #expect(up.stages.map(\.start) == [0, 2, 4, 6].map { FreezeSchedule.Start.epoch($0) })
    let down = FreezeSchedule.freezing(Tower.layers)
    #expect(
      down.stages.map { $0.freezing?.description } == [
        nil, "layer1", "layer1 | layer2", "layer1 | layer2 | layer3",
      ])
  }

  @Test func anotherScheduleIsRefused() throws {
    let data = try tower.data(rows)
    try withFolder { url in
      let folder = try CheckpointFolder(url.path)
      try trainer(tower.session()).train(
        on: data.inBatches(of: size, seed: seed), epochs: 3, savingTo: folder)
      // Fewer stages, and as many of which the saved one freezes something else.
      let others = [
        (FreezeSchedule.unfreezing(["layer3", "layer4"]), "has 2 stages"),
        (
          FreezeSchedule([
            (.epoch(0), "layer1 | layer2 | layer3"), (.epoch(1), "layer1"), (.epoch(2), "layer2"),
          ]),
          "stage 3 froze `layer1`, now it freezes `layer2`"
        ),
      ]
      for (schedule, words) in others {
        let session = try tower.session()
        let other = try Trainer(in: session, through: schedule) { try compile(session, $0.freezing) }
        let before = try session.everything()
        let fault = try error {
          try other.train(on: data.inBatches(of: size, seed: seed), epochs: 5, from: folder.latest())
        }
        #expect(fault.code == .invalidArgument && fault.message.contains(words), "\(fault)")
        for (name, value) in before { #expect(try session.value(of: name) == value) }
      }
    }
  }

  /// A name that is none is found before the stages before it have trained.
  @Test func selectionsOfLaterStagesAreReadAtOnce() throws {
    let session = try tower.session()
    let count = Counter()
    let misspelt = FreezeSchedule([(.epoch(0), "layer1"), (.epoch(9), "layr1")])
    let fault = try error {
      _ = try Trainer(in: session, through: misspelt) { try compile(session, $0.freezing, count) }
    }
    #expect(fault.code == .invalidSelection && fault.message.hasPrefix("stage 2: "), "\(fault)")
    #expect(count.value == 0)
    // What is asked of values may be so by then; a path is a path, whatever it is called.
    #expect((!Selection("loaded") & "layer1").asksForValues && !Selection("preloaded/x").asksForValues)
  }

  /// A stage whose optimiser has another name begins with what plateaus have left of the rate.
  @Test func ratesThatFellStayLowInTheNextStage() throws {
    let data = try tower.data(rows)
    let session = try tower.session()
    var trainer = try Trainer(
      in: session, through: FreezeSchedule([(.epoch(0), "layer1"), (.epoch(2), nil)])
    ) { stage in
      try session.compile(
        minimizing: tower.loss,
        with: Adam(learningRate: .onPlateau(.constant(0.01)), name: "adam\(stage.index)"),
        freezing: stage.freezing)
    }
    // Nothing gets better by so much.
    trainer.plateau = ReduceOnPlateau(factor: 0.1, patience: 0, threshold: 0.99)
    let factors = Factors()
    trainer.callbacks = [factors]
    try trainer.train(on: data.inBatches(of: size, seed: seed), epochs: 3)
    let steps = try #require(factors.seen["adam1"])
    #expect(steps == Array(repeating: 0.1, count: 7))
    #expect(factors.seen["adam0"] == Array(repeating: 1, count: 14))
  }

  private final class Factors: TrainingCallback {
    var seen: [String: [Double]] = [:]
    func finished(_ step: StepRecord, in run: TrainingRun) throws(FirnError) {
      let name = "adam\(step.stage)"
      seen[name, default: []].append(try run.session.value(of: "\(name)/rate_factor").scalar ?? .nan)
    }
  }

  /// Epochs are judged by averages of all that is averaged by then, of nothing too.
  @Test func averagesFollowTheStages() throws {
    let data = try tower.data(rows)
    let session = try tower.session()
    let schedule = FreezeSchedule([(.epoch(0), "layer1"), (.epoch(1), nil)])
    func program(_ session: Session, _ freezing: Selection?) throws -> Program {
      try session.compile(
        minimizing: tower.loss, with: Adam(learningRate: 0.01), freezing: freezing,
        averaging: .decay(0.5, of: "layer1"))
    }
    var trainer = try Trainer(in: session, through: schedule) { try program(session, $0.freezing) }
    trainer.validation = Validation(data.inBatches(of: size), underAverages: "average")
    let outcome = try trainer.train(on: data.inBatches(of: size, seed: seed), epochs: 2)
    let judge = try Evaluator([.mean(of: tower.loss)], in: session, underAverages: "average")
    let last = try judge.evaluate(data.inBatches(of: size))
    #expect(last["loss"] == outcome.history.epochs[1]["loss"])
    let plain = try Evaluator([.mean(of: tower.loss)], in: session).evaluate(data.inBatches(of: size))
    #expect(plain["loss"] != last["loss"])
  }
}
