public import FirnGraph

/// What changes from one selection to another.
public struct Difference: Hashable, Sendable, Codable {
  /// What the second trains and the first does not, in creation order: variables, or blocks of them
  /// (`embedding/table[0..<3]`).
  public let thawed: [String]
  /// What the first trains and the second does not.
  public let frozen: [String]
  /// Every variable whose status changes, or of which other blocks are trained.
  public let changes: [Change]
  /// What a step costs with the first selection.
  public let before: Cost
  /// What it costs with the second.
  public let after: Cost

  /// A variable whose status changes, or of which other blocks are trained.
  public struct Change: Hashable, Sendable, Codable {
    /// Its path.
    public let variable: String
    /// What becomes of it with the first selection; nil where only one of the two graphs has it.
    public let before: TrainingStatus?
    /// Likewise, with the second.
    public let after: TrainingStatus?
    /// The blocks the first trains, where that is only a part: `[0..<3]`.
    public let blocksBefore: [String]
    /// The blocks the second trains, where that is only a part.
    public let blocksAfter: [String]
  }

  /// The second's cost minus the first's.
  public var added: Cost { after - before }
}
