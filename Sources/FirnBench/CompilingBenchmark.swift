import FirnCompiler
import FirnGraph
import FirnNotation
import FirnOps
import FirnTraining

/// Compiling and planning large graphs, pass by pass: what a first run waits for.
enum CompilingBenchmark {
  static func run() throws {
    print("ResNet-50, training   (ms)")
    let (graph, loss) = NetworksBenchmark.model()
    try measure(request(graph, loss), binding: ["batch": 8], runs: 5)
    for count in [10_000, 100_000] { try variables(count) }
    for blocks in [250, 2500, 25_000] { try chain(blocks: blocks) }
  }

  /// Residual blocks of 40 nodes, the first frozen.
  private static func chain(blocks: Int) throws {
    var (graph, loss) = (Graph(), Graph().constant(0))
    let build = milliseconds(runs: 1) { (graph, loss) = AskingBenchmark.model(blocks: blocks) }
    print("\(graph.definition.nodes.count) nodes in \(blocks) blocks   (ms)")
    print(column(build), "build")
    try measure(request(graph, loss, freezing: "block_0"), binding: ["batch": 8])
  }

  /// Scalars, a hundred in a scope.
  private static func variables(_ count: Int) throws {
    print("\(count) scalar variables in \(count / 100) scopes   (ms)")
    var (graph, sum) = (Graph(), Graph().constant(0))
    let build = milliseconds(runs: 1) {
      graph = Graph()
      sum = graph.placeholder("x", shape: [])
      for scope in 0..<count / 100 {
        sum = graph.scope("scope_\(scope)") {
          (0..<100).reduce(sum) { sum, number in sum * graph.variable("v_\(number)", shape: []) }
        }
      }
    }
    print(column(build), "build")
    let definition = graph.definition
    let text = definition.variables.map(\.name).joined(separator: " | ")
    var selection: Selection = "scope_0"
    print(column(try milliseconds(runs: 1) { selection = try Selection(text) }), "read \(count) alternatives")
    var found = 0
    let select = try milliseconds(runs: 1) {
      found = try selection.resolve(in: SelectionContext(definition)).count
    }
    print(column(select), "select \(found)")
    print("a fetch")
    try measure(CompilationRequest(graph: definition, fetches: [sum.value]))
    print("training")
    try measure(request(graph, sum, freezing: "scope_0"))
  }

  private static func request(
    _ graph: Graph, _ loss: Tensor, freezing: Selection? = nil
  ) -> CompilationRequest {
    CompilationRequest(
      graph: graph.definition, fetches: [],
      training: .init(loss: loss.value, optimizer: SGD(learningRate: 0.1)), freezing: freezing)
  }

  private static func measure(
    _ request: CompilationRequest, binding: DimBinding = [:], runs: Int = 1
  ) throws {
    var compilation: Compilation?
    var history: [PassRecord] = []
    let compile = try milliseconds(runs: runs) {
      let made = try Compiler.compile(request)
      compilation = made
      history = made.context.history
    }
    print(column(compile), "compile, of which")
    for record in history {
      print(
        column(milliseconds(record.duration), width: 16), record.pass,
        record.isChange ? "\(record.nodesBefore) -> \(record.nodesAfter)" : "")
    }
    let passes = history.reduce(0) { $0 + milliseconds($1.duration) }
    if runs == 1 { print(column(compile - passes, width: 16), "between passes") }
    guard let compilation else { return }
    var bound = compilation.graph
    let bind = milliseconds(runs: runs) { bound = compilation.graph.mapping(.binding(binding)) }
    print(column(bind), "bind")
    print(column(try milliseconds(runs: runs) { _ = try Plan(bound, workers: 2) }), "plan")
  }

  private static func milliseconds(_ duration: Duration) -> Double {
    let (seconds, attoseconds) = duration.components
    return Double(seconds) * 1e3 + Double(attoseconds) / 1e15
  }

  private static func milliseconds(runs: Int, _ body: () throws -> Void) rethrows -> Double {
    try FirnBench.milliseconds(runs: runs, body)
  }
}
