/// Where a gradient exists: the values that a target can change without a cut in between, and that in turn change
/// a source the same way.
///
/// The cut is made while marking (a stopped edge is never walked), so nothing behind it is ever visited.
package struct GradientLiveness: Sendable {
  fileprivate let index: ValueIndex
  fileprivate let isLive: [Bool]
  fileprivate let ignoresStops: Bool

  /// Whether an adjoint of `value` is built.
  package func isLive(_ value: Value) -> Bool { isLive[index[value]] }

  /// Whether an edge carries a gradient.
  package func passes(_ edge: FlowGraph.Edge) -> Bool {
    edge.flow.isOpen(ignoringStops: ignoresStops) && isLive[edge.from] && isLive[edge.to]
  }
}

extension FlowGraph {
  /// - Parameters:
  ///   - sources: the values differentiated, such as the loss.
  ///   - targets: the values to differentiate by.
  ///   - ignoringStops: walk through what stops gradients too, to see what it removes.
  package func liveness(
    of sources: [Value], withRespectTo targets: [Value], ignoringStops: Bool = false
  ) -> GradientLiveness {
    let forward = above(targets.map { index[$0] }) { $0.flow.isOpen(ignoringStops: ignoringStops) }
    let live = below(sources.map { index[$0] }.filter { forward[$0] }) {
      forward[$0.from] && $0.flow.isOpen(ignoringStops: ignoringStops)
    }
    return GradientLiveness(index: index, isLive: live, ignoresStops: ignoringStops)
  }

  /// The edges of `graph` that carry gradients by `liveness`, and by `other` do not; in the order of their consumers.
  package func edges(
    of graph: GraphDef, carrying liveness: GradientLiveness, without other: GradientLiveness? = nil
  ) -> [GradientEdge] {
    var result: [GradientEdge] = []
    for (position, node) in graph.nodes.enumerated() {
      // Of several results, any may be the one a gradient comes from.
      var carries = [Bool](repeating: false, count: node.inputs.count)
      var isLeft = carries
      for edge in edges(into: position) {
        if liveness.passes(edge) { carries[edge.operand] = true }
        if other?.passes(edge) == true { isLeft[edge.operand] = true }
      }
      for operand in node.inputs.indices where carries[operand] && !isLeft[operand] {
        let producer = graph.nodes[node.inputs[operand].node].name
        result.append(GradientEdge(consumer: node.name, operand: operand, producer: producer))
      }
    }
    return result
  }
}

extension GradientFlow {
  fileprivate func isOpen(ignoringStops: Bool) -> Bool {
    self == .passes || ignoringStops && self == .stopped
  }
}
