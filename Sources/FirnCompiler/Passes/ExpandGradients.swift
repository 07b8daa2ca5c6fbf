import FirnGraph
import FirnOps

extension Compiler {
  /// `expand-gradients`: replaces each `gradients` request by the adjoint nodes it asks for, innermost request first.
  ///
  /// Reverse accumulation (Griewank & Walther, *Evaluating Derivatives*, 2008, section 3.2) over the values that
  /// `FlowGraph.liveness` marks; the rule of each op is in the op's own file, a loop's included. Requests in the body of
  /// a loop are expanded there, before anything asks for gradients through the loop.
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
  package static let expandGradients = Pass("expand-gradients", isRequired: true, isIdempotent: true) {
    graph, context throws(FirnError) in
    var found: [Int: String] = [:]
    let result = try graph.expandingGradients(context, &found) { _ in nil }
    context.rowGradients.merge(found) { $1 }
    return result
  }
}

extension GraphDef {
  /// - Parameters:
  ///   - found: gains, by result of the objectives' requests, the names of gradients that are rows added into zeros.
  ///   - reads: of a loop's body, the variable that an input stands for; nil where it stands for something else.
  fileprivate func expandingGradients(
    _ context: CompilationContext, _ found: inout [Int: String], _ reads: (LoopInput) -> String?
  ) throws(FirnError) -> GraphDef {
    try rewritten { rewriter, position throws(FirnError) in
      try requireGradients(of: position, in: rewriter)
      if nodes[position].traits.isDisjoint(with: .requesting) { return }
      let node = nodes[position]
      if node.gradientRequest != nil {
        try expand(position, context, &found, reads, in: &rewriter)
      } else if let loop = node.loop, loop.body.hasGradientRequests {
        let body: GraphDef
        do throws(FirnError) {
          var none: [Int: String] = [:]
          body = try loop.body.expandingGradients(context, &none) { input in
            guard input.kind == .capture, let operand = loop.operand(of: input) else { return nil }
            return variable(readBy: nodes[node.inputs[operand].node], reads)
          }
        } catch {
          var error = error
          error.place = error.place.map { Path.joined(node.name, $0) }
          throw error
        }
        if let absent = body.outputs.map({ body.nodes[$0.node] }).first(where: \.isAbsentGradient) {
          throw FirnError(
            .noGradient, "the body of `\(node.name)` returns a gradient that does not exist",
            remedy: "ask for it with `unconnected: .zero`", place: Path.joined(node.name, absent.name),
            location: node.location)
        }
        rewriter.keep(position, as: loop.with(body: body))
      }
    }
  }

  /// The variable whose value a node is, inside a loop too.
  private func variable(readBy node: Node, _ reads: (LoopInput) -> String?) -> String? {
    if case .reads(let name) = node.op.effect { return name }
    return node.loopInput.flatMap(reads)
  }

  /// Puts the adjoint nodes in the place of the request at `position`; requests before it are expanded by now.
  fileprivate func expand(
    _ position: Int, _ context: CompilationContext, _ found: inout [Int: String],
    _ reads: (LoopInput) -> String?, in rewriter: inout GraphRewriter
  ) throws(FirnError) {
    let node = nodes[position]
    guard let op = node.gradientRequest else { firnBug("expand-gradients", "`\(node.name)` is no request") }
    let builder = rewriter.graph
    let operands = node.inputs.map { rewriter($0) }
    let sources = Array(operands[op.sourceRange])
    let targets = Array(operands[op.targetRange])
    let stops = Array(operands[op.stopRange])
    let made = builder.nodes.count
    let seeds = builder.section(node.name, phase: .backward) {
      var given = operands[op.seedRange].map { Tensor(builder, $0) }[...]
      return zip(sources, op.seeded).map { source, isSeeded in
        isSeeded ? given.removeFirst() : Tensor.filled(1, type: Tensor(builder, source).type, in: builder)
      }
    }
    func frozenVariable(_ value: Value) -> String? {
      variable(readBy: builder.nodes[value.node], reads).flatMap {
        context.together.isTrained($0) ? nil : $0
      }
    }
    let wanted = targets.filter { frozenVariable($0) == nil }
    let reverse = ReverseMode(prefix: node.name)
    let terms = reverse.adjoints(
      of: sources, seeds: seeds, withRespectTo: wanted, stopping: stops, in: builder)
    var adjoints: [Value: Tensor] = [:]
    for (target, adjoint) in zip(wanted, terms) { adjoints[target] = adjoint }

    let absent = targets.filter { adjoints[$0] == nil }
    if !absent.isEmpty {
      let before = GraphDef(nodes: Array(builder.nodes[..<made]), variables: variables)
      let flow = LossFlow(
        before, of: sources, named: node.inputs[op.sourceRange].map { self.name(of: $0) }, holding: stops)
      let (differentiable, ways) = (flow.differentiable, flow.ways)
      for target in absent where adjoints[target] == nil {
        let value = flow.routes.index[target]
        let frozen = frozenVariable(target)
        guard frozen != nil || !ways.isOpen(from: value) else {
          firnBug(
            "expand-gradients", "a gradient passes to `\(before.name(of: target))`, but no rule built it")
        }
        let isMissing = frozen != nil || !differentiable[value]
        if isMissing, op.unconnected == .error {
          let verdicts = try context.verdicts(flow)
          // In a loop's body no read is left to recognise a variable by.
          let decision = before.nodes[target.node].loopInput == nil ? nil : frozen
          let reason =
            decision.map { context.together.decision($0).explanation }
            ?? verdicts.reason(forNoneTo: target)
          throw before.noPath(to: target, reason: reason, request: node)
        }
        let type = before.type(of: target)
        adjoints[target] = builder.section(node.name, phase: .backward) {
          op.unconnected == .none && isMissing
            ? builder.append(AbsentGradient(type: type), [])[0] : Tensor.filled(0, type: type, in: builder)
        }
      }
    }
    let objective = context.gradientRequests.firstIndex(of: node.name)
    let first = objective.map { context.firstGradient(of: $0) }
    for (result, target) in targets.enumerated() {
      guard let adjoint = adjoints[target] else { continue }
      rewriter.replace(Value(position, result), with: adjoint.value)
      if let first, builder.nodes.rowAdditions(in: adjoint.value) != nil {
        found[first + result] = builder.nodes[adjoint.value.node].name
      }
    }
    if targets.isEmpty { rewriter.drop(position) }
    try builder.validate()
  }

  /// - Throws: where the node at `position` computes with a gradient that does not exist.
  fileprivate func requireGradients(
    of position: Int, in rewriter: GraphRewriter
  ) throws(FirnError) {
    for operand in nodes[position].inputs.indices {
      let place = rewriter(nodes[position].inputs[operand]).node
      guard rewriter.nodes[place].isAbsentGradient else { continue }
      let node = nodes[position]
      throw FirnError(
        .noGradient, "`\(node.name)` computes with a gradient that does not exist",
        remedy: "ask for it with `unconnected: .zero`", place: rewriter.nodes[place].name,
        location: node.location)
    }
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
