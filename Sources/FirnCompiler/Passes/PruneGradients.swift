import FirnGraph

extension Compiler {
  /// `prune-gradients`: asks for the loss's gradient by exactly the trained variables that a gradient reaches.
  ///
  /// Marks with the cut (rule 3): edges of `stop_gradient` are never walked, frozen variables are no targets, so
  /// `expand-gradients` will build nothing for either. What was left out, and why, goes on record.
  ///
  ///     %loss = …                     %loss = …
  ///     return %loss           →      %gradients = gradients(%loss, %head/kernel) {…} @backward
  ///                                   return %loss
  package static let pruneGradients = Pass("prune-gradients") { graph, context throws(FirnError) in
    guard context.request.training != nil, let loss = graph.outputs.last else { return graph }
    let trainability = context.trainability
    var reads: [(variable: String, value: Value)] = []
    for (position, node) in graph.nodes.enumerated() {
      if case .reads(let name) = node.op.effect { reads.append((name, Value(position))) }
    }
    let targets = reads.filter { trainability.isTrained($0.variable) }
    let liveness = GradientLiveness(graph, of: [loss], withRespectTo: targets.map(\.value))
    let live = targets.filter { liveness.isLive($0.value) }
    var record = PruningRecord()
    let names = Set(live.map(\.variable))
    record.live = graph.variables.map(\.name).filter { names.contains($0) }
    for target in targets where !liveness.isLive(target.value) {
      record.cuts[target.variable] = GradientCut(graph, of: [loss], withRespectTo: target.value)
    }
    let whole = GradientLiveness(
      graph, of: [loss],
      withRespectTo: reads.filter { read in
        graph.variable(named: read.variable).map { $0.kind == .parameter && $0.type.dtype.isFloatingPoint }
          ?? false
      }.map(\.value), ignoringStops: true)
    let kept = Set(liveness.edges(of: graph))
    record.removed = whole.edges(of: graph, ignoringStops: true).filter { !kept.contains($0) }
    context.pruning = record
    guard !live.isEmpty else {
      throw FirnError(
        .noGradient, "nothing to train: no gradient of the loss reaches a trained variable",
        remedy: context.nothingToTrain, place: graph.name(of: loss))
    }
    let builder = Graph(resuming: graph)
    builder.phase = .backward
    _ = builder.gradients(
      of: [Tensor(builder, loss)], withRespectTo: live.map { Tensor(builder, $0.value) })
    var result = builder.definition
    result.outputs = graph.outputs
    return result
  }
}

extension CompilationContext {
  /// What to do where no variable can learn.
  fileprivate var nothingToTrain: String {
    if let cut = pruning?.cuts.values.first(where: { !$0.stops.isEmpty }) {
      return cut.explanation + "; move or remove it, or train without"
    }
    if let freezing = request.freezing, trainability.trained.isEmpty {
      return "`freezing: \(freezing)` leaves nothing; narrow it, or run without training"
    }
    return "check that the loss is made from the variables that should learn"
  }
}
