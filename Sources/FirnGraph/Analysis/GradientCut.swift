/// Why no gradient reaches a target: the edges where every path to it ends.
package struct GradientCut: Sendable {
  /// Names of `stop_gradient` nodes on paths between the target and a source.
  package var stops: [String] = []
  /// Nodes on such paths that have no derivative.
  package var barriers: [String] = []
  /// Whether some path of any kind connects the two.
  package var isConnected = false
  /// Whether some path has derivatives all along, if only zero ones.
  package var isZero = false

  package init(_ graph: GraphDef, of sources: [Value], withRespectTo target: Value, stopping: [Value] = []) {
    var below: Set<Int> = []
    var pending = sources.map(\.node)
    while let node = pending.popLast() {
      if below.insert(node).inserted { pending += graph.nodes[node].inputs.map(\.node) }
    }
    let stopped = Set(stopping)
    var reached: Set<Value> = [target]
    var differentiable: Set<Value> = [target]
    for (position, node) in graph.nodes.enumerated() where below.contains(position) {
      for result in node.types.indices {
        for (operand, input) in node.inputs.enumerated() where reached.contains(input) {
          let value = Value(position, result)
          switch node.op.gradientFlow(from: operand, to: result) {
          case .passes, .zero:
            reached.insert(value)
            if differentiable.contains(input), !stopped.contains(value) { differentiable.insert(value) }
          case .stopped:
            if differentiable.contains(input) {
              stops += node.stops(from: operand, to: result).filter { !stops.contains($0) }
            }
            reached.insert(value)
          case .notDifferentiable:
            if differentiable.contains(input), !barriers.contains(node.name) { barriers.append(node.name) }
            reached.insert(value)
          }
        }
      }
    }
    isConnected = sources.contains { reached.contains($0) }
    isZero = sources.contains { differentiable.contains($0) }
  }

  /// One line for an error's message.
  package var explanation: String {
    if !stops.isEmpty { return "every path is cut by " + Self.list(stops, "stop_gradient") }
    if !barriers.isEmpty {
      return "every path runs through " + Self.list(barriers, "an op without derivative:")
    }
    return isConnected
      ? "every path is held constant by `stopping:`" : "nothing that is differentiated reads it"
  }

  private static func list(_ names: [String], _ what: String) -> String {
    what + " " + names.map { "`\($0)`" }.joined(separator: ", ")
  }
}
