package import FirnGraph

/// Where gradients and rows go through a program.
extension Fused {
  /// By operand and result: a path is as good as its worst edge, and the best path counts.
  static func flow(_ body: GraphDef) -> [[GradientFlow]] {
    let operands = body.nodes.count { $0.fusedInput != nil }
    let edges = FlowGraph(body.nodes)
    var reached = [[GradientFlow]](
      repeating: Array(repeating: .notDifferentiable, count: operands), count: edges.index.count)
    for (position, node) in body.nodes.enumerated() {
      guard let input = node.fusedInput, (0..<operands).contains(input.position),
        input.type.dtype.isFloatingPoint
      else { continue }
      reached[edges.index[Value(position)]][input.position] = .passes
    }
    for edge in edges.edges where edge.flow != .notDifferentiable {
      let incoming = reached[edge.from]
      for source in 0..<operands { reached[edge.to][source].join(incoming[source].followed(by: edge.flow)) }
    }
    return (0..<operands).map { operand in body.outputs.map { reached[edges.index[$0]][operand] } }
  }

  /// Rows of every result along one axis, where rows of all that the body makes keep apart.
  package func rows(along axis: Int, of result: Int, count: Dim, in node: NodeTypes) -> RowRule? {
    guard let rows = ProgramRows(pattern, along: axis), let program = rows.program(of: count, domain: domain)
    else { return nil }
    return RowRule(
      program, operands: inputs.map { rows[Value($0)] ?? nil },
      results: Array(repeating: axis, count: node.results.count))
  }
}

/// Along which axis rows lie in each value of a program's body.
private struct ProgramRows {
  private let body: GraphDef
  private let axis: Int
  private let index: ValueIndex
  /// Nil for what nothing reads, and `.some(nil)` for what is read whole.
  private var known: [Int??]

  /// From the outputs backwards; nil where rows do not keep apart.
  init?(_ body: GraphDef, along axis: Int) {
    self.body = body
    self.axis = axis
    index = ValueIndex(body)
    known = Array(repeating: nil, count: index.count)
    for output in body.outputs {
      guard body.type(of: output).shape.indices.contains(axis), require(axis, of: output) else { return nil }
    }
    for position in body.nodes.indices.reversed() {
      guard visit(position) else { return nil }
    }
  }

  subscript(value: Value) -> Int?? { known[index[value]] }

  private mutating func require(_ rows: Int?, of value: Value) -> Bool {
    if let known = known[index[value]] { return known == rows }
    known[index[value]] = .some(rows)
    return true
  }

  private mutating func visit(_ position: Int) -> Bool {
    let node = body.nodes[position]
    if node.fusedInput != nil { return true }
    let results = node.types.indices.map { known[index[Value(position, $0)]] }
    guard let first = results.firstIndex(where: { $0 != nil }), let wanted = results[first] else {
      return true
    }
    guard let axis = wanted else {
      return results.allSatisfy { $0 == nil || $0 == .some(nil) }
        && node.inputs.allSatisfy { require(nil, of: $0) }
    }
    let types = body.types(round: position)
    guard let rule = node.op.rows(along: axis, of: first, count: types.results[first].shape[axis], in: types)
    else { return false }
    for (result, axis) in rule.results.enumerated() {
      guard require(axis, of: Value(position, result)) else { return false }
    }
    for (input, axis) in zip(node.inputs, rule.operands) {
      guard require(axis, of: input) else { return false }
    }
    return true
  }

  /// The program for so many rows.
  func program(of count: Dim, domain: Shape) -> Fused? {
    var nodes = body.nodes
    guard let extent = body.outputs.first.map({ body.type(of: $0).shape[axis] }) else { return nil }
    var domain = domain
    guard domain.indices.contains(axis), domain[axis] == extent else { return nil }
    domain[axis] = count
    if count == extent { return Fused(body: body, domain: domain) }
    for position in nodes.indices {
      let rows = nodes[position].types.indices.map { known[index[Value(position, $0)]] ?? nil }
      guard let first = rows.firstIndex(where: { $0 != nil }), let axis = rows[first] else { continue }
      var types = nodes[position].types
      for (result, axis) in rows.enumerated() { if let axis { types[result].shape[axis] = count } }
      if let input = nodes[position].fusedInput {
        nodes[position].op = FusedInput(input.position, type: types[0])
      } else {
        guard
          let rule = nodes[position].op.rows(
            along: axis, of: first, count: count, in: body.types(round: position))
        else { return nil }
        nodes[position].op = rule.op
      }
      nodes[position].types = types
    }
    return Fused(body: GraphDef(nodes: nodes, outputs: body.outputs), domain: domain)
  }
}
