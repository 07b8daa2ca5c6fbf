import FirnCompiler
import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
import FirnRuntime
import FirnTraining
import Testing

/// One limit for all that lies in one another: met it works, built, printed, read and drawn; one above is an error.
@Suite struct NestingTests {
  private func scopes(_ depth: Int, in graph: Graph, _ body: () -> Void) {
    if depth == 0 { body() } else { graph.scope("s") { scopes(depth - 1, in: graph, body) } }
  }

  private func loops(_ depth: Int, over x: Tensor, recomputing: Bool = false) -> Tensor {
    if depth == 0 { return x * 2 }
    return scan(initial: [x], length: 1, recomputation: recomputing ? .every(1) : .none) { step in
      ScanResult(carries: [loops(depth - 1, over: step.carries[0])])
    }.carries[0]
  }

  /// Printed, read again, drawn, compiled for training and printed once more.
  private func useUp(_ graph: Graph, minimizing loss: Tensor? = nil) throws {
    let text = graph.definition.text
    let read = try GraphDef(parsing: text, catalogue: .standard)
    #expect(read.text == text)
    #expect(!read.dot(DOTOptions(depth: .max)).isEmpty)
    let session = try quietSession(graph)
    let program =
      if let loss { try session.compile(minimizing: loss, with: SGD(learningRate: 1)) } else {
        try session.compile(fetching: [])
      }
    try session.run(program)
    _ = (program.cost.description, program.status.description)
    #expect(try GraphDef(parsing: program.graph.text, catalogue: .standard).text == program.graph.text)
  }

  @Test(arguments: [64, 65, 400]) func scopesNest(_ depth: Int) throws {
    let graph = Graph()
    var loss: Tensor?
    scopes(depth, in: graph) { loss = graph.variable("v", shape: []) * 2 }
    guard depth > 64 else { return try useUp(graph, minimizing: loss) }
    let fault = try error { try graph.validate() }
    #expect(fault.code == .invalidArgument && fault.message.contains("64 scopes deep"), "\(fault)")
    #expect(fault.causes.isEmpty)
  }

  @Test func longPathsAreRefusedToo() throws {
    let path = Array(repeating: "s", count: 66).joined(separator: "/")
    for build: (Graph) -> Tensor in [
      { $0.variable(path, shape: []) }, { $0.placeholder(path, shape: []) },
      { identity($0.constant(1), name: path) },
      { graph in graph.scope(path) { graph.constant(1) } },
    ] {
      let graph = Graph()
      _ = build(graph)
      let fault = try error { try graph.validate() }
      #expect(fault.message.contains("64 scopes deep"), "\(fault)")
    }
    let text = "firn 1\n\n%\(path) = placeholder() {dtype = f32, shape = []} : f32[]\n"
    let fault = try error { _ = try GraphDef(parsing: text, catalogue: .standard) }
    #expect(fault.message.contains("64 scopes deep"), "\(fault)")
  }

  @Test(arguments: [(64, false), (65, false), (64, true), (300, false)])
  func loopsNest(_ depth: Int, _ recomputing: Bool) throws {
    let graph = Graph()
    let loss = loops(
      depth, over: graph.variable("v", shape: [], initializer: .ones), recomputing: recomputing)
    guard depth > 64 || recomputing else { return try useUp(graph, minimizing: loss) }
    let fault = try error { try graph.validate() }
    #expect(fault.description.contains("64 loops"), "\(fault)")
    #expect(fault.constraint == "C8" || fault.causes.first?.constraint == "C8", "\(fault)")
  }

  @Test(arguments: [64, 65]) func loopsInTextNest(_ depth: Int) throws {
    let head = "carries = 0, slices = 0, captures = 0, length = 1, reversed = false, body = "
    let text =
      "firn 1\n\n" + (0..<depth).map { _ in "%l:0 = scan() {\(head){\n" }.joined()
      + (0..<depth).map { _ in "}} : ()\n" }.joined()
    if depth <= 64 {
      #expect(try GraphDef(parsing: text, catalogue: .standard).nodes.count == 1)
    } else {
      let fault = try error { _ = try GraphDef(parsing: text, catalogue: .standard) }
      #expect(fault.message.contains("64 deep"), "\(fault)")
    }
  }

  @Test(arguments: [64, 65, 1_000]) func schedulesNest(_ depth: Int) throws {
    var schedule = Schedule.constant(0.5)
    for _ in 1..<depth { schedule = .warmUp(over: 1, then: schedule) }
    #expect(schedule.rate(at: depth) == 0.5 && schedule.rate(at: 0) == 0.5)
    #expect(schedule.description.hasPrefix("0.5, warmed up over 1"))
    let bench = try Workbench()
    guard depth > 64 else {
      _ = try bench.session.compile(minimizing: bench.loss, with: SGD(learningRate: schedule))
      return
    }
    let fault = try error {
      _ = try bench.session.compile(minimizing: bench.loss, with: SGD(learningRate: schedule))
    }
    #expect(fault.code == .invalidArgument && fault.remedy?.contains("64") == true, "\(fault)")
  }

  @Test func warmUpsOfWarmUpsAreAsTheyWere() {
    let inner = Schedule.warmUp(over: 4, then: .steps(initial: 1, factor: 0.5, every: 2))
    let outer = Schedule.warmUp(over: 2, then: inner)
    let wanted = [0.125, 0.25, 0.25, 0.5, 0.75, 1, 1, 1, 0.5]
    #expect(wanted.indices.map { outer.rate(at: $0) } == wanted)
  }
}
