import FirnGraph
import FirnNotation
import FirnNN
import FirnOps
import FirnRuntime
import Testing

@Suite struct WeightInitializersTests {
  private func first(_ layer: RNN, _ name: String) throws -> NDArray {
    let graph = Graph()
    _ = layer(graph.placeholder("x", shape: ["batch", "time", 2]))
    return try quietSession(graph).value(of: name)
  }

  @Test func forgetBias() throws {
    #expect(try first(LSTM(1), "lstm/bias").doubles == [0, 1, 0, 0])
    #expect(try first(LSTM(1, forgetBias: 3), "lstm/bias").doubles == [0, 3, 0, 0])
    let bias = WeightInitializers(bias: .blocks(["forget": .constant(2), "cell": .ones], otherwise: .zeros))
    #expect(try first(LSTM(1, initializers: bias), "lstm/bias").doubles == [0, 2, 1, 0])
    #expect(try first(LayerNormLSTM(1, initializers: bias), "layer_norm_lstm/bias").doubles == [0, 2, 1, 0])
  }

  @Test func everyVariable() throws {
    let given = WeightInitializers(
      kernel: .blocks(["reset": .constant(1)], otherwise: .zeros),
      recurrentKernel: .blocks(["new": .identity()], otherwise: .function { -Double($0[0]) }),
      bias: .function { Double($0[0]) }, recurrentBias: .constant(0.5))
    #expect(
      try first(GRU(2, initializers: given), "gru/kernel").rows == [[1, 1, 0, 0, 0, 0], [1, 1, 0, 0, 0, 0]])
    #expect(
      try first(GRU(2, initializers: given), "gru/recurrent_kernel").rows
        == [[0, 0, 0, 0, 1, 0], [-1, -1, -1, -1, 0, 1]])
    #expect(try first(GRU(2, initializers: given), "gru/bias").doubles == [0, 1, 2, 3, 4, 5])
    #expect(
      try first(GRU(2, layers: 2, initializers: given), "gru/layer_1/forward/recurrent_bias").doubles
        == [Double](repeating: 0.5, count: 6))
    let identity = WeightInitializers(recurrentKernel: .identity(gain: 0.5))
    #expect(
      try first(SimpleRNN(2, activation: .relu, initializers: identity), "rnn/recurrent_kernel").rows
        == [[0.5, 0], [0, 0.5]])
  }

  /// A graph read back from its text starts from the same values.
  @Test func afterText() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", "time", 2])
    _ = LSTM(
      3,
      initializers: WeightInitializers(
        kernel: .function { 0.1 * Double($0[1]) }, bias: .blocks(otherwise: .normal()))
    )(x)
    let read = try GraphDef(parsing: graph.definition.text, catalogue: .standard)
    #expect(read.variables == graph.definition.variables)
  }
}
