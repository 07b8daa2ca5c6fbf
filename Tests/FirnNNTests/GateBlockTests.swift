import FirnGraph
import FirnNN
import Testing

@Suite struct GateBlockTests {
  @Test func gatesHaveNames() {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", "time", 3])
    _ = LSTM(4, hasPeepholes: true)(x)
    _ = GRU(4)(x)
    _ = SimpleRNN(4)(x)
    let named = Dictionary(uniqueKeysWithValues: graph.variables.map { ($0.name, $0.blocks) })
    for name in ["lstm/kernel", "lstm/recurrent_kernel", "lstm/bias"] {
      #expect(
        named[name]
          == BlockNames(["input", "forget", "cell", "output"]).normalized(rank: name == "lstm/bias" ? 1 : 2))
    }
    #expect(named["lstm/peephole"] == BlockNames(["input", "forget", "output"]).normalized(rank: 1))
    #expect(named["gru/recurrent_bias"] == BlockNames(["reset", "update", "new"]).normalized(rank: 1))
    #expect(named["rnn/kernel"] == .some(nil))
  }
}
