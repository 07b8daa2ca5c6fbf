import FirnCompiler
import FirnGraph
import FirnNotation
import FirnOps
import FirnTestSupport
import FirnTraining
import Foundation
import Testing

/// Reports against what is found the slow way.
@Suite struct ExplanationTests {
  /// Blocks of a hundred graphs each.
  @Test(arguments: 0..<6) func statusAndWhyAgreeWithBruteForce(_ block: Int) throws {
    for seed in block * 100..<block * 100 + 100 {
      let model = try RandomScopes(seed: seed)
      let explanation = try model.explanation()
      let graph = model.graph.definition
      let slow = SlowReach(graph: graph)
      let loss = model.loss.value.node
      for entry in explanation.status.variables {
        let isOpen = slow.reaches(entry.name, loss) { slow.isCut($0) }
        let isThere = slow.reaches(entry.name, loss) { _ in false }
        switch entry.status {
        case .trained: #expect(isOpen, "seed \(seed): \(entry.name)")
        case .cutOff: #expect(!isOpen && isThere, "seed \(seed): \(entry.name)")
        case .notUnderLoss, .neverRead: #expect(!isThere, "seed \(seed): \(entry.name)")
        case .frozen: break
        case .trainable, .partly, .state: Issue.record("seed \(seed): \(entry)")
        }
        let connection = try #require(try explanation.why(entry.name).connection)
        #expect(connection.verdict == (isOpen ? .connected : isThere ? .cut : .unconnected))
        try expectPath(connection, to: entry.name, in: graph, loss: loss, seed)
        try expectCut(connection, to: entry.name, slow, loss: loss, seed)
      }
    }
  }

  private func expectPath(
    _ connection: Connection, to name: String, in graph: GraphDef, loss: Int, _ seed: Int
  ) throws {
    guard connection.verdict == .connected else {
      #expect(connection.path.isEmpty)
      return
    }
    let nodes = try connection.path.map { try #require(graph.index(ofNodeNamed: $0.name)) }
    #expect(nodes.first == loss)
    #expect(nodes.last.map { graph.nodes[$0].name } == name)
    for (upper, lower) in zip(nodes, nodes.dropFirst()) {
      let node = graph.nodes[upper]
      let passes = node.inputs.enumerated().contains { operand, input in
        input.node == lower && node.op.gradientFlow(from: operand, to: 0) == .passes
      }
      #expect(passes, "seed \(seed): \(node.name) hands nothing to \(graph.nodes[lower].name)")
    }
    // No shorter one: breadth first over the same edges.
    let slow = SlowReach(graph: graph)
    var layer: Set<Int> = [loss]
    var steps = 0
    while !layer.contains(where: { graph.nodes[$0].name == name }), !layer.isEmpty {
      layer = Set(layer.flatMap { slow.isCut(graph.nodes[$0]) ? [] : graph.nodes[$0].inputs.map(\.node) })
      steps += 1
    }
    #expect(nodes.count == steps + 1, "seed \(seed): \(name)")
  }

  private func expectCut(
    _ connection: Connection, to name: String, _ slow: SlowReach, loss: Int, _ seed: Int
  ) throws {
    guard connection.verdict == .cut else {
      #expect(connection.cuts.isEmpty && connection.opening.isEmpty)
      return
    }
    let cuts = Set(connection.cuts.map(\.node.name))
    #expect(!cuts.isEmpty && cuts.count == connection.cuts.count)
    #expect(
      connection.cuts.allSatisfy { cut in
        slow.graph.index(ofNodeNamed: cut.node.name).map { slow.isCut(slow.graph.nodes[$0]) } ?? false
      })
    #expect(!slow.reaches(name, loss) { cuts.contains($0.name) }, "seed \(seed): \(name) is not cut")
    for open in cuts {
      let rest = cuts.subtracting([open])
      #expect(slow.reaches(name, loss) { rest.contains($0.name) }, "seed \(seed): \(open) is not needed")
    }
    let opened = Set(connection.opening.map(\.node.name))
    #expect(
      slow.reaches(name, loss) { slow.isCut($0) && !opened.contains($0.name) }, "seed \(seed): \(opened)")
  }

  /// With stops held at their values, a variable moves the loss exactly where a gradient would.
  @Test(arguments: 0..<5) func statusAgreesWithDifferences(_ block: Int) throws {
    for seed in block * 100..<block * 100 + 100 {
      let model = try RandomScopes(seed: seed)
      let graph = model.graph.definition
      var evaluator = PlainEvaluator(feeds: ["x": NDArray(scalar: 0.7)])
      for variable in graph.variables {
        evaluator.variables[variable.name] = try variable.initializer.sample(
          ArrayType(.f64, []), seed: 1, name: variable.name)
      }
      let base = try evaluator.values(of: graph)
      var held = graph
      for (position, node) in graph.nodes.enumerated() where node.mnemonic == "stop_gradient" {
        held.nodes[position].op = Constant(try #require(base[Value(position)]))
        held.nodes[position].inputs = []
      }
      for entry in try model.explanation().status.variables where entry.status != .frozen {
        var moved = evaluator
        let value = try #require(evaluator.variables[entry.name]).doubles[0]
        moved.variables[entry.name] = NDArray(scalar: value + 1e-3)
        let loss = try #require(try moved.values(of: held)[model.loss.value]).doubles[0]
        let before = try #require(base[model.loss.value]).doubles[0]
        #expect((loss != before) == (entry.status == .trained), "seed \(seed): \(entry.name)")
      }
    }
  }

  /// Models with loops in loops: what is said to be trained is what compiling trains.
  @Test func statusAgreesWithCompiling() throws {
    var compared = 0
    for seed in 0..<120 {
      let model = RandomModel(seed: seed)
      let freezing: Selection? = seed % 3 == 0 ? "a | d" : nil
      let request = CompilationRequest(
        graph: model.graph.definition, fetches: [],
        training: .init(loss: model.loss.value, optimizer: SGD(learningRate: 0.1)), freezing: freezing)
      let explanation = try Explanation(request)
      let trained = explanation.status.variables.filter { $0.status == .trained }.map(\.name)
      guard let compilation = try? Compiler.compile(request) else {
        #expect(trained.isEmpty, "seed \(seed)")
        continue
      }
      #expect(trained == compilation.trained, "seed \(seed)")
      compared += 1
    }
    #expect(compared > 80)
  }

  /// What only the other mode would read does not learn.
  @Test func modesDecideWhatIsRead() throws {
    let graph = Graph()
    let (loss, names) = graph.scope("s") {
      let (a, b) = (graph.variable("a", shape: [2]), graph.variable("b", shape: [2]))
      return (byMode(training: a * 2, inference: b * 3).sum(), ["s/a", "s/b"])
    }
    func status(freezing: Selection?, keeping: Selection? = nil) throws -> [TrainingStatus] {
      let report = try Explanation(
        graph: graph.definition, loss: loss.value, freezing: freezing, keepingTrainingMode: keeping
      ).status
      return names.compactMap { name in report.variables.first { $0.name == name }?.status }
    }
    #expect(try status(freezing: nil) == [.trained, .notUnderLoss])
    #expect(try status(freezing: "s/b") == [.trained, .frozen])
    #expect(try status(freezing: "s") == [.frozen, .frozen])
    let compiled = try Compiler.compile(
      CompilationRequest(
        graph: graph.definition, fetches: [],
        training: .init(loss: loss.value, optimizer: SGD(learningRate: 0.1))))
    #expect(compiled.trained == ["s/a"])
  }

  /// Also where the selection names a layer without variables besides.
  @Test func scopesAreInTheModeTheyRunIn() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: [4])
    var y = x * graph.variable("head", shape: [4])
    for scope in ["a", "b", "c"] {
      y = graph.scope(scope) { dropout(y * graph.variable("w", shape: [4]), rate: 0.5) }
    }
    let loss = y.sum()
    var request = CompilationRequest(
      graph: graph.definition, fetches: [],
      training: .init(loss: loss.value, optimizer: SGD(learningRate: 0.1)), freezing: "a | b | c")
    request.keepingTrainingMode = "a/dropout | b"
    let modes = try Explanation(request).status.scopes.filter { !$0.path.isEmpty }
    #expect(
      modes.map(\.path) == ["a", "b", "c"] && modes.map(\.mode) == [.inference, .training, .inference])
  }

  @Test func reportsRoundTripThroughJSON() throws {
    let model = RandomModel(seed: 4)
    let explanation = try Explanation(
      graph: model.graph.definition, loss: model.loss.value, optimizer: Adam())
    func expectSame<Report: Codable & Equatable>(_ report: Report) throws {
      let data = try JSONEncoder().encode(report)
      #expect(try JSONDecoder().decode(Report.self, from: data) == report)
    }
    try expectSame(explanation.status)
    try expectSame(explanation.cost())
    try expectSame(explanation.lint(loaded: []))
    try expectSame(try explanation.why("a"))
    try expectSame(try Explanation.difference(explanation, explanation))
  }
}
