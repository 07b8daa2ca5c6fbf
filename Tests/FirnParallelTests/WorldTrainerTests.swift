import FirnCompiler
import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
import FirnRuntime
import FirnWorlds
import Testing

@testable import FirnParallelMember
@testable import FirnTraining

/// `Trainer.train` in worlds of threads.
@Suite(.serialized) struct WorldTrainerTests {
  /// What a run came to, in one member.
  struct Outcome: Sendable, Equatable {
    var lines: [String]
    var losses: [Double]
    var epochs: [[Double]]
    var ending: TrainingOutcome.Ending
    var step: Int
    /// What callbacks were told.
    var told: [String]
  }

  private static func train(
    in world: World, epochs: Int = 3, from path: String? = nil, every interval: Int? = nil,
    change: (inout Trainer, Lesson) throws -> Void = { _, _ in }
  ) throws -> Outcome {
    let lesson = Lesson()
    let session = try lesson.session(world)
    let program = try lesson.program(in: session)
    let notes = Notes()
    var trainer = Trainer(program, in: session)
    trainer.callbacks = [notes]
    trainer.validation = Validation(
      try lesson.data.inBatches(of: 3), metrics: [.mean(of: lesson.accuracy, named: "accuracy")])
    try change(&trainer, lesson)
    let folder = try path.map { try CheckpointFolder($0) }
    let outcome = try trainer.train(
      on: lesson.data.inBatches(of: Lesson.batchSize, seed: Lesson.seed), epochs: epochs,
      from: try folder?.latest(), savingTo: folder, every: interval)
    return Outcome(
      lines: try Lesson.lines(of: session), losses: outcome.losses,
      epochs: outcome.history.epochs.map { [$0.trainingLoss] + $0.validation.map(\.value) },
      ending: outcome.ending, step: outcome.position.step, told: notes.lines)
  }

  /// Measuring changes no bit, so the plain loop has the same.
  @Test(arguments: [2, 3]) func epochsHaveTheBitsOfThePlainLoop(members: Int) throws {
    let all = try World.runInThreads(members) { try Self.train(in: $0) }
    let plain = try World.runInThreads(members) { try Lesson().run(in: $0) }[0]
    for (rank, own) in all.enumerated() {
      #expect(own.lines == plain.filter { !$0.hasPrefix("loss") })
      #expect(own.losses == all[0].losses && own.epochs == all[0].epochs)
      #expect(own.ending == .finished && own.step == 9)
      // The first alone is told, of steps and epochs.
      #expect(own.told.isEmpty == (rank > 0))
    }
    #expect(all[0].told.count { $0.hasPrefix("epoch") } == 3)
    #expect(all[0].told.count { $0.hasPrefix("step") } == 9)
    #expect(all[0].told.contains("step 3 of 7 examples"))
  }

  /// Batches are shared out, and what they come to is added up in their order.
  @Test(arguments: [2, 3, 9]) func measuresHaveTheBitsOfOneProcess(members: Int) throws {
    @Sendable func measure(_ world: World) throws -> [Double] {
      let lesson = Lesson()
      let session = try lesson.session(world)
      let judge = try Evaluator(
        [.mean(of: lesson.loss), .mean(of: lesson.accuracy, named: "accuracy")], in: session)
      let data = try lesson.data
      let (plain, padded) = try (
        judge.evaluate(data.inBatches(of: 3)), judge.evaluate(Rows(lesson: lesson, size: 4))
      )
      #expect(plain.exampleCount == Lesson.count && padded.exampleCount == Lesson.count)
      return (plain.values + padded.values).map(\.value)
    }
    let alone = try measure(.alone)
    for own in try World.runInThreads(members, { try measure($0) }) { #expect(own == alone) }
  }

  /// Sums of these numbers tell one order from another.
  @Test func measuresAreAddedInTheOrderOfBatches() throws {
    @Sendable func measure(_ world: World) throws -> Double {
      let graph = Graph()
      let x = graph.placeholder("x", shape: ["batch"])
      let judge = try Evaluator([.mean(of: x.mean())], in: Session(graph, threads: 1, world: world))
      let data = try DataSet([x: NDArray([1, 1e17, -1e17, 3] as [Float])])
      return try judge.evaluate(data.inBatches(of: 1)).values[0].value
    }
    let alone = try measure(.alone)
    #expect(alone == 0.75)
    for members in [2, 3, 4] {
      for own in try World.runInThreads(members, { try measure($0) }) { #expect(own == alone) }
    }
  }

  @Test func resumedRunsHaveTheBitsOfWholeOnes() throws {
    let whole = try World.runInThreads(2) { try Self.train(in: $0, epochs: 4) }[0]
    let path = Scratch.path()
    defer { Scratch.remove(path) }
    _ = try World.runInThreads(2) { try Self.train(in: $0, epochs: 2, from: path, every: 2) }
    let resumed = try World.runInThreads(2) { try Self.train(in: $0, epochs: 4, from: path) }
    for own in resumed {
      #expect(
        own.lines == whole.lines && own.epochs == whole.epochs && own.losses == Array(whole.losses[6...]))
    }
    // By another number the batches are the same, and sums differ in their last bits alone.
    let other = Scratch.path()
    defer { Scratch.remove(other) }
    _ = try World.runInThreads(4) { try Self.train(in: $0, epochs: 2, from: other) }
    let three = try World.runInThreads(3) { try Self.train(in: $0, epochs: 4, from: other) }[0]
    for (a, b) in zip(three.epochs.flatMap { $0 }, whole.epochs.flatMap { $0 }) { #expect(abs(a - b) < 1e-3) }
  }

  /// A stop that one member asks for ends all at one place, and is gone on from.
  @Test func oneStopsAllStop() throws {
    let path = Scratch.path()
    defer { Scratch.remove(path) }
    let all = try World.runInThreads(3) { world in
      try Self.train(in: world, epochs: 1000, from: path) { trainer, _ in
        let signal = StopSignal()
        trainer.stopSignal = signal
        if world.rank == 1 { signal.request() }
      }
    }
    for own in all {
      #expect(own.ending == .interrupted && own.step == all[0].step && own.step > 0 && own.step <= 65)
    }
    #expect(try CheckpointFolder(path).latest()?.step == all[0].step)
  }

  @Test func decisionsAreTheSameForAll() throws {
    let all = try World.runInThreads(3) { world in
      try Self.train(in: world, epochs: 40) { trainer, _ in
        trainer.earlyStopping = EarlyStopping(patience: 1, minimumDelta: 0.5)
      }
    }
    for own in all {
      #expect(own.ending == .stoppedEarly && own.lines == all[0].lines && own.epochs.count == 2)
    }
  }

  /// Norms are those of what all make together.
  @Test func normsAreOfTheWholeBatch() throws {
    @Sendable func norms(_ world: World) throws -> [String] {
      try Self.train(in: world, epochs: 1) { trainer, _ in trainer.norms = NormWatch(every: 1) }.told
        .filter { $0.hasPrefix("norms") }
    }
    func numbers(_ lines: [String]) -> [Double] {
      lines.flatMap { $0.split(separator: " ").compactMap { Double($0) } }
    }
    let alone = numbers(try norms(.alone))
    let all = numbers(try World.runInThreads(3) { try norms($0) }[0])
    #expect(alone.count > 10 && alone.count == all.count)
    for (a, b) in zip(alone, all) { #expect(abs(a - b) < 1e-3 * max(1, abs(a))) }
  }

  // MARK: Sources

  /// A source that knows nothing of parts.
  struct Rows: BatchSource {
    let lesson: Lesson
    let size: Int

    var start: DataPosition { DataPosition(seed: 0, batchSize: size, count: Lesson.count) }
    func batchCount(ofEpoch epoch: Int) -> Int? { nil }
    func batches(ofEpoch epoch: Int, from first: Int) throws(FirnError) -> BatchIterator {
      let data = try FirnError.wrapping { try lesson.data }
      return try data.inBatches(of: size).batches(ofEpoch: epoch, from: first)
    }
  }

  @Test func rowsOfAnySourceAreSharedOut() throws {
    @Sendable func losses(_ world: World, _ isPlain: Bool) throws -> [Double] {
      let lesson = Lesson()
      let session = try lesson.session(world)
      let trainer = Trainer(try lesson.program(in: session), in: session)
      if isPlain { return try trainer.train(on: Rows(lesson: lesson, size: 8), epochs: 2).losses }
      return try trainer.train(on: lesson.data.inBatches(of: 8), epochs: 2).losses
    }
    for own in try World.runInThreads(3, { try (losses($0, true), losses($0, false)) }) {
      #expect(own.0 == own.1)
    }
  }

  @Test func whatHasNoRowAnExampleIsNotSharedOut() throws {
    struct Packed: BatchSource {
      var start: DataPosition { DataPosition(seed: 0, batchSize: 4, count: 4) }
      func batchCount(ofEpoch epoch: Int) -> Int? { 1 }
      func batches(ofEpoch epoch: Int, from first: Int) throws(FirnError) -> BatchIterator {
        try SequenceBatches { _ in
          [Batch(["x": NDArray([Float](repeating: 1, count: 6))], count: 4)]
        }.batches(ofEpoch: epoch, from: first)
      }
    }
    let error = #expect(throws: FirnError.self) {
      try World.runInThreads(2) { world in
        let graph = Graph()
        let x = graph.placeholder("x", shape: ["words"])
        let w = graph.variable("w", shape: [])
        let session = try Session(graph, threads: 1, world: world)
        let program = try session.compile(
          minimizing: square(x * w.broadcast(to: x.shape)).mean(), with: SGD(learningRate: 1))
        _ = try Trainer(program, in: session).train(on: Packed(), epochs: 1)
      }
    }
    #expect(error?.place == "x" && error?.message.contains("shared out among 2 ranks") == true)
  }

  /// Examples may lie along another axis than the first, and as many as there are of what does.
  @Test func examplesOfAnyAxisAreSharedOut() throws {
    struct Packed: BatchSource {
      var start: DataPosition { DataPosition(seed: 0, batchSize: 4, count: 8) }
      func batchCount(ofEpoch epoch: Int) -> Int? { 2 }
      func batches(ofEpoch epoch: Int, from first: Int) throws(FirnError) -> BatchIterator {
        try SequenceBatches { _ in
          try (0..<2).map { number in
            let values = (0..<32).map { Float(($0 * 7 + number * 5) % 11) }
            return Batch(
              [
                "x": try NDArray(values).reshaped(to: [4, 4, 2]),
                "y": NDArray((0..<4).map { Float($0 + number) }),
                "z": NDArray([Float](repeating: 3, count: 4)),
              ], count: 4)
          }
        }.batches(ofEpoch: epoch, from: first)
      }
    }
    @Sendable func losses(_ world: World) throws -> [Double] {
      let graph = Graph()
      let x = graph.placeholder("x", shape: ["time", "batch", 2])
      let y = graph.placeholder("y", shape: ["batch"])
      let z = graph.placeholder("z", shape: ["time"])
      let w = graph.variable("w", shape: [2], initializer: .uniform())
      let scaled = x * z.reshaped(to: ["time", 1, 1]).broadcast(to: x.shape) * w.broadcast(to: x.shape)
      let loss = square(scaled.sum(axes: [0, 2]) - y).mean()
      let session = try Session(graph, seed: 1, threads: 1, world: world)
      let program = try session.compile(minimizing: loss, with: SGD(learningRate: 1e-5))
      return try Trainer(program, in: session).train(on: Packed(), epochs: 2).losses
    }
    let alone = try losses(.alone)
    #expect(alone.count == 4 && Set(alone).count == 4)
    for own in try World.runInThreads(3, { try losses($0) }) {
      for (a, b) in zip(own, alone) { #expect(abs(a - b) < 1e-5 * abs(b)) }
    }
  }

  @Test func whichAxisCountsExamplesMustBePlain() throws {
    let graph = Graph()
    let placeholders = ["words", "rows"].map { name in
      (name: name, type: graph.placeholder(name, shape: [Dim(stringLiteral: name)]).type)
    }
    let batch = Batch(
      ["words": NDArray([Float](repeating: 1, count: 4)), "rows": NDArray([Float](repeating: 1, count: 4))],
      count: 4)
    let error = #expect(throws: FirnError.self) {
      try batch.part(for: BatchShare(rank: 0, of: 2), after: 0, of: placeholders)
    }
    #expect(error?.message.contains("begin with `words` and `rows`") == true)
  }

  /// Moving averages are the mean of what members have moved them to, whether or not anything was saved.
  @Test(arguments: [false, true]) func stateIsTheSameWhereTrainingEnds(isPlain: Bool) throws {
    let all = try World.runInThreads(3) { world -> [String] in
      let graph = Graph()
      let x = graph.placeholder("x", shape: ["batch", 3, 3, 2])
      let loss = square(Dense(1, name: "head")(BatchNorm()(x).mean(axes: [1, 2]))).mean()
      let session = try Session(graph, seed: 1, threads: 1, world: world)
      let program = try session.compile(minimizing: loss, with: SGD(learningRate: 0.1))
      let data = try DataSet([x: Initializer.normal(deviation: 1).values(shape: [7, 3, 3, 2])])
      let before = try Lesson.lines(of: session)
      if isPlain {
        try Trainer(program, in: session).fit(data, epochs: 1, batchSize: 7)
      } else {
        try Trainer(program, in: session).train(on: data.inBatches(of: 7), epochs: 1)
      }
      let after = try Lesson.lines(of: session)
      #expect(zip(before, after).count { $0.0.contains("moving_mean") && $0.0 != $0.1 } == 1)
      return after
    }
    for own in all { #expect(own == all[0]) }
  }

  /// Who has no example in a batch keeps its averages, and counts the batch as all do.
  @Test func idleMembersMoveNoState() throws {
    let all = try World.runInThreads(3) { world -> (lines: [String], moved: [String]) in
      let graph = Graph()
      let x = graph.placeholder("x", shape: ["batch", 3, 3, 2])
      let y = BatchNorm(isCumulative: true)(x)
      let loss = square(Dense(1, name: "head")(y.mean(axes: [1, 2]))).mean()
      let session = try Session(graph, seed: 1, threads: 1, world: world)
      let program = try session.compile(minimizing: loss, with: SGD(learningRate: 0.1))
      func values() throws -> [String: [Double]] {
        Dictionary(
          uniqueKeysWithValues: try session.variables.filter { $0.kind == .state }.map {
            ($0.name, try session.value(of: $0.name).doubles)
          })
      }
      let data = try DataSet([x: Initializer.normal(deviation: 1).values(shape: [5, 3, 3, 2])])
      let trainer = Trainer(program, in: session)
      // Of three and two examples: the last rank has none of the second batch.
      try trainer.train(on: data.inBatches(of: 3), epochs: 1, upTo: 1)
      let before = try values()
      let batch = try data.inBatches(of: 3).parts(
        ofEpoch: 0, from: 1, for: BatchShare(rank: world.rank, of: world.size)
      ).next()
      let part = try #require(batch)
      _ = try session.run(program, feeding: part.feeds, counts: part.isCounted)
      let after = try values()
      let moved = before.keys.filter { before[$0] != after[$0] }.map {
        String($0.split(separator: "/").last ?? "")
      }
      return (try Lesson.lines(of: session), moved.sorted())
    }
    #expect(all[0].moved == ["batch_count", "moving_mean", "moving_variance"], "\(all[0].moved)")
    #expect(all[1].moved == all[0].moved)
    #expect(all[2].moved == ["batch_count"], "\(all[2].moved)")
  }

  // MARK: Faults

  /// Named with the rank and what it was given, before a step is made of it.
  @Test func oneThatLoadsAloneIsNamed() throws {
    let messages = try World.runInThreads(3, patience: 20) { world -> String in
      let lesson = Lesson()
      let session = try lesson.session(world)
      let program = try lesson.program(in: session)
      let feeds = try lesson.data.feeds(0..<2)
      _ = try session.run(program, feeding: feeds)
      if world.rank == 1 { try session.setValue(session.value(of: "hidden/bias"), of: "hidden/bias") }
      let before = try Lesson.lines(of: session)
      do throws(FirnError) { _ = try session.run(program, feeding: feeds) } catch {
        #expect(error.code == .world)
        #expect(try Lesson.lines(of: session) == before)
        return error.message
      }
      return "none"
    }
    for message in messages {
      #expect(message.contains("rank 1 compares what all hold, as after a load, but rank "), "\(message)")
    }
    #expect(messages[1].hasSuffix("rank 1 was given values of `hidden/bias`"), "\(messages[1])")
  }

  /// Numbers that are none are found in all, and said with the step.
  @Test func theGuardNamesStepAndNode() throws {
    let error = #expect(throws: FirnError.self) {
      try World.runInThreads(2, patience: 20) { world in
        let lesson = Lesson()
        let session = try lesson.session(world)
        let program = try session.compile(
          minimizing: lesson.loss, with: SGD(learningRate: 1e30), freezing: Lesson.freezing)
        _ = try Trainer(program, in: session).train(
          on: lesson.data.inBatches(of: 8, seed: 1), epochs: 30)
      }
    }
    #expect(error?.message.contains("training stopped at step ") == true, "\(error?.message ?? "")")
  }

  // MARK: Caching

  private static func caching(_ folder: String?) -> Caching {
    .frozenFeatures(in: folder.map { .folder($0) } ?? .memory(limit: 1 << 20))
  }

  /// Each example goes through the frozen part once, in one member, where all differ.
  ///
  /// In batches of two one member has no example, and runs along on another's.
  @Test(arguments: [false, true], [8, 2]) func featuresAreComputedOnce(inFolder: Bool, size: Int) throws {
    let path = Scratch.path()
    defer { Scratch.remove(path) }
    let all = try World.runInThreads(3) { world -> [Int] in
      let lesson = Lesson()
      let session = try lesson.session(world)
      let program = try lesson.program(in: session, freezing: "embedding | lstm")
      // Of equal examples members would look for one record.
      let data = try DataSet([
        lesson.tokens: NDArray((0..<Lesson.count * 5).map { Int32($0) }).reshaped(to: [Lesson.count, 5]),
        lesson.labels: NDArray((0..<Lesson.count).map { Int32($0 % 3) }),
      ])
      let features = try #require(
        try Self.caching(inFolder ? path : nil).features(of: program, over: data, in: session))
      var counts: [Int] = []
      for epoch in 0..<3 {
        for (number, batch) in data.batches(of: size, epoch: epoch, seed: 2).enumerated() {
          let part = BatchShare(rank: world.rank, of: world.size).fedPlaces(
            in: batch.count, after: number * size
          ).places.map { batch[$0] }
          try features.handOut(batch)
          _ = try session.run(features.step, feeding: features.feeds(part))
        }
        counts.append(features.computedCount)
      }
      return counts
    }
    // All in the first epoch, about as many in each. Of the records that each other left in a folder a member holds one
    // against one of its own, sooner or later.
    let proofs = inFolder ? 2 : 0
    func total(_ epoch: Int) -> Int { all.reduce(0) { $0 + $1[epoch] } }
    #expect(total(0) >= Lesson.count && total(2) <= Lesson.count + 3 * proofs, "\(all)")
    // Of batches of two the first two members compute all.
    let own = size == 8 ? 6...9 + proofs : 0...12 + proofs
    #expect(all.allSatisfy { own.contains($0[0]) && $0[2] <= $0[0] + proofs }, "\(all)")
  }

  /// What is trained has the bits that it has without.
  @Test(arguments: [false, true]) func theLoopCaches(inFolder: Bool) throws {
    let path = Scratch.path()
    defer { Scratch.remove(path) }
    @Sendable func train(_ world: World, _ caching: Caching?) throws -> [String] {
      let lesson = Lesson()
      let session = try lesson.session(world)
      var trainer = Trainer(try lesson.program(in: session, freezing: "embedding | lstm"), in: session)
      trainer.caching = caching
      trainer.validation = Validation(try lesson.data.inBatches(of: 5))
      let outcome = try trainer.train(on: lesson.data.inBatches(of: 8, seed: 2), epochs: 3)
      return try Lesson.lines(of: session) + outcome.history.epochs.map { "\($0["loss"] ?? 0)" }
    }
    let all = try World.runInThreads(3) { world in
      try (train(world, nil), train(world, Self.caching(inFolder ? path : nil)))
    }
    for own in all { #expect(own.0 == own.1 && own.1 == all[0].1) }
  }

  @Test func thePlainLoopCachesToo() throws {
    @Sendable func train(_ world: World, _ caching: Caching?) throws -> [String] {
      let lesson = Lesson()
      let session = try lesson.session(world)
      let program = try lesson.program(in: session, freezing: "embedding | lstm")
      let losses = try Trainer(program, in: session).fit(
        lesson.data, epochs: 3, batchSize: 8, seed: 2, caching: caching)
      return try Lesson.lines(of: session) + losses.map { "\($0)" }
    }
    let all = try World.runInThreads(3) { world in
      try (train(world, nil), train(world, Self.caching(nil)))
    }
    for own in all { #expect(own.0 == own.1 && own.1 == all[0].1) }
  }
}

/// What callbacks are told, line by line.
private final class Notes: TrainingCallback {
  private(set) var lines: [String] = []

  func finished(_ step: StepRecord, in run: TrainingRun) throws(FirnError) {
    lines.append("step \(step.step) of \(step.exampleCount) examples")
  }

  func finished(_ epoch: EpochRecord, in run: TrainingRun) throws(FirnError) {
    lines.append("epoch \(epoch.epoch)")
  }

  func measured(_ norms: NormReport, in run: TrainingRun) throws(FirnError) {
    lines.append(
      "norms "
        + norms.scopes.map { "\($0.gradientNorm) \($0.updateNorm) \($0.weightNorm)" }.joined(separator: " "))
  }
}
