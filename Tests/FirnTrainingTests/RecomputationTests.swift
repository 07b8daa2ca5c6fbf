import FirnCompiler
import FirnGraph
import FirnNotation
import FirnNN
import FirnOps
import FirnTraining
import Testing

@testable import FirnRuntime

/// Loops that keep every n-th state and compute the steps between again.
@Suite struct RecomputationTests {
  private struct Model {
    let graph = Graph()
    let x: Tensor
    let loss: Tensor
    let sequence: Tensor
    let gradients: [Tensor]

    init(
      _ recomputation: Recomputation, time: Dim, dtype: DType = .f32, reversed: Bool = false,
      dropping: Bool = false
    ) {
      x = graph.placeholder("x", shape: [time, 2, 3], dtype: dtype)
      let net = LSTM(
        4,
        options: RecurrentOptions(
          layout: .timeMajor, isReversed: reversed, initialState: .learned(),
          stateDropout: dropping ? 0.4 : 0, recomputation: recomputation), name: "net")
      let w = graph.variable("w", shape: [3, 3], dtype: dtype)
      let noisy = scan(over: [matmul(x, w)], initial: [], recomputation: recomputation) { step in
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

  /// Everything to the bit; where a rest of steps is left, sums over steps to rounding.
  @Test(arguments: [(12, 4), (12, 5), (12, 1), (3, 7), (12, 12), (0, 3)], [false, true])
  func resultsAreThoseWithoutIt(_ sizes: (Int, Int), _ reversed: Bool) throws {
    let (time, every) = sizes
    for dropping in [false, true] {
      let plain = Model(.none, time: Dim(time), reversed: reversed, dropping: dropping)
      let kept = Model(.every(every), time: Dim(time), reversed: reversed, dropping: dropping)
      let (a, b) = try (plain.run(time), kept.run(time))
      #expect(try a[plain.loss].isBitwiseEqual(to: b[kept.loss]))
      #expect(try a[plain.sequence].isBitwiseEqual(to: b[kept.sequence]))
      #expect(try a[plain.gradients[0]].isBitwiseEqual(to: b[kept.gradients[0]]))
      for (g, h) in zip(plain.gradients, kept.gradients) {
        if time % every == 0 {
          #expect(try a[g].isBitwiseEqual(to: b[h]), "\(h)")
        } else {
          #expect(try deviation(b[h], a[g]) < 1e-6, "\(h)")
        }
      }
    }
  }

  /// Sums of every form: two products a step of one matrix, transposed ones, a scale, a state that is no sum but looks so.
  @Test(arguments: [DType.f32, .f64], [false, true]) func everySumKeepsItsBits(
    _ dtype: DType, _ reversed: Bool
  )
    throws
  {
    func run(_ recomputation: Recomputation) throws -> [NDArray] {
      let graph = Graph()
      let x = graph.placeholder("x", shape: [12, 5, 3], dtype: dtype)
      let w = graph.variable("w", shape: [3, 3], dtype: dtype)
      let v = graph.variable("v", shape: [3, 3], dtype: dtype)
      let scale = graph.variable("scale", shape: [3], dtype: dtype, initializer: .ones)
      let start = graph.variable("start", shape: [5, 3], dtype: dtype)
      let (carries, outputs) = scan(
        over: [x], initial: [start, start], reversed: reversed, recomputation: recomputation
      ) { step in
        let product = matmul(step.slices[0], w) + matmul(step.carries[0], w) + matmul(step.carries[0], v)
        let turned = matmul(v, tanh(product), transposeA: true, transposeB: true).transposed()
        let inner = scan(over: [turned], initial: [step.carries[0]]) { at in
          let row = at.slices[0].reshaped(to: [1, 3])
          return ScanResult(carries: [tanh(at.carries[0] + matmul(row, w))], outputs: [row * scale])
        }
        let next = tanh(inner.carries[0] * scale)
        let sum = step.carries[1] + next
        return ScanResult(carries: [next, sum], outputs: [sum * sum + inner.outputs[0].sum(axes: [1])])
      }
      let loss = square(outputs[0]).mean() + carries[0].sum() + carries[1].mean()
      let gradients = graph.gradients(of: [loss], withRespectTo: [x, w, v, scale, start])
      try graph.validate()
      let session = try Session(graph, seed: 3)
      session.onWarning = { _ in }
      let program = try session.compile(fetching: [loss] + gradients)
      let array = try Initializer.normal(deviation: 1).values(shape: [12, 5, 3], dtype: dtype)
      let results = try session.run(program, feeding: [x: array])
      return try ([loss] + gradients).map { try results[$0] }
    }
    let plain = try run(.none)
    for every in [1, 2, 3, 12] {
      let kept = try run(.every(every))
      for (number, (a, b)) in zip(plain, kept).enumerated() {
        #expect(a.isBitwiseEqual(to: b), "\(number) of every \(every)")
      }
    }
  }

  /// Variables made in the body are made once, as its random draws are, a rest of steps or none.
  @Test func theBodyIsBuiltOnce() throws {
    var calls = 0
    func run(_ recomputation: Recomputation) throws -> (names: [String], values: [NDArray]) {
      calls = 0
      let graph = Graph()
      let x = graph.placeholder("x", shape: [7, 3])
      let (carries, outputs) = scan(over: [x], initial: [x.sum(axes: [0])], recomputation: recomputation) {
        step in
        calls += 1
        let scale = step.index.graph.variable("scale", shape: [3], initializer: .ones)
        let noise = step.index.graph.randomNormal([3])
        let count = step.index.cast(to: .f32)
        return ScanResult(
          carries: [tanh(step.carries[0] * scale + noise)], outputs: [step.slices[0] * scale + count])
      }
      let loss = carries[0].sum() + outputs[0].sum()
      let session = try Session(graph, seed: 5)
      let program = try session.compile(minimizing: loss, with: SGD(learningRate: 0.5), fetching: outputs)
      let array = try Initializer.normal(deviation: 1).values(shape: [7, 3])
      let results = try (0..<2).map { _ in try session.run(program, feeding: [x: array])[outputs[0]] }
      #expect(calls == 1)
      return (graph.variables.map(\.name), results)
    }
    let plain = try run(.none)
    for every in [3, 7, 9] {
      let kept = try run(.every(every))
      #expect(kept.names == plain.names)
      #expect(kept.values[0].isBitwiseEqual(to: plain.values[0]))
      #expect(deviation(kept.values[1], plain.values[1]) < 1e-6)
    }
  }

  /// A dimension that is a multiple by its name works as numbers do; one that is not is told what to be.
  @Test func namedLengthsNeedWholeSegments() throws {
    let plain = Model(.none, time: "time", dropping: true)
    let kept = Model(.every(4), time: "4*segments", dropping: true)
    for time in [0, 4, 12] {
      let (a, b) = try (plain.run(time), kept.run(time))
      #expect(try a[plain.loss].isBitwiseEqual(to: b[kept.loss]))
      for (g, h) in zip(plain.gradients, kept.gradients) {
        #expect(try a[g].isBitwiseEqual(to: b[h]), "\(h)")
      }
    }
    let odd = #expect(throws: FirnError.self) { try kept.run(10) }
    #expect("\(try #require(odd))".contains("axis 0 is 10, wanted is 4*segments"))
    let error = #expect(throws: FirnError.self) { try Model(.every(4), time: "time").graph.validate() }
    #expect("\(try #require(error))".contains("4*segments"))
    #expect(throws: FirnError.self) { try Model(.every(0), time: 12).graph.validate() }
  }

  /// Three steps of Adam or SGD move the variables to the same bits, whatever is frozen, blocks of gates too.
  @Test(
    arguments: [
      nil, "w", "net/kernel", "net/bias", "net/bias[gate: forget]", "net/recurrent_kernel[gate: input] | w",
    ] as [Selection?])
  func trainingMovesToTheSameBits(_ frozen: Selection?) throws {
    for optimizer in [Adam(learningRate: 0.1), SGD(learningRate: 0.1, momentum: 0.5)] as [any Optimizer] {
      func train(_ recomputation: Recomputation) throws -> [NDArray] {
        let model = Model(recomputation, time: 12, dropping: true)
        let session = try Session(model.graph, seed: 3)
        session.onWarning = { _ in }
        let program = try session.compile(minimizing: model.loss, with: optimizer, freezing: frozen)
        let array = try Initializer.normal(deviation: 1).values(shape: [12, 2, 3])
        for _ in 0..<3 { try session.run(program, feeding: [model.x: array]) }
        return try model.graph.variables.map { try session.value(of: $0.name) }
      }
      for (a, b) in zip(try train(.none), try train(.every(4))) { #expect(a.isBitwiseEqual(to: b)) }
    }
  }

  private func arena(_ time: Int, _ recomputation: Recomputation) throws -> Int {
    let graph = Graph()
    let x = graph.placeholder("x", shape: [Dim(time), 2, 3])
    let net = LSTM(
      8, options: RecurrentOptions(layout: .timeMajor, recomputation: recomputation), name: "net")
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
