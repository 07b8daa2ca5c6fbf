import FirnGraph

extension Verdicts {
  /// The error that nothing can be trained; it quotes the reasons for the first few variables, those not frozen first.
  func nothingToTrain(_ request: CompilationRequest, loss: String) -> FirnError {
    let entries = trainability.variables.filter { $0.kind == .parameter }.map { variable in
      (name: variable.name, verdict: verdict(on: variable))
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
    case .trainable, .trained, .partly, .state: "leave it as it is"
    }
  }
}
