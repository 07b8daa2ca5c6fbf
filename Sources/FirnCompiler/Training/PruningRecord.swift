package import FirnGraph
import FirnOps

/// Which gradients of a loss exist and which freezing and `stop_gradient` remove.
package struct PruningRecord: Sendable {
  /// Variables whose gradient is built, in whole or in part, in creation order.
  package let live: [String]
  /// What of them is trained, in creation order, blocks in theirs.
  package let liveParts: [TrainedPart]
  /// The values to differentiate by: reads of variables, or the slices of them that `split-variables` made.
  package let targets: [Value]
  /// For each target what it is the value of.
  package let targetParts: [TrainedPart]
  /// For every other trained variable, why no gradient reaches it.
  package let cuts: [String: GradientCut]
  /// Edges a gradient would take were nothing frozen or stopped, and does not.
  package let removed: [GradientEdge]

  package init(_ graph: GraphDef, of loss: Value, trainability: Trainability) {
    var reads: [(variable: String, value: Value)] = []
    for (position, node) in graph.nodes.enumerated() {
      if case .reads(let name) = node.op.effect { reads.append((name, Value(position))) }
    }
    let consumers = graph.consumers
    let declared = Dictionary(graph.variables.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    var trained: [(part: TrainedPart, value: Value)] = []
    for read in reads {
      guard let variable = declared[read.variable], let region = trainability.trainedRegion(read.variable)
      else { continue }
      let slices = region.blocks.compactMap { block in
        consumers[read.value.node].first { (graph.nodes[$0].op as? Slice)?.block(of: variable.type) == block }
          .map { (TrainedPart(variable, block: block), Value($0)) }
      }
      // In a graph that was not split, a gradient reaches the whole.
      trained += slices.isEmpty ? [(TrainedPart(variable), read.value)] : slices
    }
    let liveness = GradientLiveness(graph, of: [loss], withRespectTo: trained.map(\.value))
    let reached = trained.filter { liveness.isLive($0.value) }
    let names = Set(reached.map(\.part.variable.name))
    live = graph.variables.map(\.name).filter { names.contains($0) }
    targets = reached.map(\.value)
    targetParts = reached.map(\.part)
    var parts: [String: [TrainedPart]] = [:]
    for part in targetParts where parts[part.variable.name]?.contains(part) != true {
      parts[part.variable.name, default: []].append(part)
    }
    liveParts = live.flatMap { parts[$0] ?? [] }
    var cuts: [String: GradientCut] = [:]
    for target in trained where !names.contains(target.part.variable.name) {
      cuts[target.part.variable.name] = GradientCut(graph, of: [loss], withRespectTo: target.value)
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
