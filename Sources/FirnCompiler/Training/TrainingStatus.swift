/// What becomes of a variable or of a scope.
public enum TrainingStatus: String, Hashable, Sendable, Codable, CaseIterable {
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
