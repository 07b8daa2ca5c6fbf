import FirnGraph
import FirnNN
import FirnOps
import Testing

/// What layers' options and recurrent outputs print.
@Suite struct DescriptionTests {
  @Test(arguments: [
    ("\(RecurrentOptions())", "batch major, initial state zeros"),
    (
      "\(RecurrentOptions(layout: .timeMajor, isReversed: true, initialState: .learned(.ones), stateDropout: 0.2, recomputation: .every(4)))",
      "time major, initial state learned from ones, from the end, state dropout 0.2, recomputation every 4 steps"
    ),
    ("\(RecurrentOptions(initialState: .carried))", "batch major, initial state carried"),
    ("\(WeightInitializers())", "the defaults"),
    (
      "\(WeightInitializers(kernel: .ones, bias: .constant(0.1)))",
      "kernel ones, bias constant(0.1), else the defaults"
    ),
    (
      "\(WeightInitializers(kernel: .ones, recurrentKernel: .orthogonal(), bias: .zeros, recurrentBias: .zeros))",
      "kernel ones, recurrent_kernel orthogonal(1.0), bias zeros, recurrent_bias zeros"
    ),
  ]) func optionsPrintInWords(_ text: String, _ expected: String) { #expect(text == expected) }

  @Test func recurrentOutputsPrintTheirTensors() {
    let graph = Graph()
    let x = graph.placeholder("x", shape: [2, 3, 4])
    let output = GRU(5, options: RecurrentOptions(initialState: .carried)).run(x)
    #expect(
      output.description == """
        sequence  \(output.sequence.name) : f32[2,3,5]
        last      \(output.last.name) : f32[2,5]
        states    \(output.states[0].name) : f32[2,5]
        carry     \(output.carry[0].name) : f32[2,5]
        """)
  }
}
