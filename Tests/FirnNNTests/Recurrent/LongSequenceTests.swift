import FirnCompiler
import FirnGraph
import FirnNN
import FirnOps
import FirnRuntime
import Testing

/// Ten thousand steps, one sequence, one unit, and numbers that are none.
@Suite struct LongSequenceTests {
  private static let steps = 10_000

  /// Loss and gradients of one plain unit over a long sequence against the same written out.
  @Test(arguments: [DType.f64, .f32]) func onePlainUnit(_ dtype: DType) throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: [1, "time", 1], dtype: dtype)
    let output = SimpleRNN(1).run(x)
    let loss = square(output.sequence).mean() + output.last.sum()
    let parameters = try variables(of: graph)
    let gradients = graph.gradients(of: [loss], withRespectTo: parameters + [x])
    let session = try quietSession(graph)
    let weights = [0.8, 0.9, -0.1]
    for (parameter, weight) in zip(parameters, weights) {
      let shape = parameter.shape.extents ?? []
      try session.setValue(NDArray([weight], shape: shape).converted(to: dtype), of: parameter)
    }
    let data = try noise([1, Self.steps, 1], dtype)
    let results = try session.run(session.compile(fetching: gradients + [loss]), feeding: [x: data])

    let input = data.doubles
    var states = [0.0]
    for value in input {
      states.append(
        RealMath.hyperbolicTangent(weights[0] * value + weights[1] * (states.last ?? 0) + weights[2]))
    }
    let count = Double(Self.steps)
    var (expected, inputs, adjoint) = ([0.0, 0, 0], [Double](repeating: 0, count: Self.steps), 1.0)
    for step in stride(from: Self.steps, to: 0, by: -1) {
      let state = states[step]
      let sum = (adjoint + 2 * state / count) * (1 - state * state)
      expected[0] += sum * input[step - 1]
      expected[1] += sum * states[step - 1]
      expected[2] += sum
      inputs[step - 1] = sum * weights[0]
      adjoint = sum * weights[1]
    }
    let tolerance = dtype == .f64 ? 1e-11 : 2e-4
    let value = states.dropFirst().reduce(0) { $0 + $1 * $1 } / count + (states.last ?? 0)
    #expect(abs(try results.scalar(loss) - value) <= tolerance)
    for (gradient, wanted) in zip(gradients, expected) {
      #expect(abs(try results[gradient].doubles[0] - wanted) <= tolerance * abs(wanted))
    }
    let scale = inputs.map(abs).max() ?? 0
    for (got, wanted) in zip(try results[gradients[3]].doubles, inputs) {
      #expect(abs(got - wanted) <= tolerance * scale)
    }
  }

  /// Gated layers: whole and in pieces that carry their states the bits are the same, and gradients are finite.
  @Test(arguments: 0..<2) func gatedUnitsInPieces(_ number: Int) throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: [1, "time", 2])
    let layer: RNN =
      number == 0
      ? LSTM(3, options: RecurrentOptions(initialState: .carried))
      : GRU(3, options: RecurrentOptions(initialState: .carried))
    let output = layer.run(x)
    let parameters = try variables(of: graph).filter { $0.variable?.kind == .parameter }
    let gradients = graph.gradients(of: [square(output.sequence).mean()], withRespectTo: parameters)
    let session = try quietSession(graph)
    let data = try noise([1, Self.steps, 2], .f32)
    let whole = try session.run(session.compile(fetching: gradients + output.states), feeding: [x: data])
    for gradient in gradients {
      let values = try whole[gradient].doubles
      #expect(values.allSatisfy(\.isFinite) && values.contains { $0 != 0 })
    }
    let step = try session.compile(fetching: output.states + output.carry)
    let values = data.elements(as: Float.self)
    var last: Results?
    for start in stride(from: 0, to: Self.steps, by: 2500) {
      let piece = try NDArray(Array(values[start * 2..<(start + 2500) * 2]), shape: [1, 2500, 2])
      last = try session.run(step, feeding: [x: piece])
    }
    for state in output.states { #expect(try last?[state] == whole[state]) }
  }

  @Test(arguments: 0..<4) func batchAndWidthOfOne(_ number: Int) throws {
    let graph = Graph()
    let x = graph.variable("x", shape: [1, 3, 1], dtype: .f64, initializer: .array(try noise([1, 3, 1])))
    let layer: RNN =
      switch number {
      case 0: SimpleRNN(1, isBidirectional: true)
      case 1: LSTM(1, hasPeepholes: true, projection: 1, layers: 2)
      case 2: GRU(1)
      default: GRU(1, resetAfter: false)
      }
    let output = layer.run(x)
    let loss = sin(output.sequence).sum() + square(output.last).sum()
    try checkGradients(of: loss, by: try variables(of: graph), in: quietSession(graph, seed: 5))
  }

  /// With `checksNumerics` a run says where the first number that is none was: the feed, or the op in the loop.
  @Test func numericsAreChecked() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: [1, "time", 1])
    let output = SimpleRNN(1, activation: .relu).run(x)
    let session = try quietSession(graph)
    try session.setValue(NDArray([1e30 as Float]).reshaped(to: [1, 1]), of: "rnn/recurrent_kernel")
    try session.setValue(NDArray([1 as Float]).reshaped(to: [1, 1]), of: "rnn/kernel")
    let program = try session.compile(fetching: [output.last])
    let fine = try NDArray([1, 2] as [Float], shape: [1, 2, 1])
    #expect(try session.run(program, feeding: [x: fine]).scalar(output.last).isFinite)
    let growing = try NDArray([1, 2, 3] as [Float], shape: [1, 3, 1])
    #expect(try session.run(program, feeding: [x: growing]).scalar(output.last) == .infinity)
    session.checksNumerics = true
    #expect(try session.run(program, feeding: [x: fine]).scalar(output.last).isFinite)
    let inside = try #require(throws: FirnError.self) { try session.run(program, feeding: [x: growing]) }
    #expect(inside.code == .notFinite && inside.description.contains("rnn/"), "\(inside)")
    let missing = try NDArray([1, .nan] as [Float], shape: [1, 2, 1])
    let fed = try #require(throws: FirnError.self) { try session.run(program, feeding: [x: missing]) }
    #expect(fed.code == .notFinite && fed.place == "x", "\(fed)")
  }
}
