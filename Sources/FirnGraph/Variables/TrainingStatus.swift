/// What becomes of a variable or of a scope.
///
/// Selections, drawings and reports say it in the same words. How a variable was declared or selected makes it
/// `trainable`, `partly`, `frozen` or `state`; only with a loss is more known of what is trainable.
public enum TrainingStatus: String, Hashable, Sendable, Codable, CaseIterable {
  /// Nothing freezes it; whether a gradient reaches it has not been asked.
  case trainable
  /// A gradient reaches it, and the optimiser moves it.
  case trained
  /// Of a scope: some of its parameters are trained, some not. Of a variable: some of its blocks.
  case partly
  /// Not trainable, by declaration or selection: no gradient, no slots, the same bits after any number of steps.
  case frozen
  /// Trainable, but every path from the loss is cut.
  case cutOff = "cut off"
  /// Trainable, but the loss does not depend on it.
  case notUnderLoss = "not under the loss"
  /// Trainable, but nothing reads it.
  case neverRead = "never read"
  /// Written by the step itself.
  case state
}

extension Variable {
  /// What it was declared as; a compilation starts from this.
  package var declaredStatus: TrainingStatus {
    kind != .parameter ? .state : isTrainable ? .trainable : .frozen
  }
}
