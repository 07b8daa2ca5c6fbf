import FirnGraph
import FirnNN
import FirnOps
import FirnRuntime
import Testing

@Suite struct ScanGradientTests {
  @Test func lstm() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", "time", 3], dtype: .f64)
    let out = LSTM(4).run(x)
    let loss = (out.sequence * out.sequence).sum() + tanh(out.cell).sum()
    let session = try Session(graph, seed: 3)
    let variables = graph.variables.compactMap { graph.tensor(named: $0.name) }
    #expect(variables.count == 3)
    try checkGradients(of: loss, by: variables, in: session, feeding: [x: noise([2, 5, 3])])
  }
}
