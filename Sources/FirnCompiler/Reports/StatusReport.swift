/// What becomes of every variable and every scope, and why.
public struct StatusReport: Hashable, Sendable, Codable {
  /// In creation order, without optimiser slots.
  public let variables: [VariableEntry]
  /// In the order in which their first variables were made, outer before inner.
  public let scopes: [ScopeEntry]

  /// One variable.
  public struct VariableEntry: Hashable, Sendable, Codable {
    public let name: String
    public let type: String
    public let role: String
    public let count: Int
    public let bytes: Int
    public let status: TrainingStatus
    /// The rule or the node that decides, as a sentence's end: `it is frozen by …`.
    public let reason: String
    /// The scopes that read it, in graph order; more than one for tied weights.
    public let readers: [String]
  }

  /// One scope and what is below it.
  public struct ScopeEntry: Hashable, Sendable, Codable {
    /// How dropout and batch normalisation behave in it; neither freezes anything, nor does freezing forbid either.
    public enum Mode: String, Hashable, Sendable, Codable {
      case training
      case inference
    }

    public let path: String
    public let status: TrainingStatus
    public let mode: Mode
    public let parameters: Int
    public let trainedParameters: Int
    public let count: Int
    /// Elements that a gradient moves; of parameters trained in part, those of the trained blocks.
    public let trainedCount: Int
  }
}
