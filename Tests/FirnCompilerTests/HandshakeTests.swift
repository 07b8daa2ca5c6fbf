import FirnCompiler
import FirnGraph
import FirnNotation
import FirnOps
import FirnTraining
import Testing

/// What one pass leaves for another is carried by name, and where it is not there that is a bug of Firn's, said aloud: a
/// program that trains nothing would look like one that learns badly.
@Suite struct HandshakeTests {
  private static let text =
    header + """
      variable w : f32[2] {kind = "parameter", role = "", trainable = true, initializer = ["constant", 1.0]}
      %w = read() {variable = "w", dtype = f32, shape = [2]} : f32[2]
      %y = exp(%w) : f32[2]
      %loss = reduce_sum(%y) {axes = [0], keeps_axes = false} : f32[]
      return %y, %loss
      """

  /// A training request that fetches a value besides the loss.
  private static func request() throws -> CompilationRequest {
    let graph = try parsed(text)
    return CompilationRequest(
      graph: graph, fetches: [graph.outputs[0]],
      training: .init(loss: graph.outputs[1], optimizer: SGD(learningRate: 0.5)))
  }

  private static func compile(_ pipeline: [Pass]) throws -> Compilation {
    try Compiler.compile(request(), pipeline: pipeline)
  }

  private static func pipeline(without name: String) -> [Pass] {
    Compiler.pipeline.filter { $0.name != name }
  }

  /// The pipeline with `pass` right after the first one called `name`.
  private static func pipeline(_ pass: Pass, after name: String) -> [Pass] {
    var passes = Compiler.pipeline
    guard let position = passes.firstIndex(where: { $0.name == name }) else { return [] }
    passes.insert(pass, at: position + 1)
    return passes
  }

  private func expectBug(_ text: String, in result: ExitTest.Result?) {
    let printed = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(printed.contains(text), "\(printed)")
  }

  // MARK: What must not matter

  /// The request for gradients need not be the last node.
  @Test func nodesBehindTheRequestDoNotMatter() throws {
    let behind = Pass("add-behind") { graph, _ throws(FirnError) in
      try graph.extended(phase: .forward) { builder in _ = exp(Tensor(builder, graph.outputs[0])) }
    }
    let plain = try Self.compile(Compiler.pipeline)
    let other = try Self.compile(Self.pipeline(behind, after: "prune-gradients"))
    #expect(other.graph.text == plain.graph.text)
    #expect(plain.graph.writtenVariables == ["w"])
  }

  /// Passes between may number nodes anew.
  @Test func renumberingDoesNotMatter() throws {
    let shift = Pass("shift") { graph, _ throws(FirnError) in
      var rewriter = GraphRewriter(graph)
      let model = graph.nodes[0]
      _ = rewriter.emit(Constant(NDArray(scalar: 1)), [], named: "shift", like: model)
      for position in graph.nodes.indices { rewriter.keep(position) }
      return rewriter.finish()
    }
    let plain = try Self.compile(Compiler.pipeline)
    let other = try Self.compile(Self.pipeline(shift, after: "prune-gradients"))
    #expect(other.graph.text == plain.graph.text)
  }

  // MARK: What must not pass

  @Test func anOptimizerWithoutRequestIsABug() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = try Self.compile(Self.pipeline(without: "prune-gradients"))
    }
    expectBug("Firn bug in apply-optimizer", in: result)
  }

  @Test func aRequestThatIsGoneIsABug() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let lose = Pass("lose") { graph, _ throws(FirnError) in
        graph.removingDeadNodes(keepingAssignments: true)
      }
      _ = try Self.compile(Self.pipeline(lose, after: "prune-gradients"))
    }
    expectBug("Firn bug in apply-optimizer: the request for the loss's gradients is not there", in: result)
  }

  @Test func aLossThatIsGoneIsABug() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let lose = Pass("lose") { graph, _ throws(FirnError) in
        var graph = graph
        graph.outputs.removeLast()
        return graph
      }
      _ = try Self.compile(Self.pipeline(lose, after: "resolve-modes"))
    }
    expectBug("Firn bug in lose: 1 outputs are left of 2", in: result)
  }

  @Test func pruningWithoutTheLossIsABug() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      var graph = try Self.request().graph
      graph.outputs.removeLast()
      var context = try CompilationContext(Self.request())
      _ = try Compiler.pruneGradients.run(graph, &context)
    }
    expectBug("Firn bug in prune-gradients: 1 outputs where the objectives have 2", in: result)
  }

  @Test func gradientsLeftUnexpandedAreABug() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = try Self.compile(Self.pipeline(without: "expand-gradients"))
    }
    expectBug("Firn bug in compiler: the request `gradients` was not expanded", in: result)
  }

  @Test func trainingNothingIsABug() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = try Self.compile(Self.pipeline(without: "apply-optimizer"))
    }
    expectBug("Firn bug in compiler: `w` is to be trained, but nothing writes it", in: result)
  }

  @Test func modesLeftUnresolvedAreABug() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let graph = Graph()
      let state = graph.variable("m", shape: [2], kind: .state)
      let x = graph.placeholder("x", shape: [2])
      graph.assign(x, to: state, whenTraining: x)
      let request = CompilationRequest(graph: graph.definition, fetches: [x.value], isTrainingMode: true)
      _ = try Compiler.compile(request, pipeline: Self.pipeline(without: "resolve-modes"))
    }
    expectBug("Firn bug in compiler: the mode of `assign` was not resolved", in: result)
  }
}
