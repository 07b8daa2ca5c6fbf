import FirnCompiler
import FirnGraph
import FirnNotation
import FirnOps
import FirnTraining

/// Building, asking and compiling graphs of growing size: each column should grow with the nodes, not faster.
enum AskingBenchmark {
  static func run() throws {
    print(
      "      nodes   variables       build      select     explain      status         why        lint     compile   (ms)"
    )
    for blocks in [250, 500, 1000, 2500] {
      var graph = Graph()
      var loss = graph.constant(0)
      let build = milliseconds(runs: 1) { (graph, loss) = model(blocks: blocks) }
      let definition = graph.definition
      let selection: Selection = "**/kernel & !block_1 | role(bias) & block_2"
      let select = try milliseconds { _ = try selection.resolve(in: SelectionContext(definition)) }
      let last = definition.variables[definition.variables.count - 1].name
      var explanation = try Explanation(graph: definition, loss: loss.value, freezing: "block_0")
      let explain = try milliseconds(runs: 1) {
        explanation = try Explanation(graph: definition, loss: loss.value, freezing: "block_0")
      }
      let status = milliseconds(runs: 1) { _ = explanation.status }
      let why = try milliseconds(runs: 1) { _ = try explanation.why(last) }
      let lint = milliseconds(runs: 1) { _ = explanation.lint() }
      let compile = try milliseconds(runs: 1) {
        _ = try Compiler.compile(
          CompilationRequest(
            graph: definition, fetches: [],
            training: .init(loss: loss.value, optimizer: SGD(learningRate: 0.1)), freezing: "block_0"))
      }
      print(
        column(Double(definition.nodes.count), digits: 0, width: 11),
        column(Double(definition.variables.count), digits: 0, width: 11),
        [build, select, explain, status, why, lint, compile].map { column($0, width: 11) }.joined(
          separator: " "))
    }
  }

  /// Residual blocks of two products each; 40 nodes and 2 variables a block.
  static func model(blocks: Int) -> (Graph, Tensor) {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 16])
    var value = x
    for block in 0..<blocks {
      value = graph.scope("block_\(block)") {
        let kernel = graph.variable("kernel", shape: [16, 16], role: "kernel")
        let bias = graph.variable("bias", shape: [16], role: "bias")
        var inner = matmul(value, kernel) + bias
        for _ in 0..<16 { inner = tanh(inner) * inner }
        return value + inner
      }
    }
    return (graph, value.sum())
  }
}
