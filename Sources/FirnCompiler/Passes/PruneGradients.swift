import FirnGraph

extension Compiler {
  /// `prune-gradients`: asks for the loss's gradient by exactly the trained variables that a gradient reaches.
  ///
  /// Marks with the cut (rule 3): edges of `stop_gradient` are never walked, frozen variables are no targets, so
  /// `expand-gradients` will build nothing for either. What was left out, and why, goes on record.
  ///
  ///     variable w : f32[2] {kind = "parameter", role = "", trainable = true, initializer = ["constant", 1.0]}
  ///     %w = read() {variable = "w", dtype = f32, shape = [2]} : f32[2]
  ///     %loss = reduce_sum(%w) {axes = [0], keeps_axes = false} : f32[]
  ///     return %loss
  ///
  /// becomes
  ///
  ///     variable w : f32[2] {kind = "parameter", role = "", trainable = true, initializer = ["constant", 1.0]}
  ///     %w = read() {variable = "w", dtype = f32, shape = [2]} : f32[2]
  ///     %loss = reduce_sum(%w) {axes = [0], keeps_axes = false} : f32[]
  ///     %gradients = gradients(%loss, %w) {seeded = [false], targets = 1, stops = 0, unconnected = "error"} : f32[2] @backward
  ///     return %loss
  package static let pruneGradients = Pass("prune-gradients", isRequired: true) {
    graph, context throws(FirnError) in
    guard let loss = context.loss(in: graph, for: "prune-gradients") else { return graph }
    let record = PruningRecord(
      graph, of: loss, named: context.request.lossName, trainability: context.trainability)
    context.pruning = record
    guard !record.live.isEmpty else {
      throw try context.verdicts(record.flow).nothingToTrain(context.request, loss: graph.name(of: loss))
    }
    var request: Value?
    let result = try graph.extended(phase: .backward) { builder in
      request =
        builder.gradients(
          of: [Tensor(builder, loss)], withRespectTo: record.targets.map { Tensor(builder, $0) }
        ).first?.value
    }
    context.gradientRequest = request.map { result.nodes[$0.node].name }
    return result
  }
}
