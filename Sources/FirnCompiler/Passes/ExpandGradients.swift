import FirnGraph
import FirnOps

extension Compiler {
  /// `expand-gradients`: replaces each `gradients` request by the adjoint nodes it asks for, innermost request first.
  ///
  /// Reverse accumulation (Griewank & Walther, *Evaluating Derivatives*, 2008, section 3.2) over the values that
  /// `GradientLiveness` marks; the rule of each op is in the op's own file, a loop's included.
  ///
  ///     %x = placeholder() {dtype = f32, shape = []} : f32[]
  ///     %y = tanh(%x) : f32[]
  ///     %g = gradients(%y, %x) {seeded = [false], targets = 1, stops = 0, unconnected = "error"} : f32[]
  ///     return %g
  ///
  /// becomes
  ///
  ///     %x = placeholder() {dtype = f32, shape = []} : f32[]
  ///     %y = tanh(%x) : f32[]
  ///     %g/constant = constant() {value = f32[](1.0)} : f32[] @backward
  ///     %g/y/square = square(%y) : f32[] @backward
  ///     %g/y/mul = mul(%g/constant, %g/y/square) : f32[] @backward
  ///     %g/y/sub = sub(%g/constant, %g/y/mul) : f32[] @backward
  ///     return %g/y/sub
  package static let expandGradients = Pass("expand-gradients") { graph, context throws(FirnError) in
    var graph = graph
    while let request = graph.nodes.firstIndex(where: { $0.op is Gradients }) {
      graph = try graph.expanding(request, trainability: context.trainability)
    }
    return graph
  }
}

extension GraphDef {
  fileprivate func expanding(_ position: Int, trainability: Trainability) throws(FirnError) -> GraphDef {
    let node = nodes[position]
    guard let op = node.op as? Gradients else { firnBug("expand-gradients", "`\(node.name)` is no request") }
    let builder = Graph()
    for node in nodes[..<position] { builder.adopt(node) }
    let tensor: (Value) -> Tensor = { Tensor(builder, $0) }
    let sources = Array(node.inputs[op.sourceRange])
    let targets = Array(node.inputs[op.targetRange])
    let stops = Array(node.inputs[op.stopRange])
    let seeds = builder.section(node.name, phase: .backward) {
      var given = node.inputs[op.seedRange].map(tensor)[...]
      return zip(sources, op.seeded).map { source, isSeeded in
        isSeeded ? given.removeFirst() : Tensor.filled(1, type: type(of: source), in: builder)
      }
    }
    let wanted = targets.filter { !isFrozenRead($0, trainability) }
    let reverse = ReverseMode(prefix: node.name)
    let found = reverse.adjoints(
      of: sources, seeds: seeds, withRespectTo: wanted, stopping: stops, in: builder)
    var adjoints: [Value: Tensor] = [:]
    for (target, adjoint) in zip(wanted, found) { adjoints[target] = adjoint }

    let liveness = GradientLiveness(
      GraphDef(nodes: Array(nodes[..<position])), of: sources, withRespectTo: wanted, stopping: stops)
    for target in wanted where adjoints[target] == nil && liveness.isLive(target) {
      firnBug("expand-gradients", "a gradient passes to `\(name(of: target))`, but no rule built it")
    }
    var results: [Value] = []
    for target in targets {
      if let adjoint = adjoints[target] {
        results.append(adjoint.value)
        continue
      }
      let before = GraphDef(nodes: Array(nodes[..<position]))
      let cut = GradientCut(before, of: sources, withRespectTo: target, stopping: stops)
      let frozen = isFrozenRead(target, trainability)
      if op.unconnected == .error, frozen || !cut.isZero {
        throw noPath(to: target, frozen: frozen ? trainability : nil, cut: cut, request: node)
      }
      let zero = builder.section(node.name, phase: .backward) {
        op.unconnected == .none && (frozen || !cut.isZero)
          ? builder.append(AbsentGradient(type: type(of: target)), [])[0]
          : Tensor.filled(0, type: type(of: target), in: builder)
      }
      results.append(zero.value)
    }
    var moved = (0..<position).map { index in nodes[index].types.indices.map { Value(index, $0) } }
    moved.append(results)
    for node in nodes[(position + 1)...] {
      var node = node
      node.inputs = node.inputs.map { moved[$0.node][$0.result] }
      if let absent = node.inputs.first(where: { builder.nodes[$0.node].op is AbsentGradient }) {
        throw FirnError(
          .noGradient, "`\(node.name)` computes with a gradient that does not exist",
          remedy: "ask for it with `unconnected: .zero`", place: builder.nodes[absent.node].name,
          location: node.location)
      }
      let index = builder.adopt(node)
      moved.append(node.types.indices.map { Value(index, $0) })
    }
    try builder.validate()
    var result = builder.definition
    result.variables = variables
    result.outputs = outputs.map { moved[$0.node][$0.result] }
    return result
  }

  private func isFrozenRead(_ value: Value, _ trainability: Trainability) -> Bool {
    guard case .reads(let name) = nodes[value.node].op.effect else { return false }
    return !trainability.isTrained(name)
  }

  private func noPath(to target: Value, frozen: Trainability?, cut: GradientCut, request: Node) -> FirnError {
    let name = self.name(of: target)
    var reason = cut.explanation
    if let frozen, case .reads(let variable) = nodes[target.node].op.effect {
      reason = frozen.decision(variable).explanation
    }
    return FirnError(
      .noGradient, "no gradient reaches `\(name)`: \(reason)",
      remedy: "mend that, or say what it shall be with `unconnected: .zero` or `.none`", place: request.name,
      location: request.location,
      operands: [
        .init(label: "target", name: name, type: type(of: target), location: nodes[target.node].location)
      ])
  }
}
