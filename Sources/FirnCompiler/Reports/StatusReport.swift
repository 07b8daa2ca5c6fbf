public import FirnGraph

/// What becomes of every variable and every scope, and why.
public struct StatusReport: Hashable, Sendable, Codable {
  /// In creation order, without optimiser slots.
  public let variables: [VariableEntry]
  /// In the order in which their first variables were made, outer before inner.
  public let scopes: [ScopeEntry]

  /// One variable.
  public struct VariableEntry: Hashable, Sendable, Codable {
    /// The variable's path.
    public let name: String
    /// Element type and shape: `f32[3,4]`.
    public let type: String
    /// What it is to its layer, such as `kernel`; empty where it has no role.
    public let role: String
    /// Its elements.
    public let count: Int
    /// What they occupy.
    public let bytes: Int
    /// What becomes of it.
    public let status: TrainingStatus
    /// The rule or the node that decides, as a sentence's end: `it is frozen by …`.
    public let reason: String
    /// The scopes that read it, in graph order; more than one for tied weights.
    public let readers: [String]
    /// The smaller type in which its kernel is held, by request; nil where it is multiplied as it is.
    public internal(set) var stored: FrozenStorage?
  }

  /// One scope and what is below it.
  public struct ScopeEntry: Hashable, Sendable, Codable {
    /// How dropout and batch normalisation behave in it; neither freezes anything, nor does freezing forbid either.
    public enum Mode: String, Hashable, Sendable, Codable {
      /// Dropout drops, and normalisation uses the statistics of the batch and moves its averages.
      case training
      /// Dropout hands through, and normalisation uses its moving averages.
      case inference
    }

    /// The scope's path.
    public let path: String
    /// What becomes of its parameters together.
    public let status: TrainingStatus
    /// How its dropout and normalisation behave.
    public let mode: Mode
    /// How many parameters it has.
    public let parameters: Int
    /// How many of them are trained, in whole or in part.
    public let trainedParameters: Int
    /// Elements of its parameters.
    public let count: Int
    /// Elements that a gradient moves; of parameters trained in part, those of the trained blocks.
    public let trainedCount: Int
  }
}
