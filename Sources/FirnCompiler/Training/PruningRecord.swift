package import FirnGraph

/// Which gradients of a loss exist and which freezing and `stop_gradient` remove.
package struct PruningRecord: Sendable {
  /// Variables whose gradient is built, in creation order.
  package let live: [String]
  /// The nodes that read them.
  package let targets: [Value]
  /// For every other trained variable, why no gradient reaches it.
  package let cuts: [String: GradientCut]
  /// Edges a gradient would take were nothing frozen or stopped, and does not.
  package let removed: [GradientEdge]

  package init(_ graph: GraphDef, of loss: Value, trainability: Trainability) {
    var reads: [(variable: String, value: Value)] = []
    for (position, node) in graph.nodes.enumerated() {
      if case .reads(let name) = node.op.effect { reads.append((name, Value(position))) }
    }
    let trained = reads.filter { trainability.isTrained($0.variable) }
    let liveness = GradientLiveness(graph, of: [loss], withRespectTo: trained.map(\.value))
    let reached = trained.filter { liveness.isLive($0.value) }
    let names = Set(reached.map(\.variable))
    live = graph.variables.map(\.name).filter { names.contains($0) }
    targets = reached.map(\.value)
    var cuts: [String: GradientCut] = [:]
    for read in trained where !names.contains(read.variable) {
      cuts[read.variable] = GradientCut(graph, of: [loss], withRespectTo: read.value)
    }
    self.cuts = cuts
    let parameters = reads.filter { read in
      graph.variable(named: read.variable).map { $0.kind == .parameter && $0.type.dtype.isFloatingPoint }
        ?? false
    }
    let whole = GradientLiveness(
      graph, of: [loss], withRespectTo: parameters.map(\.value), ignoringStops: true)
    let kept = Set(liveness.edges(of: graph))
    removed = whole.edges(of: graph, ignoringStops: true).filter { !kept.contains($0) }
  }
}
