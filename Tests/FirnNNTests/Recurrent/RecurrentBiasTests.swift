import FirnCompiler
import FirnGraph
import FirnNN
import FirnOps
import FirnRuntime
import FirnTraining
import Testing

/// Layers without biases and with two, trained as PyTorch trains them; gates with Keras's hard sigmoids.
@Suite struct RecurrentBiasTests {
  private static func fixtures(_ kind: (String) -> Bool) throws -> [Fixture] {
    try Fixture.load("biases.json").filter { kind($0.name) }
  }

  private func set(_ fixture: Fixture, _ dtype: DType, in session: Session) throws {
    let weights = try fixture.weights(dtype)
    #expect(session.variables.map(\.name).sorted() == weights.keys.map { "net/\($0)" }.sorted())
    for (name, array) in weights { try session.setValue(array, of: "net/\(name)") }
  }

  @Test(arguments: [DType.f64, .f32]) func fiveStepsAsPyTorch(_ dtype: DType) throws {
    let fixtures = try Self.fixtures { $0.contains("-none") || $0.contains("-two") }
    #expect(fixtures.count == 8)
    for fixture in fixtures {
      let words = fixture.name.split(separator: "-")
      let isNone = words[1] == "none"
      let (layers, both) = words.count > 2 ? (2, true) : (1, false)
      let biases: RecurrentBiases = isNone ? .none : .separate
      let layer: RNN =
        switch words[0] {
        case "lstm": LSTM(4, biases: biases, layers: layers, isBidirectional: both, name: "net")
        case "gru": GRU(4, usesBias: !isNone, name: "net")
        default: SimpleRNN(4, biases: biases, name: "net")
        }
      let graph = Graph()
      let sequence = layer.run(graph.constant(try fixture.input("x", dtype))).sequence
      let loss = square(sequence - graph.constant(try fixture.input("target", dtype))).mean()
      let session = try quietSession(graph)
      try set(fixture, dtype, in: session)
      let program = try session.compile(
        minimizing: loss, with: SGD(learningRate: 0.1, momentum: 0.9), fetching: [sequence])
      let tolerance = dtype == .f64 ? 1e-12 : 1e-5
      let losses = try #require(fixture.results?["losses"]).values
      for (step, expected) in losses.enumerated() {
        let results = try session.run(program)
        let loss = try results.scalar(loss)
        #expect(
          abs(loss - expected) <= tolerance,
          "\(fixture.name) \(dtype): loss \(step) is \(loss), not \(expected)")
        if step > 0 { continue }
        let apart = difference(try results[sequence], try #require(fixture.results?["sequence"]))
        #expect(apart <= tolerance, "\(fixture.name) \(dtype): the sequence is \(apart) apart")
      }
      for (name, expected) in try #require(fixture.trained) {
        let apart = difference(try session.value(of: "net/\(name)"), expected)
        #expect(apart <= tolerance, "\(fixture.name) \(dtype): \(name) is \(apart) apart")
      }
    }
  }

  /// The outputs of one bias that is the sum of both are the same, and its training another.
  @Test func oneBiasOfTheSumTrainsOtherwise() throws {
    let fixture = try #require(try Self.fixtures { $0 == "lstm-two" }.first)
    let graph = Graph()
    let sequence = LSTM(4, name: "net").run(graph.constant(try fixture.input("x", .f64))).sequence
    let loss = square(sequence - graph.constant(try fixture.input("target", .f64))).mean()
    let session = try quietSession(graph)
    let weights = try fixture.weights(.f64)
    for name in ["kernel", "recurrent_kernel"] {
      try session.setValue(#require(weights[name]), of: "net/\(name)")
    }
    try session.setValue(#require(weights["bias"]) + #require(weights["recurrent_bias"]), of: "net/bias")
    let program = try session.compile(minimizing: loss, with: SGD(learningRate: 0.1, momentum: 0.9))
    let losses = try (0..<5).map { _ in try session.run(program).scalar(loss) }
    let expected = try #require(fixture.results?["losses"]).values
    #expect(abs(losses[0] - expected[0]) < 1e-14 && abs(losses[4] - expected[4]) > 1e-3)
  }

  @Test(arguments: [DType.f64, .f32]) func hardSigmoidGatesAsKeras(_ dtype: DType) throws {
    let fixtures = try Self.fixtures { $0.hasPrefix("gates-") }
    #expect(fixtures.count == 6)
    for fixture in fixtures {
      let words = fixture.name.split(separator: "-")
      func sequence(_ activation: Activation) throws -> NDArray {
        let layer: RNN =
          words[1] == "lstm"
          ? LSTM(4, recurrentActivation: activation, name: "net")
          : GRU(4, resetAfter: words[1] == "gru", recurrentActivation: activation, name: "net")
        let graph = Graph()
        let sequence = layer.run(graph.constant(try fixture.input("x", dtype))).sequence
        let session = try quietSession(graph)
        try set(fixture, dtype, in: session)
        return try session.run(session.compile(fetching: [sequence]))[sequence]
      }
      let expected = try #require(fixture.results?["sequence"])
      let apart = difference(try sequence(words[2] == "hard" ? .hardSigmoid : .keras2HardSigmoid), expected)
      #expect(apart <= (dtype == .f64 ? 1e-12 : 2e-6), "\(fixture.name) \(dtype): \(apart) apart")
      #expect(difference(try sequence(.sigmoid), expected) > 1e-3)
    }
  }

  @Test func variablesAreThoseOfTheBiases() throws {
    func names(_ layer: RNN) throws -> [String] {
      let graph = Graph()
      _ = layer(graph.placeholder("x", shape: ["batch", "time", 3]))
      try graph.validate()
      return graph.variables.map { String($0.name.dropFirst(4)) }
    }
    let kernels = ["kernel", "recurrent_kernel"]
    let cases: [(RecurrentBiases, [String])] = [
      (.none, []), (.joint, ["bias"]), (.separate, ["bias", "recurrent_bias"]),
    ]
    for (biases, more) in cases {
      #expect(try names(LSTM(4, biases: biases, name: "net")) == kernels + more)
      #expect(try names(SimpleRNN(4, biases: biases, name: "net")) == kernels + more)
    }
    #expect(try names(GRU(4, usesBias: false, name: "net")) == kernels)
    #expect(try names(GRU(4, resetAfter: false, usesBias: false, name: "net")) == kernels)
    let values = try Self.firstBiases()
    #expect(
      values.bias.doubles[4..<8].allSatisfy { $0 == 1 } && values.recurrent.doubles.allSatisfy { $0 == 0 })
  }

  private static func firstBiases() throws -> (bias: NDArray, recurrent: NDArray) {
    let graph = Graph()
    _ = LSTM(4, biases: .separate, name: "net")(graph.placeholder("x", shape: ["batch", "time", 3]))
    let session = try quietSession(graph)
    return (try session.value(of: "net/bias"), try session.value(of: "net/recurrent_bias"))
  }
}
