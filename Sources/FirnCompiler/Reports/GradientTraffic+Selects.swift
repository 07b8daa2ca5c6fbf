import FirnGraph
import FirnOps

extension GradientTraffic {
  /// Where `select` may discard NaN or infinity of a value through which a gradient goes: the value's cotangent is 0
  /// there, and 0 times an infinite derivative is NaN.
  func poisonedSelects() -> [Finding] {
    var findings: [Finding] = []
    for (position, node) in graph.nodes.enumerated() where node.phase == .forward {
      if let body = body(of: position) { findings += body.poisonedSelects() }
      guard !node.op.numerics.choices.isEmpty, isAsked[flow.index[Value(position)]] else { continue }
      let poles = poles(behind: node.op.numerics.choices.map { node.inputs[$0] })
      guard !poles.isEmpty else { continue }
      let select = NodePlace(node, in: loops)
      let places = poles.map { NodePlace(graph.nodes[$0], in: loops) }
      findings.append(
        Finding(
          .poisonedSelect,
          "`\(select.path)` discards what \(places.map { "`\($0.path)`" }.joined(separator: ", ")) "
            + "makes of unfit operands, but their gradient is 0 times infinity there: NaN",
          places: [select] + places,
          remedy: "choose the operand as well: `log(select(where: fits, x, otherwise: graph.constant(1)))`"))
    }
    return findings
  }

  /// The nodes, in graph order, behind `values` and elementwise work that gradients pass whose derivative may be
  /// infinite.
  private func poles(behind values: [Value]) -> [Int] {
    var found: [Int] = []
    var seen: Set<Value> = []
    var pending = values
    while let value = pending.popLast() {
      guard varies[flow.index[value]], seen.insert(value).inserted else { continue }
      let node = graph.nodes[value.node]
      let numerics = node.op.numerics
      if numerics.poles.contains(where: { !isGuarded(node.inputs[$0]) }) { found.append(value.node) }
      if numerics.carriesInfinity, numerics.choices.isEmpty { pending += node.inputs }
    }
    return found.sorted()
  }

  /// Whether a value is kept from a pole: chosen, bounded, moved by a constant, or the same in every run.
  private func isGuarded(_ value: Value) -> Bool {
    let node = graph.nodes[value.node]
    if node.inputs.isEmpty { return node.op.effect != .feeds && node.op.effect != .receives }
    if !node.op.numerics.choices.isEmpty || node.isBound || node.isPositive { return true }
    if node.isSum { return node.inputs.contains(where: isConstant) }
    return node.loop == nil && node.inputs.allSatisfy(isGuarded)
  }

  private func isConstant(_ value: Value) -> Bool { ValueView(value, in: graph.nodes).uniform != nil }
}
