import FirnCompiler
import FirnGraph
import FirnNotation
import FirnNN
import FirnOps
import FirnRuntime
import FirnTraining
import Testing

/// Every subset of a model's scopes frozen: what is left is exact, and nothing is built for the rest.
extension FreezingRuleTests {
  /// Every subset of the scopes as a selection; nil for none of them.
  static var subsets: [Selection?] {
    (0..<(1 << NestedModel.scopes.count)).map { bits in
      NestedModel.scopes.enumerated().filter { bits >> $0.offset & 1 == 1 }
        .map { Selection(stringLiteral: $0.element) }
        .reduce(nil) { all, scope in all.map { $0 | scope } ?? scope }
    }
  }

  /// Whether a subset leaves something to train: `starved` never has a gradient.
  private static func leavesSomething(_ model: NestedModel, _ selection: Selection?) throws -> Bool {
    let frozen = Set(try selection?.resolve(in: model.graph.variables).map(\.name) ?? [])
    return model.graph.variables.contains { !frozen.contains($0.name) && $0.scope != "starved/dense" }
  }

  /// To the bit without `fold-frozen`; with it within what `Docs/Numbers.md` says.
  @Test(arguments: ["-fold-frozen", ""])
  func rule03SurvivingGradientsEqualTheUnfrozenOnes(_ passes: String) throws {
    let model = try NestedModel()
    let session = try quietSession(model.graph, passes: passes)
    let variables = try variableTensors(of: model.graph)
    let gradients = model.graph.gradients(of: [model.loss], withRespectTo: variables, unconnected: .none)
    let whole = try session.run(session.compile(fetching: gradients), feeding: model.feeds)
    for (variable, gradient) in zip(variables, gradients) {
      #expect((whole.optional(gradient) == nil) == variable.name.hasPrefix("starved/"), "\(variable.name)")
    }
    for selection in Self.subsets {
      let frozen = Set(try selection?.resolve(in: model.graph.variables).map(\.name) ?? [])
      let program = try session.compile(fetching: gradients, freezing: selection)
      let results = try session.run(program, feeding: model.feeds)
      for (variable, gradient) in zip(variables, gradients) {
        let expected = frozen.contains(variable.name) ? nil : whole.optional(gradient)
        #expect(
          Self.isSame(results.optional(gradient), expected, exactly: !passes.isEmpty),
          "\(variable.name) with \(selection?.description ?? "none")")
      }
    }
  }

  private static func isSame(_ a: NDArray?, _ b: NDArray?, exactly: Bool) -> Bool {
    guard !exactly, let a, let b else { return a == b }
    let scale = b.doubles.map(abs).max() ?? 0
    return a.type == b.type
      && zip(a.doubles, b.doubles).allSatisfy { abs($0 - $1) <= 1e-5 * max(scale, 1e-3) }
  }

  @Test(arguments: ["-fold-frozen", ""])
  func rule03TrainingMovesWhatIsLeftAsIfNothingWereFrozen(_ passes: String) throws {
    let model = try NestedModel()
    let session = try quietSession(model.graph, passes: passes)
    let start = try session.snapshot()
    try session.run(
      session.compile(minimizing: model.loss, with: SGD(learningRate: 0.5)), feeding: model.feeds)
    let whole = try session.everything()
    for selection in Self.subsets where try Self.leavesSomething(model, selection) {
      try session.restore(start)
      let program = try session.compile(
        minimizing: model.loss, with: SGD(learningRate: 0.5), freezing: selection)
      try session.run(program, feeding: model.feeds)
      let trained = Set(program.trained.map(\.name))
      for entry in start.values {
        let expected = trained.contains(entry.name) ? whole[entry.name] : entry.array
        #expect(
          Self.isSame(try session.value(of: entry.name), expected, exactly: !passes.isEmpty),
          "\(entry.name) with \(selection?.description ?? "none")")
      }
    }
  }

  /// Looks at the graph as differentiation leaves it, before any dead code is removed.
  @Test func rule03NothingIsBuiltForTheRest() throws {
    let model = try NestedModel()
    let names = model.graph.variables.map(\.name)
    for selection in Self.subsets where try Self.leavesSomething(model, selection) {
      let frozen = Set(try selection?.resolve(in: model.graph.variables).map(\.name) ?? [])
      let stages = Stages()
      let compilation = try Compiler.compile(
        CompilationRequest(
          graph: model.graph.definition, fetches: [],
          training: .init(loss: model.loss.value, optimizer: Adam()), freezing: selection),
        dump: stages)
      let forward = try #require(
        stages.graphs.first { $0.pass == "resolve-modes" || $0.pass == "extract-requested" }
      )
      .graph
      let expanded = try #require(stages.graphs.last { $0.pass == "expand-gradients" }).graph
      let live = BruteForce(forward).nodes(
        between: names.filter { !frozen.contains($0) }, and: model.loss.name)
      let what = selection?.description ?? "none"
      try expectNothingIdle(expanded, what)
      try expectOnly(live, in: expanded, forward: forward, what)
      #expect(
        compilation.trained == names.filter { live.contains("/" + $0) }, "the brute force disagrees: \(what)")
      let written = compilation.graph.nodes.compactMap { node -> String? in
        if case .writes(let name) = node.op.effect { name } else { nil }
      }
      let slots = compilation.slots.map(\.variable.name)
      #expect(Set(written) == Set(compilation.trained + slots), "\(what)")
      #expect(slots.count == 3 * compilation.trained.count, "\(what)")
    }
  }

  /// Every adjoint is needed by an update.
  private func expectNothingIdle(_ graph: GraphDef, _ what: String) throws {
    var needed = Set(graph.nodes.indices.filter { graph.nodes[$0].phase == .update })
    for position in graph.nodes.indices.reversed() where needed.contains(position) {
      needed.formUnion(graph.nodes[position].inputs.map(\.node))
    }
    let idle = graph.nodes.indices.filter { graph.nodes[$0].phase == .backward && !needed.contains($0) }
    #expect(idle.isEmpty, "freezing \(what): idle are \(idle.map { graph.nodes[$0].name })")
    for position in graph.nodes.indices where graph.nodes[position].phase == .backward {
      guard let body = graph.nestedGraph(of: position) else { continue }
      let inner = Set(body.removingDeadNodes(keepingAssignments: false).nodes.map(\.name))
      let idle = body.nodes.filter { $0.phase == .backward && !inner.contains($0.name) }
      #expect(idle.isEmpty, "freezing \(what): idle in the loop are \(idle.map(\.name))")
    }
  }

  /// Every adjoint belongs to a forward node that lies between the loss and a trained variable.
  private func expectOnly(
    _ live: Set<String>, in graph: GraphDef, forward: GraphDef, _ what: String
  ) throws {
    let request = "gradients"
    var counted = 0
    func check(_ nodes: [Node], forward: GraphDef, path: String) {
      for node in nodes where node.phase == .backward {
        guard let origin = Self.origin(of: node.name, below: request, in: forward) else {
          // What is made for the request itself is the seed: a one, repeated.
          #expect(node.name.hasPrefix(request + "/") && node.inputs.count <= 1, "\(node.name)")
          continue
        }
        counted += 1
        #expect(
          live.contains(path + "/" + origin),
          "freezing \(what): `\(node.name)` is the adjoint of `\(origin)`, through which nothing learns")
      }
    }
    check(graph.nodes, forward: forward, path: "")
    for position in graph.nodes.indices where graph.nodes[position].phase == .backward {
      guard let body = graph.nestedGraph(of: position),
        let loop = Self.origin(of: graph.nodes[position].name, below: request, in: forward),
        let index = forward.index(ofNodeNamed: loop), let original = forward.nestedGraph(of: index)
      else { continue }
      check(body.nodes, forward: original, path: "/" + loop)
    }
    #expect(counted > 0)
  }

  /// The forward node below whose path an adjoint stands.
  private static func origin(of name: String, below request: String, in forward: GraphDef) -> String? {
    guard name.hasPrefix(request + "/") else { return nil }
    let path = String(name.dropFirst(request.count + 1))
    return forward.nodes.map(\.name).filter { path.hasPrefix($0 + "/") }.max { $0.count < $1.count }
  }

  /// A frozen loop keeps nothing for a backward pass that does not exist.
  @Test func rule03FrozenLoopKeepsNothing() throws {
    let model = try NestedModel()
    // What is computed once is another in evaluation, where the head is frozen too.
    let session = try quietSession(model.graph, passes: "-hoist-frozen")
    let inference = try session.compile(fetching: [model.loss])
    let head = try session.compile(
      minimizing: model.loss, with: SGD(learningRate: 0.5), freezing: "encoder | starved")
    let results = { (program: Program) in
      program.graph.nodes.first { $0.name == "encoder/lstm/scan" }?.types.count
    }
    // The state alone, since only the last hidden state is used.
    #expect(results(inference) == 2)
    #expect(results(head) == results(inference))
    let whole = try session.compile(minimizing: model.loss, with: SGD(learningRate: 0.5))
    #expect(results(whole) ?? 0 > results(head) ?? 0)
    #expect(head.cost.nodes(.forward) == inference.cost.nodes(.forward))
  }
}

/// Keeps the graph after every pass.
private final class Stages: StageDump {
  private(set) var graphs: [(pass: String, graph: GraphDef)] = []

  func stage(_ name: String, _ graph: GraphDef, at position: Int) { graphs.append((name, graph)) }
}
