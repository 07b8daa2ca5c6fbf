import FirnCompiler
import FirnGraph
import FirnNotation
import FirnNN
import FirnOps
import FirnRuntime
import FirnTraining
import Testing

/// The rules of freezing, as `Docs/Freezing.md` states them; one test or more for each, named after it.
@Suite struct FreezingRuleTests {
  // MARK: Rule 1

  @Test(arguments: [false, true])
  func rule01LayerBelowFrozenOneLearnsAsIfNothingWereFrozen(lstm: Bool) throws {
    func stepped(freezing: Selection?) throws -> [NDArray] {
      let model = try Chain(lstm: lstm)
      let session = try quietSession(model.graph, passes: "-fold-frozen")
      let program = try session.compile(
        minimizing: model.loss, with: SGD(learningRate: 0.5), freezing: freezing)
      try session.run(program, feeding: model.feeds)
      return try ["lower/kernel", "lower/bias", "upper/kernel"].map { try session.value(of: $0) }
    }
    let whole = try stepped(freezing: nil)
    let partial = try stepped(freezing: "middle")
    let first = try quietSession(Chain(lstm: lstm).graph).value(of: "lower/kernel")
    #expect(!partial[0].isBitwiseEqual(to: first), "the lower layer did not learn")
    for (a, b) in zip(whole, partial) { #expect(a.isBitwiseEqual(to: b), "\(a) is not \(b)") }
  }

  @Test(arguments: [false, true])
  func rule01FrozenVariableHasNoAdjointNode(lstm: Bool) throws {
    let model = try Chain(lstm: lstm)
    let session = try quietSession(model.graph)
    let whole = try session.compile(minimizing: model.loss, with: SGD(learningRate: 0.5))
    let partial = try session.compile(
      minimizing: model.loss, with: SGD(learningRate: 0.5), freezing: "middle")
    // Going through a layer takes one product; each kernel's gradient takes another, of the kernel's own type.
    func products(_ program: Program) -> Int {
      ["matmul", "matmul_add", "matmul_packed"].reduce(0) { $0 + program.graph.count($1, in: .backward) }
    }
    #expect(products(whole) - products(partial) == (lstm ? 2 : 1))
    for variable in model.graph.variables where variable.scope == "middle" {
      let adjoints = partial.graph.allNodes().filter {
        $0.node.phase == .backward && $0.node.types.contains(variable.type)
      }
      #expect(adjoints.isEmpty, "\(adjoints.map(\.path)) have the type of \(variable.name)")
      #expect(!partial.graph.nodes.contains { $0.op.effect == .writes(variable.name) })
    }
  }

  @Test func rule01ExplicitGradientsPassThroughFrozenVariables() throws {
    let model = try Chain(lstm: true)
    let session = try quietSession(model.graph, passes: "-fold-frozen")
    let variables = try variableTensors(of: model.graph)
    let gradients = model.graph.gradients(
      of: [model.loss], withRespectTo: variables, unconnected: .none)
    let whole = try session.run(session.compile(fetching: gradients), feeding: model.feeds)
    let partial = try session.run(
      session.compile(fetching: gradients, freezing: "middle"), feeding: model.feeds)
    for (variable, gradient) in zip(variables, gradients) {
      if variable.name.hasPrefix("middle/") {
        #expect(partial.optional(gradient) == nil)
      } else {
        #expect(try whole[gradient].isBitwiseEqual(to: partial[gradient]), "\(variable.name)")
      }
    }
  }

  // MARK: Rule 2

  /// d(w²·stop(w)) by w, over and over: were the stop forgotten after one differentiation, the second would be 4w.
  @Test func rule02StopGradientCutsAtAllOrders() throws {
    let graph = Graph()
    let w = graph.variable("w", shape: [], dtype: .f64, initializer: .constant(3))
    let y = w * w * stopGradient(w)
    let first = graph.gradients(of: [y], withRespectTo: [w])[0]
    let second = graph.gradients(of: [first], withRespectTo: [w])[0]
    let third = graph.gradients(of: [second], withRespectTo: [w], unconnected: .zero)[0]
    let unsaid = graph.gradients(of: [second], withRespectTo: [w])[0]
    let session = try quietSession(graph)
    for inTrainingMode in [false, true] {
      let program = try session.compile(fetching: [first, second, third], inTrainingMode: inTrainingMode)
      let results = try session.run(program)
      #expect(try results.scalar(first) == 18)
      #expect(try results.scalar(second) == 6)
      #expect(try results.scalar(third) == 0)
    }
    let fault = try error { _ = try session.compile(fetching: [unsaid]) }
    #expect(fault.code == .noGradient)
    #expect(fault.message.contains("`stop_gradient`"))
  }

  @Test func rule02StopGradientCutsInTraining() throws {
    let graph = Graph()
    let w = graph.variable("w", shape: [], initializer: .constant(3))
    let session = try quietSession(graph)
    let program = try session.compile(
      minimizing: w * w * stopGradient(w), with: SGD(learningRate: 0.5))
    try session.run(program)
    #expect(try session.value(of: w).scalar == 3 - 0.5 * 18)
  }

  /// The same recurrence as a loop and written out, first and second order, by the state's start and by the weight.
  @Test func rule02StopGradientCutsInsideLoops() throws {
    let graph = Graph()
    let w = graph.variable("w", shape: [], dtype: .f64, initializer: .constant(0.7))
    let h0 = graph.variable("h", shape: [], dtype: .f64, initializer: .constant(1.3))
    func step(_ h: Tensor) -> Tensor { h * h * w + stopGradient(h * w * w) + w * stopGradient(w) }
    let looped = scan(initial: [h0], length: 3, in: graph) { state in
      ScanResult(carries: [step(state.carries[0])])
    }.carries[0]
    let unrolled = step(step(step(h0)))
    var fetches: [(Tensor, Tensor)] = [(looped, unrolled)]
    for variable in [w, h0] {
      let first = [looped, unrolled].map { graph.gradients(of: [$0], withRespectTo: [variable])[0] }
      fetches.append((first[0], first[1]))
      for other in [w, h0] {
        let second = first.map { graph.gradients(of: [$0], withRespectTo: [other])[0] }
        fetches.append((second[0], second[1]))
      }
    }
    let session = try quietSession(graph)
    let results = try session.run(session.compile(fetching: fetches.flatMap { [$0.0, $0.1] }))
    for (loop, written) in fetches {
      let (a, b) = (try results.scalar(loop), try results.scalar(written))
      #expect(abs(a - b) <= 1e-12 * max(1, abs(b)), "\(loop.name): \(a) is not \(b)")
    }
  }

  /// A stop in a loop that cuts everything cuts everything, and the error names it.
  @Test func rule02StopGradientInsideLoopIsNamed() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["time", 2])
    let w = graph.variable("w", shape: [2])
    let v = graph.variable("v", shape: [2])
    let looped = graph.scope("cell") {
      scan(over: [x], initial: [v]) { step in
        ScanResult(carries: [step.carries[0] * 0.5 + stopGradient(step.slices[0] * w)])
      }.carries[0]
    }
    let gradient = graph.gradients(of: [looped], withRespectTo: [w])[0]
    let session = try quietSession(graph)
    let fault = try error { _ = try session.compile(fetching: [gradient]) }
    #expect(fault.message.contains("`cell/scan/stop_gradient`"), "\(fault)")
    let program = try session.compile(minimizing: looped.sum(), with: SGD(learningRate: 0.1))
    #expect(program.trained.map(\.name) == ["v"])
    let status = try #require(program.status.variables.first { $0.name == "w" })
    #expect(status.status == .cutOff)
    #expect(status.reason.contains("`cell/scan/stop_gradient`"), "\(status.reason)")
    #expect(program.removedGradients.contains { $0.consumer == "cell/scan" && $0.producer == "w" })
    let before = try session.value(of: w)
    try session.run(program, feeding: [x: try noise([3, 2])])
    #expect(try session.value(of: w).isBitwiseEqual(to: before))
  }

  @Test func rule02StopGradientIsANodeOfTextAndDrawing() throws {
    let graph = Graph()
    let w = graph.variable("w", shape: [], dtype: .f64, initializer: .constant(3))
    let v = graph.variable("v", shape: [], dtype: .f64, initializer: .constant(2))
    let stopped = graph.scope("gate") { stopGradient(w * v) }
    let inside = scan(initial: [v], length: 2, in: graph) { step in
      ScanResult(carries: [step.carries[0] + stopGradient(step.carries[0] * w)])
    }.carries[0]
    let gradient = graph.gradients(of: [stopped * v + inside], withRespectTo: [v])[0]
    var definition = graph.definition
    definition.outputs = [gradient.value]
    let text = definition.text
    #expect(text.contains("%gate/stop_gradient = stop_gradient(%gate/mul)"), "\(text)")
    #expect(text.contains("%stop_gradient = stop_gradient(%mul)"), "\(text)")
    let drawing = definition.dot(DOTOptions(depth: .max))
    for node in ["gate/stop_gradient", "scan//stop_gradient"] {
      #expect(drawing.contains("\"\(node)\" [shape=\"octagon\""), "\(node)")
    }

    let read = try GraphDef(parsing: text, catalogue: .standard)
    #expect(read == definition)
    #expect(read.text == text)
    let compiled = try [definition, read].map {
      try Compiler.compile(CompilationRequest(graph: $0, fetches: $0.outputs)).graph
    }
    #expect(compiled[0].text == compiled[1].text)
    #expect(compiled[0] == compiled[1])
  }
}
