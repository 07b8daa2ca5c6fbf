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
  package static let expandGradients = Pass("expand-gradients", isRequired: true) {
    graph, context throws(FirnError) in
    let trainability = context.trainability
    return try graph.rewritten { rewriter, position throws(FirnError) in
      if graph.nodes[position].gradientRequest != nil {
        try graph.expand(position, trainability: trainability, in: &rewriter)
      } else {
        try graph.requireGradients(of: position, in: rewriter)
      }
    }
  }
}

extension GraphDef {
  /// Puts the adjoint nodes in the place of the request at `position`; requests before it are expanded by now.
  fileprivate func expand(
    _ position: Int, trainability: Trainability, in rewriter: inout GraphRewriter
  ) throws(FirnError) {
    let node = nodes[position]
    guard let op = node.gradientRequest else { firnBug("expand-gradients", "`\(node.name)` is no request") }
    let builder = rewriter.graph
    let operands = node.inputs.map { rewriter($0) }
    let sources = Array(operands[op.sourceRange])
    let targets = Array(operands[op.targetRange])
    let stops = Array(operands[op.stopRange])
    let before = GraphDef(nodes: builder.nodes)
    let seeds = builder.section(node.name, phase: .backward) {
      var given = operands[op.seedRange].map { Tensor(builder, $0) }[...]
      return zip(sources, op.seeded).map { source, isSeeded in
        isSeeded ? given.removeFirst() : Tensor.filled(1, type: before.type(of: source), in: builder)
      }
    }
    let wanted = targets.filter { !before.isFrozenRead($0, trainability) }
    let reverse = ReverseMode(prefix: node.name)
    let found = reverse.adjoints(
      of: sources, seeds: seeds, withRespectTo: wanted, stopping: stops, in: builder)
    var adjoints: [Value: Tensor] = [:]
    for (target, adjoint) in zip(wanted, found) { adjoints[target] = adjoint }

    let liveness = GradientLiveness(before, of: sources, withRespectTo: wanted, stopping: stops)
    for target in wanted where adjoints[target] == nil && liveness.isLive(target) {
      firnBug(
        "expand-gradients", "a gradient passes to `\(before.name(of: target))`, but no rule built it")
    }
    for (result, target) in targets.enumerated() {
      if let adjoint = adjoints[target] {
        rewriter.replace(Value(position, result), with: adjoint.value)
      } else {
        let absent = try before.absentGradient(
          of: sources, by: target, stopping: stops, trainability, request: node, op, in: builder)
        rewriter.replace(Value(position, result), with: absent)
      }
    }
    if targets.isEmpty { rewriter.drop(position) }
    try builder.validate()
  }

  /// What stands for a gradient that no path leads to.
  ///
  /// - Throws: why there is none, where the request wants an error.
  private func absentGradient(
    of sources: [Value], by target: Value, stopping stops: [Value], _ trainability: Trainability,
    request node: Node, _ op: Gradients, in builder: Graph
  ) throws(FirnError) -> Value {
    let cut = GradientCut(self, of: sources, withRespectTo: target, stopping: stops)
    let isFrozen = isFrozenRead(target, trainability)
    if op.unconnected == .error, isFrozen || !cut.isZero {
      throw noPath(to: target, frozen: isFrozen ? trainability : nil, cut: cut, request: node)
    }
    let type = type(of: target)
    return builder.section(node.name, phase: .backward) {
      op.unconnected == .none && (isFrozen || !cut.isZero)
        ? builder.append(AbsentGradient(type: type), [])[0] : Tensor.filled(0, type: type, in: builder)
    }.value
  }

  /// - Throws: where the node at `position` computes with a gradient that does not exist.
  fileprivate func requireGradients(
    of position: Int, in rewriter: GraphRewriter
  ) throws(FirnError) {
    let node = nodes[position]
    let made = rewriter.graph.nodes
    guard let absent = node.inputs.map({ made[rewriter($0).node] }).first(where: \.isAbsentGradient) else {
      return
    }
    throw FirnError(
      .noGradient, "`\(node.name)` computes with a gradient that does not exist",
      remedy: "ask for it with `unconnected: .zero`", place: absent.name, location: node.location)
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
