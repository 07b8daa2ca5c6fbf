package import FirnGraph

/// Reverse mode through a loop is a loop the other way.
///
/// The body is differentiated like any graph; its adjoint nodes become the body of a second scan that visits the
/// positions in the opposite order. What they read of the forward body decides what is kept: slices and captures are
/// there already, what does not vary from step to step is computed again, and the rest is stacked by the forward loop,
/// which is widened to return it. So nothing is kept that no live adjoint reads.
extension Scan {
  package func gradient(_ context: GradientContext) -> [Tensor?] {
    let wanted = context.wants.indices.filter { context.wants[$0] }
    let given = context.cotangents.indices.filter { context.cotangents[$0] != nil }
    func isReached(_ result: Int) -> Bool { wanted.contains { flow(from: $0, to: result) } }
    let active = carryRange.filter { carry in
      isReached(carry) && given.contains { flow(from: carry, to: $0) }
    }
    let outputs = given.filter { $0 >= carries && isReached($0) }

    let graph = Graph(resuming: body)
    let forwardCount = body.nodes.count
    func type(_ result: Int) -> TensorType { body.type(of: body.outputs[result]) }
    let seeds =
      active.enumerated().map { graph.loopInput(.carry, $0, type: type($1), name: "adjoint_carry_\($1)") }
      + outputs.enumerated().map { graph.loopInput(.slice, $0, type: type($1), name: "adjoint_output_\($1)") }
    let parameters = parameterValues
    let targets =
      active.filter { parameters[$0] != nil } + wanted.filter { $0 >= carries && parameters[$0] != nil }
    let adjoints = context.differentiator.adjoints(
      of: (active + outputs).map { body.outputs[$0] }, seeds: seeds,
      withRespectTo: targets.compactMap { parameters[$0] }, stopping: [], in: graph)
    var adjoint: [Int: Tensor] = [:]
    for (target, tensor) in zip(targets, adjoints) { adjoint[target] = tensor }

    let captured = wanted.filter { captureRange.contains($0) && adjoint[$0] != nil }
    let sliced = wanted.filter { sliceRange.contains($0) && adjoint[$0] != nil }
    func beside(_ operand: Int, _ body: () -> Tensor) -> Tensor {
      let name = parameters[operand].map { graph.nodes[$0.node].name } ?? "carry_\(operand)"
      return graph.section(Path.joined(context.differentiator.prefix, name), phase: .backward, body)
    }
    var nextCarries: [Tensor] = active.map { carry in
      adjoint[carry] ?? beside(carry) { .filled(0, type: type(carry), in: graph) }
    }
    for (offset, capture) in captured.enumerated() {
      guard let step = adjoint[capture] else { continue }
      let total = graph.loopInput(.carry, active.count + offset, type: step.type, name: "total_\(offset)")
      nextCarries.append(beside(capture) { total + step })
    }
    var loop = BackwardLoop(scan: self, context: context, graph: graph, forwardCount: forwardCount)
    let backwardBody = loop.body(
      outputs: nextCarries + sliced.compactMap { adjoint[$0] }, seedSlices: outputs.count)

    let initial =
      active.map { context.cotangents[$0] ?? .filled(0, type: context.operands[$0].type, in: context.graph) }
      + captured.map { .filled(0, type: context.operands[$0].type, in: context.graph) }
    let seedSlices = outputs.compactMap { context.cotangents[$0] }
    loop.widenForward()
    let sequences = seedSlices + loop.sliceOperands
    let backward = Scan(
      body: backwardBody, carries: initial.count, slices: sequences.count,
      captures: loop.captureOperands.count,
      length: length, isReversed: !isReversed, recomputes: recomputes)
    let results = Graph.apply(
      backward, to: initial + sequences + loop.captureOperands, results: initial.count + sliced.count)

    var answer = [Tensor?](repeating: nil, count: operandCount)
    for (offset, carry) in active.enumerated() where context.wants[carry] { answer[carry] = results[offset] }
    for (offset, capture) in captured.enumerated() { answer[capture] = results[active.count + offset] }
    for (offset, slice) in sliced.enumerated() { answer[slice] = results[initial.count + offset] }
    return answer
  }

  private func flow(from operand: Int, to result: Int) -> Bool {
    gradientFlow(from: operand, to: result) == .passes
  }

  /// For each operand, its parameter in the body; nil where the body does not use it.
  private var parameterValues: [Value?] {
    var result = [Value?](repeating: nil, count: operandCount)
    for (position, node) in body.nodes.enumerated() {
      if let parameter = node.op as? LoopInput, let operand = operand(of: parameter) {
        result[operand] = Value(position)
      }
    }
    return result
  }
}

/// Separates the adjoint nodes of a differentiated body from the forward ones.
private struct BackwardLoop {
  let scan: Scan
  let context: GradientContext
  /// The forward body followed by its adjoint nodes.
  let graph: Graph
  let forwardCount: Int
  /// Operands of the backward loop beyond the adjoints of outputs.
  private(set) var sliceOperands: [Tensor] = []
  private(set) var captureOperands: [Tensor] = []

  /// Forward values to be stacked, and where each will be among the widened results.
  private var kept: [Value] = []
  private var seedSlices = 0
  private let target = Graph()
  private var mapped: [Value: Value] = [:]
  private let invariant: DependenceAnalysis

  init(scan: Scan, context: GradientContext, graph: Graph, forwardCount: Int) {
    self.scan = scan
    self.context = context
    self.graph = graph
    self.forwardCount = forwardCount
    invariant = DependenceAnalysis(
      GraphDef(nodes: Array(graph.nodes.prefix(forwardCount))),
      loopInputs: { ($0.op as? LoopInput)?.kind == .capture ? [] : .step })
  }

  /// The body of the backward loop: what `outputs` needs, with forward values replaced by parameters.
  mutating func body(outputs: [Tensor], seedSlices: Int) -> GraphDef {
    self.seedSlices = seedSlices
    var needed: Set<Int> = []
    var pending = outputs.map(\.value.node)
    while let node = pending.popLast() {
      guard node >= forwardCount, needed.insert(node).inserted else { continue }
      pending += graph.nodes[node].inputs.map(\.node)
    }
    for position in needed.sorted() { copy(position) }
    let values = outputs.map { resolve($0.value) }
    var definition = target.definition
    definition.outputs = values
    return definition
  }

  private mutating func copy(_ position: Int) {
    var node = graph.nodes[position]
    node.inputs = node.inputs.map { resolve($0) }
    let copy = target.adopt(node)
    for result in node.types.indices { mapped[Value(position, result)] = Value(copy, result) }
  }

  /// The value in the backward body that stands for `value` of the differentiated one.
  private mutating func resolve(_ value: Value) -> Value {
    if let known = mapped[value] { return known }
    guard value.node < forwardCount else {
      firnBug("scan gradient", "an adjoint was used before it was copied")
    }
    let node = graph.nodes[value.node]
    let result: Value
    if let parameter = node.op as? LoopInput {
      switch parameter.kind {
      case .index:
        result = target.loopInput(.index, 0, type: parameter.type, name: node.name).value
      case .slice:
        result = slice(context.operands[scan.carries + parameter.position], named: node.name)
      case .capture:
        let operand = scan.captureRange.lowerBound + parameter.position
        let position = captureOperands.count
        captureOperands.append(context.operands[operand])
        result = target.loopInput(.capture, position, type: parameter.type, name: node.name).value
      case .carry:
        result = keep(value)
      }
    } else if !scan.recomputes, node.types.indices.contains(where: { varies(Value(value.node, $0)) }) {
      result = keep(value)
    } else {
      copy(value.node)
      return mapped[value] ?? value
    }
    mapped[value] = result
    return result
  }

  private func varies(_ value: Value) -> Bool { invariant[value].contains(.step) }

  private mutating func slice(_ operand: Tensor, named name: String) -> Value {
    let position = seedSlices + sliceOperands.count
    sliceOperands.append(operand)
    let type = TensorType(operand.dtype, operand.shape.removing([0]))
    return target.loopInput(.slice, position, type: type, name: name).value
  }

  /// Has the forward loop stack `value`, unless it does already.
  private mutating func keep(_ value: Value) -> Value {
    let body = scan.body
    let existing = body.outputs.indices.first { $0 >= scan.carries && body.outputs[$0] == value }
    let result: Int
    if let existing {
      result = existing
    } else {
      result = body.outputs.count + kept.count
      kept.append(value)
    }
    let inner = graph.nodes[value.node].types[value.result]
    let position = seedSlices + sliceOperands.count
    sliceOperands.append(Tensor(context.graph, Value(context.node, result)))
    return target.loopInput(.slice, position, type: inner, name: graph.nodes[value.node].name).value
  }

  /// Gives the forward loop the results that were asked for.
  func widenForward() {
    let nodes = Array(graph.nodes.prefix(forwardCount))
    let body = GraphDef(nodes: nodes, outputs: scan.body.outputs + kept)
    let types = body.outputs.dropFirst(scan.carries).map { output in
      let type = body.type(of: output)
      return TensorType(type.dtype, Shape([scan.length] + type.shape.dimensions))
    }
    let carries = scan.carryRange.map { context.operands[$0].type }
    var node = context.graph.nodes[context.node]
    (node.op, node.types) = (scan.with(body: body), carries + types)
    context.graph.replace(at: context.node, with: node)
  }
}
