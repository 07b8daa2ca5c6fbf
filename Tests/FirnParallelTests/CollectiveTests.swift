import FirnCompiler
import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
import FirnRuntime
import FirnTraining
import FirnWorlds
import Testing

/// Collectives as users write them, in threads and alone.
@Suite(.serialized) struct CollectiveTests {
  /// Values and gradients of three members, whose losses are squares weighed by rank + 1.
  private func values(_ members: Int, _ build: @escaping @Sendable (Tensor) -> Tensor) throws -> [[[Double]]]
  {
    try World.runInThreads(members) { world in
      let graph = Graph()
      let x = graph.placeholder("x", shape: [2])
      let y = build(x)
      let scale = graph.placeholder("scale", shape: [])
      let gradient = graph.gradients(of: [(y * scale).sum()], withRespectTo: [x])[0]
      let session = try Session(graph, threads: 1, world: world)
      let program = try session.compile(fetching: [y, gradient])
      let rank = Float(world.rank)
      let results = try session.run(
        program, feeding: [x: NDArray([rank + 1, 10 * rank]), scale: NDArray(scalar: rank + 1)])
      return [try results[y].doubles, try results[gradient].doubles]
    }
  }

  @Test func sums() throws {
    let found = try values(3) { allReduce($0) }
    for own in found { #expect(own == [[6, 30], [6, 6]]) }
  }

  @Test func copiesOfOne() throws {
    let found = try values(3) { broadcast($0, fromRank: 1) }
    for own in found { #expect(own[0] == [2, 10]) }
    #expect(found.map { $0[1] } == [[0, 0], [6, 6], [0, 0]])
  }

  @Test func all() throws {
    let found = try values(3) { allGather($0) }
    for own in found { #expect(own == [[1, 0, 2, 10, 3, 20], [6, 6]]) }
  }

  @Test func aloneNothingChanges() throws {
    for build in [{ allReduce($0) }, { broadcast($0, fromRank: 0) }, { allGather($0) }]
      as [@Sendable (Tensor) -> Tensor]
    {
      #expect(try values(1, build) == [[[1, 0], [1, 1]]])
    }
  }

  @Test func rankThatIsNotThere() throws {
    let error = #expect(throws: FirnError.self) { try values(2) { broadcast($0, fromRank: 5) } }
    #expect(error?.code == .world && error?.message == "rank 5 is asked of a world of 2")
  }

  /// A member that runs along adds nothing, to a sum and to the gradients that go back through it.
  @Test func whoRunsAlongAddsNothing() throws {
    let found = try World.runInThreads(3) { world in
      let graph = Graph()
      let x = graph.placeholder("x", shape: [2])
      let weight = graph.placeholder("weight", shape: [])
      let (sum, weighed) = (allReduce(x), allReduce(x, weight: weight))
      let gradient = graph.gradients(of: [(sum * x).sum()], withRespectTo: [sum])[0]
      let session = try Session(graph, threads: 1, world: world)
      let program = try session.compile(fetching: [sum, weighed, allReduce(gradient)])
      let rank = Float(world.rank)
      // Rank 1 has nothing to say; what weighs nothing may be NaN.
      let values = world.rank == 0 ? [Float.nan, 7] : [rank, 10 * rank]
      let results = try session.run(
        program, feeding: [x: NDArray(values), weight: NDArray(scalar: rank)], counts: world.rank != 1)
      return try program.fetches.map { try results[$0].doubles }
    }
    for own in found {
      #expect(own[0][0].isNaN && own[0][1] == 27)
      #expect(own[1] == [4, 40])
      #expect(own[2][0].isNaN && own[2][1] == 27)
    }
  }

  /// A step by parts of different sizes is that of the whole batch, statistics, averages and gradients; a member that has
  /// no part is none of it.
  @Test func synchronisedNormIsThatOfTheWholeBatch() throws {
    @Sendable func step(_ world: World, _ rows: Range<Int>, counts: Bool = true) throws -> [[Double]] {
      let graph = Graph()
      let x = graph.placeholder("x", shape: ["batch", 3])
      let y = BatchNorm(synchronised: true)(Dense(4)(x))
      let loss = (square(y - 0.3) * sigmoid(y)).mean()
      let session = try Session(graph, seed: 1, threads: 1, world: world)
      let program = try session.compile(minimizing: loss, with: SGD(learningRate: 0.5))
      let numbers = (0..<21).map { (index: Int) -> Float in Float(index * index % 13) / 13 - 0.4 }
      let data = try DataSet([x: NDArray(numbers).reshaped(to: [7, 3])])
      let value = try session.run(program, feeding: data.feeds(rows), counts: counts).scalar(loss)
      return try [[value]] + graph.variables.map { try session.value(of: $0.name).doubles }
    }
    let whole = try step(.alone, 0..<7)
    let all = try World.runInThreads(2) { try step($0, $0.rank == 0 ? 0..<2 : 2..<7) }
    let three = try World.runInThreads(3) { world in
      switch world.rank {
      case 0: try step(world, 0..<2)
      case 1: try step(world, 3..<6, counts: false)
      default: try step(world, 2..<7)
      }
    }
    for own in all + three {
      for (a, b) in zip(own.flatMap(\.self), whole.flatMap(\.self)) { #expect(abs(a - b) < 2e-6) }
    }
  }

  /// One value is its own mean, of one member as of all; a value each of two is enough.
  @Test func synchronisedNormAsksForTwoValues() throws {
    @Sendable func step(_ world: World, counts: Bool) throws {
      let graph = Graph()
      let x = graph.placeholder("x", shape: ["batch", 1])
      let loss = (BatchNorm(synchronised: true)(x) * graph.variable("w", shape: [1])).sum()
      let session = try Session(graph, threads: 1, world: world)
      let program = try session.compile(minimizing: loss, with: SGD(learningRate: 0.1))
      _ = try session.run(
        program, feeding: [x: try NDArray([Float(world.rank)]).reshaped(to: [1, 1])], counts: counts)
    }
    for members in [1, 2] {
      let error = #expect(throws: FirnError.self) {
        _ = try World.runInThreads(members) { try step($0, counts: $0.rank == 0) }
      }
      #expect(error?.message.contains("a statistic of 1 value in training mode") == true, "\(error as Any)")
    }
    _ = try World.runInThreads(2) { try step($0, counts: true) }
  }

  /// What runs along closes no window and weighs nothing in one, whatever its weight and flags are.
  @Test func whoRunsAlongHasNoPartInAWindow() throws {
    func step(_ members: Int) throws -> [[[Double]]] {
      try World.runInThreads(members) { world in
        let graph = Graph()
        let x = graph.placeholder("x", shape: ["batch"])
        let closes = graph.placeholder("closes", shape: [], dtype: .bool)
        let weight = x.sum()
        let w = graph.variable("w", shape: [], initializer: .constant(1))
        let session = try Session(graph, threads: 1, world: world, weighingBy: weight)
        let program = try session.compile(
          updates: [
            .minimize(
              w * x.mean(), with: SGD(learningRate: 1),
              accumulating: Accumulation(5, weightedBy: weight, closedBy: closes))
          ])
        let isThere = world.rank < 2
        var values: [Double] = []
        for run in 0..<3 {
          _ = try session.run(
            program,
            feeding: [
              x: NDArray([1, Float(world.rank + run + 1)]),
              closes: NDArray(scalar: isThere ? run == 1 : true),
            ], counts: isThere)
          values += try session.value(of: w).doubles
        }
        return [values]
      }
    }
    let (two, three) = (try step(2), try step(3))
    #expect(Set(two.map { $0[0].count }) == [3] && two[0][0][0] == 1 && two[0][0][1] != 1)
    #expect(three.allSatisfy { $0 == two[0] })
  }

  /// Others look up other rows, so every row moves: who asked for lazy rows hears it.
  @Test func rowsThatAreNotLazyAreTold() throws {
    func warnings(_ members: Int) throws -> [[String]] {
      try World.runInThreads(members) { world in
        let graph = Graph()
        let ids = graph.placeholder("ids", shape: ["batch"], dtype: .i32)
        let table = graph.variable("table", shape: [5, 2], initializer: .constant(1))
        let session = try Session(graph, threads: 1, world: world)
        session.onWarning = { _ in }
        return try session.compile(
          minimizing: square(gather(table, indices: ids)).sum(), with: Adam(lazyRows: true)
        ).warnings
      }
    }
    let warning =
      "`adam` is to update rows that are looked up alone, but updates all of `table`: "
      + "the other processes look up other rows"
    #expect(try warnings(1) == [[]])
    #expect(try warnings(2) == [[warning], [warning]])
  }

  /// Each member moves averages by its own statistics; made equal they are the mean.
  @Test func stateIsMadeEqual() throws {
    let all = try World.runInThreads(2) { world -> [[Double]] in
      let graph = Graph()
      let x = graph.placeholder("x", shape: ["batch", 1])
      let loss = (BatchNorm()(x) * graph.variable("w", shape: [1], initializer: .ones)).sum()
      let session = try Session(graph, threads: 1, world: world)
      let program = try session.compile(minimizing: loss, with: SGD(learningRate: 0.1))
      let rank = Float(world.rank)
      _ = try session.run(program, feeding: [x: try NDArray([rank, rank + 2]).reshaped(to: [2, 1])])
      let before = try session.value(of: "batch_norm/moving_mean").doubles
      try session.makeStateEqual()
      return [before, try session.value(of: "batch_norm/moving_mean").doubles]
    }
    #expect(all[0][0] != all[1][0])
    #expect(all[0][1] == all[1][1])
    #expect(abs(all[0][1][0] - (all[0][0][0] + all[1][0][0]) / 2) < 1e-7)
  }

  /// None twice, none lost, and parts that differ by one example at most.
  @Test(arguments: [1, 2, 3, 7]) func partsOfBatches(members: Int) throws {
    let data = try DataSet(["x": NDArray((0..<23).map { Float($0) })])
    for epoch in 0..<3 {
      let whole = data.batches(of: 5, epoch: epoch, seed: 9)
      let parts = (0..<members).map { data.batches(of: 5, epoch: epoch, seed: 9, rank: $0, of: members) }
      for batch in whole.indices {
        let own = parts.map { $0[batch] }
        #expect(own.flatMap(\.self).sorted() == whole[batch].sorted())
        #expect((own.map(\.count).max() ?? 0) - (own.map(\.count).min() ?? 0) <= 1)
      }
      let counts = parts.map { $0.reduce(0) { $0 + $1.count } }
      #expect((counts.max() ?? 0) - (counts.min() ?? 0) <= 1)
    }
  }

  /// Which dimension counts examples must be plain.
  @Test func whatCountsExamples() throws {
    let message = try World.runInThreads(2) { world -> String in
      let graph = Graph()
      let a = graph.placeholder("a", shape: ["rows", 2])
      let b = graph.placeholder("b", shape: ["lines", 2])
      let loss = Dense(1)(a).mean() + b.mean()
      let session = try Session(graph, world: world)
      do throws(FirnError) {
        _ = try session.compile(minimizing: loss, with: SGD(learningRate: 1))
        return ""
      } catch { return error.message }
    }
    #expect(message.allSatisfy { $0.contains("`rows` and `lines`") })
  }
}
