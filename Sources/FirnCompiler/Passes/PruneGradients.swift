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
    let record = PruningRecord(graph, of: loss, trainability: context.trainability)
    context.pruning = record
    guard !record.live.isEmpty else {
      throw try context.nothingToTrain(record.flow, loss: graph.name(of: loss))
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

extension CompilationContext {
  /// The error that nothing can be trained; it quotes the reasons for the first few variables, those not frozen first.
  fileprivate func nothingToTrain(_ flow: LossFlow, loss: String) throws(FirnError) -> FirnError {
    let verdicts = try verdicts(flow)
    let entries = trainability.variables.filter { $0.kind == .parameter }.map { variable in
      (name: variable.name, verdict: verdicts.verdict(on: variable))
    }
    let (frozen, others) = (
      entries.filter { $0.verdict.status == .frozen }, entries.filter { $0.verdict.status != .frozen }
    )
    let told = (others + frozen).prefix(LossFlow.listed)
    let rest = entries.count - told.count
    let remedy =
      if others.contains(where: { $0.verdict.status == .cutOff }) {
        "move or remove what cuts, or run without training"
      } else if let freezing = request.freezing, others.isEmpty {
        "`freezing: \(freezing)` leaves nothing; narrow it, or run without training"
      } else {
        "check that the loss is made from the variables that should learn"
      }
    return FirnError(
      .noGradient,
      "nothing to train: no gradient of the loss reaches a trained variable"
        + (rest > 0 ? "; of \(entries.count) variables the first \(told.count):" : ""),
      remedy: remedy, place: loss,
      causes: told.map {
        FirnError(
          .noGradient, "`\($0.name)`: \($0.verdict.reason)", remedy: Self.remedy(for: $0.verdict.status))
      })
  }

  private static func remedy(for status: TrainingStatus) -> String {
    switch status {
    case .frozen: "thaw it, if it should learn"
    case .cutOff: "move or remove the cut, if it should learn"
    case .notUnderLoss, .neverRead: "make the loss from it, if it should learn"
    case .trained, .partly, .state: "leave it as it is"
    }
  }
}
