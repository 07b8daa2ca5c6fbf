import FirnCompiler
import FirnGraph
import FirnNotation
import FirnOps
import FirnRuntime
import FirnTraining

/// Compiling and planning large graphs, pass by pass: what a first run waits for.
enum CompilingBenchmark {
  static func run() throws {
    print("ResNet-50, training   (ms)")
    let (graph, loss) = NetworksBenchmark.model()
    try measure(request(graph, loss, SGD(learningRate: 0.1)), binding: ["batch": 8], runs: 5)
    for blocks in [250, 2500] { try chain(blocks: blocks) }
  }

  /// A graph of nearly a million nodes.
  static func runMillion() throws { try chain(blocks: 25_000) }

  static func runVariables() throws {
    for count in [10_000, 100_000] { try variables(count) }
  }

  /// Residual blocks of 40 nodes, the first frozen.
  private static func chain(blocks: Int) throws {
    var (graph, loss) = (Graph(), Graph().constant(0))
    let build = milliseconds(runs: 1) { (graph, loss) = AskingBenchmark.model(blocks: blocks) }
    print("\(graph.definition.nodes.count) nodes in \(blocks) blocks   (ms)")
    print(column(build), "build")
    try measure(request(graph, loss, SGD(learningRate: 0.1), freezing: "block_0"), binding: ["batch": 8])
    try run(graph, loss, SGD(learningRate: 0.1), feeding: ["x": try NDArray(zeros: [8, 16])])
  }

  /// Scalars, a hundred in a scope; no two are added up alike.
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
    print("training, gradient descent")
    try measure(request(graph, sum, SGD(learningRate: 0.1), freezing: "scope_0"))
    print("training, Adam on all")
    try measure(request(graph, sum, Adam()))
    try run(graph, sum, Adam(), feeding: ["x": try NDArray(zeros: [])])
  }

  /// What a user waits for who opens a session on the graph and makes a step.
  private static func run(
    _ graph: Graph, _ loss: Tensor, _ optimizer: any Optimizer, feeding feeds: Feeds
  ) throws {
    var program: Program?
    var session: Session?
    let compile = try milliseconds(runs: 1) {
      let opened = try Session(graph, threads: 2)
      opened.onWarning = { _ in }
      program = try opened.compile(minimizing: loss, with: optimizer)
      session = opened
    }
    guard let program, let session else { return }
    print(column(compile), "open a session and compile")
    print(column(try milliseconds(runs: 1) { _ = try session.run(program, feeding: feeds) }), "first run")
    print(column(try milliseconds(runs: 1) { _ = try session.run(program, feeding: feeds) }), "second run")
  }

  private static func request(
    _ graph: Graph, _ loss: Tensor, _ optimizer: any Optimizer, freezing: Selection? = nil
  ) -> CompilationRequest {
    CompilationRequest(
      graph: graph.definition, fetches: [], training: .init(loss: loss.value, optimizer: optimizer),
      freezing: freezing)
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
    var plan: Plan?
    print(column(try milliseconds(runs: runs) { plan = try Plan(bound, workers: 2) }), "plan")
    guard let plan else { return }
    let ratio = Double(plan.arenaBytes) / Double(max(plan.leastArenaBytes, 1))
    print(column(ratio, digits: 3), "arena over the most that is alive at once")
  }

  private static func milliseconds(_ duration: Duration) -> Double {
    let (seconds, attoseconds) = duration.components
    return Double(seconds) * 1e3 + Double(attoseconds) / 1e15
  }

  private static func milliseconds(runs: Int, _ body: () throws -> Void) rethrows -> Double {
    try FirnBench.milliseconds(runs: runs, body)
  }
}
