import FirnCompiler
import FirnGraph
import FirnNN
import FirnOps
import FirnTraining
import Testing

@testable import FirnRuntime

/// Loops that keep every n-th state and compute the steps between again.
@Suite struct CheckpointingTests {
  private struct Model {
    let graph = Graph()
    let x: Tensor
    let loss: Tensor
    let sequence: Tensor
    let gradients: [Tensor]

    init(
      _ checkpointing: Checkpointing, time: Dimension, dtype: DType = .f32, reversed: Bool = false,
      dropping: Bool = false
    ) {
      x = graph.placeholder("x", shape: [time, 2, 3], dtype: dtype)
      let net = LSTM(
        4, isReversed: reversed, layout: .timeMajor, initialState: .learned(),
        stateDropout: dropping ? 0.4 : 0,
        checkpointing: checkpointing, name: "net")
      let w = graph.variable("w", shape: [3, 3], dtype: dtype)
      let noisy = scan(over: [matmul(x, w)], initial: [], checkpointing: checkpointing) { step in
        ScanResult(
          carries: [], outputs: [dropping ? dropout(step.slices[0], rate: 0.5) : tanh(step.slices[0])])
      }.outputs[0]
      let out = net.run(noisy)
      sequence = out.sequence
      loss = square(out.sequence).sum() + out.last.sum()
      gradients = graph.gradients(
        of: [loss],
        withRespectTo: [x] + graph.variables.compactMap { [graph] in graph.tensor(named: $0.name) },
        unconnected: .none)
    }

    func run(_ time: Int, freezing: Selection? = nil) throws -> Results {
      try graph.validate()
      let session = try Session(graph, seed: 3)
      session.onWarning = { _ in }
      let program = try session.compile(
        fetching: [loss, sequence] + gradients, freezing: freezing, inTrainingMode: true)
      let array = try Initializer.normal(deviation: 1).values(shape: [time, 2, 3], dtype: x.dtype)
      return try session.run(program, feeding: [x: array])
    }
  }

  private func deviation(_ a: NDArray, _ b: NDArray) -> Double {
    let scale = max(1e-30, b.doubles.map(abs).max() ?? 0)
    return zip(a.doubles, b.doubles).reduce(0) { max($0, abs($1.0 - $1.1) / scale) }
  }

  /// Loss, outputs and the gradient of what comes in to the bit; sums over steps to rounding, since segments sum first.
  @Test(arguments: [(12, 4), (12, 5), (12, 1), (3, 7), (12, 12), (0, 3)], [false, true])
  func resultsAreThoseWithoutIt(_ sizes: (Int, Int), _ reversed: Bool) throws {
    let (time, every) = sizes
    // Steps beyond the last whole segment are built apart and draw other random numbers.
    for dropping in time % every == 0 ? [false, true] : [false] {
      let plain = Model(.none, time: Dimension(time), reversed: reversed, dropping: dropping)
      let kept = Model(.every(every), time: Dimension(time), reversed: reversed, dropping: dropping)
      let (a, b) = try (plain.run(time), kept.run(time))
      #expect(try a[plain.loss].isBitwiseEqual(to: b[kept.loss]))
      #expect(try a[plain.sequence].isBitwiseEqual(to: b[kept.sequence]))
      #expect(try a[plain.gradients[0]].isBitwiseEqual(to: b[kept.gradients[0]]))
      for (g, h) in zip(plain.gradients, kept.gradients) { #expect(try deviation(b[h], a[g]) < 1e-6) }
    }
  }

  @Test func namedLengthsNeedWholeSegments() throws {
    try Model(.every(4), time: "4*segments").graph.validate()
    let error = #expect(throws: FirnError.self) { try Model(.every(4), time: "time").graph.validate() }
    #expect("\(try #require(error))".contains("4*segments"))
    #expect(throws: FirnError.self) { try Model(.every(0), time: 12).graph.validate() }
  }

  private func arena(_ time: Int, _ checkpointing: Checkpointing) throws -> Int {
    let graph = Graph()
    let x = graph.placeholder("x", shape: [Dimension(time), 2, 3])
    let net = LSTM(8, layout: .timeMajor, checkpointing: checkpointing, name: "net")
    let loss = square(net(x)).sum()
    let compilation = try Compiler.compile(
      CompilationRequest(
        graph: graph.definition, fetches: [],
        training: .init(loss: loss.value, optimizer: SGD(learningRate: 1))))
    return try Plan(compilation.graph).arenaBytes
  }

  /// Four times the steps take four times the memory without it, and twice with a segment of √T.
  @Test func memoryFollowsTheSquareRoot() throws {
    let plain = try [256, 1024, 4096].map { try arena($0, .none) }
    let kept = try [(256, 16), (1024, 32), (4096, 64)].map { try arena($0.0, .every($0.1)) }
    for (a, b) in zip(plain, plain.dropFirst()) {
      #expect((3.8...4.1).contains(Double(b) / Double(a)), "\(plain)")
    }
    for (a, b) in zip(kept, kept.dropFirst()) {
      #expect((1.5...2.1).contains(Double(b) / Double(a)), "\(kept)")
    }
    #expect(kept[2] * 20 < plain[2], "\(kept) \(plain)")
  }

  /// What is recomputed follows the live gradients: a frozen part before or inside changes none of the others.
  @Test(
    arguments: ["w", "net/kernel", "w | net/kernel", "net/recurrent_kernel | net/bias", "net"] as [Selection])
  func trap12CheckpointingOverAFrozenPrefixKeepsGradients(_ frozen: Selection) throws {
    let model = Model(.every(4), time: 12)
    let whole = try model.run(12)
    let part = try model.run(12, freezing: frozen)
    var alive = 0
    for gradient in model.gradients {
      guard let got = part.optional(gradient) else { continue }
      alive += 1
      #expect(try got.isBitwiseEqual(to: whole[gradient]))
      #expect(got.doubles.contains { $0 != 0 })
    }
    let count = ["w": 6, "net/kernel": 6, "net": 2]["\(frozen)"] ?? 5
    #expect(alive == count, "\(frozen)")
  }
}
