import FirnCompiler
import FirnGraph
import FirnNotation
import FirnOps
import FirnRuntime
import FirnTraining
import FirnWorlds
import Testing

@testable import FirnParallelMember

/// Worlds of threads that train.
@Suite(.serialized) struct ThreadTrainingTests {
  /// Bit by bit, variables and optimisers' memory, after three epochs of ragged parts.
  @Test(arguments: [2, 4]) func membersHaveTheBitsOfOneProcess(members: Int) throws {
    let all = try World.runInThreads(members) { try Lesson().run(in: $0) }
    for lines in all { #expect(lines == all[0]) }
    let own = all[0].filter { !$0.hasPrefix("loss") }
    #expect(own == (try OneProcess.run(parts: members)))
    #expect(all[0].count { $0.hasPrefix("loss") } == Lesson.epochs * 3)
  }

  /// The loss that every member returns is that of the whole batch.
  @Test func lossesAndMetricsAreOfTheWholeBatch() throws {
    let alone = Lesson()
    let session = try alone.session(.alone)
    let whole = try session.run(try alone.program(in: session), feeding: alone.data.feeds(0..<7))
    let expected = try (whole.scalar(alone.loss), whole.scalar(alone.accuracy))
    let all = try World.runInThreads(3) { world in
      let lesson = Lesson()
      let session = try lesson.session(world)
      let program = try lesson.program(in: session)
      let parts = [0..<3, 3..<5, 5..<7]
      let results = try session.run(program, feeding: lesson.data.feeds(parts[world.rank]))
      return try [results.scalar(lesson.loss), results.scalar(lesson.accuracy)]
    }
    for own in all {
      #expect(own == all[0])
      #expect(abs(own[0] - expected.0) < 1e-6 && abs(own[1] - expected.1) < 1e-6)
    }
  }

  /// A member without an example in a batch runs along, and changes nothing.
  @Test func fewerExamplesThanMembers() throws {
    @Sendable func losses(_ world: World) throws -> [Double] {
      let lesson = Lesson()
      let session = try lesson.session(world)
      let program = try lesson.program(in: session)
      return try Trainer(program, in: session).fit(lesson.data, epochs: 1, batchSize: 2, seed: 1)
    }
    let alone = try losses(.alone)
    for own in try World.runInThreads(3, { try losses($0) }) {
      #expect(own.count == alone.count && zip(own, alone).allSatisfy { abs($0 - $1) < 1e-3 })
    }
  }

  /// What it makes of two of the others' examples weighs nothing.
  @Test func whoHasNoExampleWeighsNothing() throws {
    @Sendable func weights(_ world: World) throws -> [Float] {
      let graph = Graph()
      let x = graph.placeholder("x", shape: ["batch", 2])
      let w = graph.variable("w", shape: [2], initializer: .constant(1))
      let loss = square((x * w.broadcast(to: x.shape)).sum(axes: [1])).mean()
      let session = try Session(graph, seed: 1, threads: 1, world: world)
      let program = try session.compile(minimizing: loss, with: SGD(learningRate: 1e-3))
      let data = try DataSet([x: NDArray((0..<10).map { Float($0 * $0) }).reshaped(to: [5, 2])])
      try Trainer(program, in: session).fit(data, epochs: 2, batchSize: 3, seed: 1)
      return try session.value(of: "w").elements(as: Float.self)
    }
    let alone = try weights(.alone)
    for own in try World.runInThreads(5, { try weights($0) }) {
      for (a, b) in zip(own, alone) { #expect(abs(a - b) < 1e-5 * max(1, abs(b)), "\(own), \(alone)") }
    }
  }

  /// None twice, none lost, and none larger than another by more than one, of a batch as of an epoch.
  @Test(arguments: [1, 2, 3, 7], [1, 4, 8, 23, 40]) func partsAreEven(members: Int, size: Int) throws {
    let data = try Lesson().data
    let whole = data.batches(of: size, epoch: 1, seed: 3)
    let parts = (0..<members).map { data.batches(of: size, epoch: 1, seed: 3, rank: $0, of: members) }
    var place = 0
    for (number, batch) in whole.enumerated() {
      var owners = [Int](repeating: -1, count: batch.count)
      for rank in 0..<members {
        let share = BatchShare(rank: rank, of: members)
        let own = share.places(in: batch.count, after: place)
        #expect(own.map { batch[$0] } == parts[rank][number])
        for index in own {
          #expect(owners[index] == -1)
          owners[index] = rank
        }
      }
      #expect(owners == batch.indices.map { (place + $0) % members })
      place += batch.count
    }
    let counts = parts.map { $0.reduce(0) { $0 + $1.count } }
    #expect(counts.reduce(0, +) == Lesson.count && counts.allSatisfy { abs($0 - counts[0]) <= 1 })
  }

  @Test(arguments: ["weight", "selection", "graph"]) func differencesAreNamedBeforeTheFirstStep(
    what: String
  ) throws {
    let error = #expect(throws: FirnError.self) {
      try World.runInThreads(3, patience: 20) { world in
        let (lesson, isLast) = (Lesson(), world.rank == 2)
        if what == "graph", isLast { _ = lesson.graph.placeholder("more", shape: [2]) }
        let session = try lesson.session(world)
        let program = try lesson.program(
          in: session, freezing: what == "selection" && isLast ? "hidden/bias" : Lesson.freezing)
        if what == "weight", isLast { try Mismatch.changeOneBit(of: "hidden/bias", in: session) }
        let before = try Lesson.lines(of: session)
        do { _ = try session.run(program, feeding: lesson.data.feeds(0..<2)) } catch {
          #expect(try Lesson.lines(of: session) == before)
          throw error
        }
      }
    }
    let message = error?.message ?? ""
    #expect(error?.code == .world)
    #expect(message.contains("ranks 0, 1: ") && message.contains("rank 2: "), "\(message)")
    switch what {
    // A member that is still comparing may hear it from another one, whose words have no place of their own.
    case "weight": #expect(message.contains("`hidden/bias`"))
    case "selection": #expect(message.contains("train different variables"))
    default: #expect(message.contains("the graph is not the same"))
    }
  }

  /// What is loaded later is compared before the next step.
  @Test func loadsAreComparedToo() throws {
    let error = #expect(throws: FirnError.self) {
      try World.runInThreads(2, patience: 20) { world in
        let lesson = Lesson()
        let session = try lesson.session(world)
        let program = try lesson.program(in: session)
        let feeds = try lesson.data.feeds(0..<2)
        _ = try session.run(program, feeding: feeds)
        let value = try session.value(of: "hidden/bias")
        try session.setValue(value, of: "hidden/bias")
        _ = try session.run(program, feeding: feeds)
        try session.setValue(value, of: "hidden/bias")
        if world.rank == 1 { try Mismatch.changeOneBit(of: "hidden/bias", in: session) }
        _ = try session.run(program, feeding: feeds)
      }
    }
    #expect(error?.place == "hidden/bias")
  }

  /// A member that fails in a step ends the others' step, with its error.
  @Test func oneThrowsAllThrow() throws {
    let outcomes = try World.runInThreads(3, patience: 20) { world -> String in
      let lesson = Lesson()
      let session = try lesson.session(world)
      let program = try lesson.program(in: session)
      let data = try lesson.data
      do throws(FirnError) {
        _ = try session.run(program, feeding: data.feeds(0..<2))
        if world.rank == 1 {
          _ = try session.run(
            program,
            feeding: [
              "tokens": NDArray([Int32](repeating: 900, count: 5)).reshaped(to: [1, 5]),
              "labels": NDArray([Int32(0)]),
            ])
        } else {
          _ = try session.run(program, feeding: data.feeds(0..<2))
        }
      } catch { return error.message }
      return "none"
    }
    #expect(outcomes.allSatisfy { $0.contains("900") }, "\(outcomes)")
    #expect(outcomes[0].contains("rank 1: ") && outcomes[2].contains("rank 1: "))
  }

  @Test func checkpointsGoOnWithAnyNumberOfMembers() throws {
    let whole = try train(members: 2, steps: 6, nil)
    let path = Scratch.path()
    defer { Scratch.remove(path) }
    _ = try train(members: 2, steps: 4, path)
    let resumed = try train(members: 2, steps: 6, path)
    #expect(resumed == whole)
    // By other numbers the same examples make the same batches: sums differ in their last bits alone.
    let path4 = Scratch.path()
    defer { Scratch.remove(path4) }
    _ = try train(members: 4, steps: 4, path4)
    let values = try (train(members: 1, steps: 6, path4), train(members: 3, steps: 6, nil))
    for (a, b) in zip(values.0, values.1) { #expect(abs(a - b) < 1e-3) }
  }

  /// The head's kernel after so many steps.
  private func train(members: Int, steps: Int, _ path: String?) throws -> [Float] {
    @Sendable func body(_ world: World) throws -> [Float] {
      let lesson = Lesson()
      let session = try lesson.session(world)
      let program = try lesson.program(in: session)
      let folder = try path.map { try CheckpointFolder($0) }
      let start = try folder?.latest()?.resume(in: session)
      try Trainer(program, in: session).fit(
        lesson.data, epochs: .max, batchSize: Lesson.batchSize, seed: Lesson.seed, from: start?.position,
        upTo: steps, savingTo: folder, every: 2)
      return try session.value(of: "head/kernel").elements(as: Float.self)
    }
    if members == 1 { return try body(.alone) }
    let all = try World.runInThreads(members, body)
    for own in all { #expect(own == all[0]) }
    return all[0]
  }
}
