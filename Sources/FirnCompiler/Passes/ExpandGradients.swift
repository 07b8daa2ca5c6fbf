import FirnGraph
import FirnOps

extension Compiler {
  /// `expand-gradients`: replaces each `gradients` request by the adjoint nodes it asks for, innermost request first.
  ///
  /// Reverse accumulation (Griewank & Walther, *Evaluating Derivatives*, 2008, section 3.2) over the values that
  /// `FlowGraph.liveness` marks; the rule of each op is in the op's own file, a loop's included.
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
  package static let expandGradients = Pass("expand-gradients", isRequired: true) {
    graph, context throws(FirnError) in
    let known = context
    return try graph.rewritten { rewriter, position throws(FirnError) in
      try graph.requireGradients(of: position, in: rewriter)
      if graph.nodes[position].gradientRequest != nil {
        try graph.expand(position, known, in: &rewriter)
      }
    }
  }
}

extension GraphDef {
  /// Puts the adjoint nodes in the place of the request at `position`; requests before it are expanded by now.
  fileprivate func expand(
    _ position: Int, _ context: CompilationContext, in rewriter: inout GraphRewriter
  ) throws(FirnError) {
    let node = nodes[position]
    guard let op = node.gradientRequest else { firnBug("expand-gradients", "`\(node.name)` is no request") }
    let builder = rewriter.graph
    let operands = node.inputs.map { rewriter($0) }
    let sources = Array(operands[op.sourceRange])
    let targets = Array(operands[op.targetRange])
    let stops = Array(operands[op.stopRange])
    let before = GraphDef(nodes: builder.nodes, variables: variables)
    let seeds = builder.section(node.name, phase: .backward) {
      var given = operands[op.seedRange].map { Tensor(builder, $0) }[...]
      return zip(sources, op.seeded).map { source, isSeeded in
        isSeeded ? given.removeFirst() : Tensor.filled(1, type: before.type(of: source), in: builder)
      }
    }
    let wanted = targets.filter { !before.isFrozenRead($0, context.trainability) }
    let reverse = ReverseMode(prefix: node.name)
    let found = reverse.adjoints(
      of: sources, seeds: seeds, withRespectTo: wanted, stopping: stops, in: builder)
    var adjoints: [Value: Tensor] = [:]
    for (target, adjoint) in zip(wanted, found) { adjoints[target] = adjoint }

    let absent = targets.filter { adjoints[$0] == nil }
    if !absent.isEmpty {
      let flow = LossFlow(
        before, of: sources, named: node.inputs[op.sourceRange].map { self.name(of: $0) }, holding: stops)
      let differentiable = flow.differentiable
      for target in absent where adjoints[target] == nil {
        let value = flow.routes.index[target]
        let isFrozen = before.isFrozenRead(target, context.trainability)
        guard isFrozen || !flow.ways.isOpen(from: value) else {
          firnBug(
            "expand-gradients", "a gradient passes to `\(before.name(of: target))`, but no rule built it")
        }
        let isMissing = isFrozen || !differentiable[value]
        if isMissing, op.unconnected == .error {
          let verdicts = try context.verdicts(flow)
          throw before.noPath(to: target, reason: verdicts.reason(forNoneTo: target), request: node)
        }
        let type = before.type(of: target)
        adjoints[target] = builder.section(node.name, phase: .backward) {
          op.unconnected == .none && isMissing
            ? builder.append(AbsentGradient(type: type), [])[0] : Tensor.filled(0, type: type, in: builder)
        }
      }
    }
    for (result, target) in targets.enumerated() {
      guard let adjoint = adjoints[target] else { continue }
      rewriter.replace(Value(position, result), with: adjoint.value)
    }
    if targets.isEmpty { rewriter.drop(position) }
    try builder.validate()
  }

  /// - Throws: where the node at `position` computes with a gradient that does not exist.
  fileprivate func requireGradients(
    of position: Int, in rewriter: GraphRewriter
  ) throws(FirnError) {
    let node = nodes[position]
    let made = rewriter.graph.nodes
    guard let absent = node.inputs.map({ made[rewriter($0).node] }).first(where: \.isAbsentGradient)
    else { return }
    throw FirnError(
      .noGradient, "`\(node.name)` computes with a gradient that does not exist",
      remedy: "ask for it with `unconnected: .zero`", place: absent.name, location: node.location)
  }

  private func isFrozenRead(_ value: Value, _ trainability: Trainability) -> Bool {
    guard case .reads(let name) = nodes[value.node].op.effect else { return false }
    return !trainability.isTrained(name)
  }

  private func noPath(to target: Value, reason: String, request: Node) -> FirnError {
    let name = self.name(of: target)
    return FirnError(
      .noGradient, "no gradient reaches `\(name)`: \(reason)",
      remedy: "mend that, or say what it shall be with `unconnected: .zero` or `.none`", place: request.name,
      location: request.location,
      operands: [
        .init(label: "target", name: name, type: type(of: target), location: nodes[target.node].location)
      ])
  }
}
