import FirnGraph
import FirnNotation
import FirnNN
import FirnOps
import FirnRuntime
import FirnTraining
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

  /// One gate frozen wherever it has a block: its columns keep their bits, all others move.
  @Test(arguments: 0..<4) func oneGateFreezes(_ number: Int) throws {
    let (layer, gate): (RNN, String) =
      switch number {
      case 0: (LSTM(3, hasPeepholes: true, name: "net"), "forget")
      case 1: (LayerNormLSTM(3, name: "net"), "output")
      case 2: (GRU(3, name: "net"), "update")
      default: (GRU(3, resetAfter: false, name: "net"), "reset")
      }
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", "time", 2])
    let loss = square(layer.run(x).sequence).mean()
    let blocked = graph.variables.filter { $0.blocks?.names.contains(gate) == true }
    #expect(blocked.count == [4, 5, 4, 3][number])
    let session = try quietSession(graph, seed: 1)
    let program = try session.compile(
      minimizing: loss, with: Adam(learningRate: 0.1),
      freezing: Selection(blocked.map { "\($0.name)[gate: \(gate)]" }.joined(separator: " | ")))
    let before = try session.snapshot()
    for _ in 0..<3 { try session.run(program, feeding: [x: noise([2, 4, 2], .f32)]) }
    for variable in blocked {
      let block = try #require(variable.blocks?.block(named: gate, in: variable.type.shape))
      let width = try #require(variable.type.shape.extents?.last)
      let old = try #require(before.values.first { $0.name == variable.name }).array.elements(as: Float.self)
      let new = try session.value(of: variable.name).elements(as: Float.self)
      for place in old.indices {
        let isFrozen = block.range.contains(place % width)
        #expect((old[place] == new[place]) == isFrozen, "\(variable.name)[\(place)]")
      }
    }
  }
}
