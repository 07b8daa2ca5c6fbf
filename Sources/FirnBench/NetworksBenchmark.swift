import FirnCompiler
import FirnGraph
import FirnNotation
import FirnNN
import FirnOps
import FirnTraining

/// Building, freezing, explaining and drawing reference models.
enum NetworksBenchmark {
  static let freezing: Selection = "conv1 | bn1 | layer1 | layer2"

  static func run() throws {
    print("ResNet-50, `\(freezing)` frozen   (ms)")
    var graph = Graph()
    var loss = graph.constant(0)
    var steps: [(String, Double)] = []
    steps.append(("build", milliseconds(runs: 1) { (graph, loss) = model() }))
    let definition = graph.definition
    var explanation: Explanation?
    steps.append(
      (
        "explain",
        try milliseconds(runs: 1) {
          let made = try Explanation(graph: definition, loss: loss.value, freezing: freezing)
          explanation = made
          _ = made.status
          _ = made.lint()
        }
      ))
    steps.append(
      (
        "freeze and compile",
        try milliseconds(runs: 1) {
          _ = try Compiler.compile(
            CompilationRequest(
              graph: definition, fetches: [],
              training: .init(loss: loss.value, optimizer: SGD(learningRate: 0.1)), freezing: freezing))
        }
      ))
    let frozen = Set(explanation?.status.variables.filter { $0.status == .frozen }.map(\.name) ?? [])
    var drawings: [String] = []
    steps.append(
      (
        "draw all and collapsed",
        milliseconds(runs: 1) {
          drawings = [Int.max, 2].map { definition.dot(DOTOptions(depth: $0, frozen: frozen)) }
        }
      ))
    for (name, time) in steps { print(column(time), name) }
    print(column(steps.reduce(0) { $0 + $1.1 }), "in all, \(definition.nodes.count) nodes,")
    print(
      "             drawn in", drawings.map { "\($0.utf8.count)" }.joined(separator: " and "), "bytes of DOT")
  }

  static func model() -> (Graph, Tensor) {
    let graph = Graph()
    let logits = ResNet(.resNet50)(graph.placeholder("images", shape: ["batch", 224, 224, 3]))
    let labels = graph.placeholder("labels", shape: ["batch"], dtype: .i32)
    return (graph, graph.scope("loss") { sparseSoftmaxCrossEntropy(logits: logits, labels: labels).mean() })
  }
}
