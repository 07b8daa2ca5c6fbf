import FirnCompiler
import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
import FirnRuntime
import FirnTraining
import FirnWorlds
import Testing

@testable import FirnParallelMember

/// What a steady step hands in to be summed, counted by the world: the bytes of what is trained, the weight of the run
/// and the loss, and nothing else.
@Suite(.serialized) struct TrafficTests {
  private static let weightAndLoss = 8

  /// What one step of each member hands in and how many calls it makes, and the bytes of what is trained.
  private func step(
    freezing: Selection?, steps: Int = 2, _ build: @escaping @Sendable (Graph) -> Tensor,
    _ feeds: @escaping @Sendable (Int) throws -> [(name: String, array: NDArray)]
  ) throws -> (reduced: [Int], calls: [Int], trained: Int) {
    let all = try World.runInThreads(2) { world in
      let graph = Graph()
      let loss = build(graph)
      let session = try Session(graph, seed: 1, threads: 1, world: world)
      session.onWarning = { _ in }
      let program = try session.compile(
        minimizing: loss, with: Adam(learningRate: 0.01), freezing: freezing)
      let data = Feeds(try feeds(world.rank))
      _ = try session.run(program, feeding: data)
      let before = world.trafficSoFar
      for _ in 0..<steps { _ = try session.run(program, feeding: data) }
      let after = world.trafficSoFar
      let bytes = program.trainedParts.reduce(0) { $0 + ($1.type.byteCount.value ?? 0) }
      return [
        (after.reducedBytes - before.reducedBytes) / steps, (after.calls - before.calls) / steps, bytes,
      ]
    }
    return (all.map { $0[0] }, all.map { $0[1] }, all[0][2])
  }

  @Sendable private static func numbers(_ shape: [Int], _ rank: Int) throws -> NDArray {
    let count = shape.reduce(1, *)
    return try NDArray(
      (0..<count).map { (index: Int) -> Float in Float((index * 13 + rank * 7) % 17) / 17 - 0.5 }
    ).reshaped(to: shape)
  }

  @Test func lstm() throws {
    let found = try step(freezing: "lstm/bias") { graph in
      let x = graph.placeholder("x", shape: ["batch", 4, 3])
      return square(LSTM(5).run(x).last).mean()
    } _: {
      [("x", try Self.numbers([2, 4, 3], $0))]
    }
    #expect(found.trained == 4 * (3 * 20 + 5 * 20))
    #expect(found.reduced == Array(repeating: found.trained + Self.weightAndLoss, count: 2))
    #expect(found.calls == [1, 1])
  }

  /// 20 kB instead of 45 MB.
  @Test func headOfAResNet() throws {
    let found = try step(freezing: "**", thawingHead: true)
    #expect(found.trained == 4 * (512 * 10 + 10))
    #expect(found.reduced == Array(repeating: found.trained + Self.weightAndLoss, count: 2))
  }

  private func step(freezing: Selection, thawingHead: Bool) throws -> (reduced: [Int], trained: Int) {
    let all = try World.runInThreads(2) { world in
      let graph = Graph()
      let x = graph.placeholder("x", shape: ["batch", 32, 32, 3])
      let y = graph.placeholder("y", shape: ["batch"], dtype: .i32)
      let network = ResNet(.resNet18, classes: 10)
      let loss = sparseSoftmaxCrossEntropy(logits: network(x), labels: y).mean()
      let session = try Session(graph, seed: 1, threads: 1, world: world)
      session.onWarning = { _ in }
      let head = graph.variables.suffix(2).map(\.name)
      let selection = try Selection(head.joined(separator: " | "))
      let program = try session.compile(
        minimizing: loss, with: SGD(learningRate: 0.01), freezing: freezing, thawing: selection)
      let feeds: Feeds = [
        "x": try Self.numbers([2, 32, 32, 3], world.rank), "y": NDArray([Int32(1), 2]),
      ]
      _ = try session.run(program, feeding: feeds)
      let before = world.trafficSoFar.reducedBytes
      _ = try session.run(program, feeding: feeds)
      let bytes = program.trainedParts.reduce(0) { $0 + ($1.type.byteCount.value ?? 0) }
      return [world.trafficSoFar.reducedBytes - before, bytes]
    }
    return (all.map { $0[0] }, all[0][1])
  }

  /// Each row that was looked up, once, with its number; the table would be 40 000 bytes.
  @Test func rowsOfATable() throws {
    let found = try step(freezing: nil) { graph in
      let at = graph.placeholder("at", shape: ["batch", 3], dtype: .i32)
      return square(Embedding(count: 1000, width: 10)(at)).mean()
    } _: { rank in
      [
        (
          "at",
          try NDArray(rank == 0 ? [1, 2, 3, 1, 2, 9] as [Int32] : [7, 7, 7, 7, 7, 7]).reshaped(to: [2, 3])
        )
      ]
    }
    #expect(found.trained == 40_000)
    #expect(found.reduced == [4 * 44 + 8, 1 * 44 + 8])
  }

  /// Where nearly all rows are looked up the table is sent.
  @Test func tableOfWhichNearlyAllIsLookedUp() throws {
    let found = try step(freezing: nil) { graph in
      let at = graph.placeholder("at", shape: ["batch", 4], dtype: .i32)
      return square(Embedding(count: 8, width: 10)(at)).mean()
    } _: { _ in
      [("at", try NDArray((0..<8).map { Int32($0) }).reshaped(to: [2, 4]))]
    }
    #expect(found.reduced == [320 + 8, 320 + 8])
  }

  /// Two thin matrices beside a frozen one.
  @Test func adapters() throws {
    let found = try step(freezing: "kernel") { graph in
      let x = graph.placeholder("x", shape: ["batch", 40])
      let kernel = graph.variable("kernel", shape: [40, 30], initializer: .uniform())
      let down = graph.variable("adapter/down", shape: [40, 2], initializer: .uniform())
      let up = graph.variable("adapter/up", shape: [2, 30], initializer: .uniform())
      return square(matmul(x, kernel) + matmul(matmul(x, down), up)).mean()
    } _: {
      [("x", try Self.numbers([2, 40], $0))]
    }
    #expect(found.trained == 4 * (80 + 60))
    #expect(found.reduced == Array(repeating: found.trained + Self.weightAndLoss, count: 2))
  }

  /// Of a variable that is trained in part, that part.
  @Test func blocks() throws {
    let found = try step(freezing: "dense/kernel[0..<30]") { graph in
      let x = graph.placeholder("x", shape: ["batch", 40])
      return square(Dense(5)(x)).mean()
    } _: {
      [("x", try Self.numbers([2, 40], $0))]
    }
    #expect(found.trained == 4 * (10 * 5 + 5))
    #expect(found.reduced == Array(repeating: found.trained + Self.weightAndLoss, count: 2))
  }
}
