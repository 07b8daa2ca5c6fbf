/// What changes from one selection to another.
public struct Difference: Hashable, Sendable, Codable {
  /// What the second trains and the first does not, in creation order: variables, or blocks of them
  /// (`embedding/table[0..<3]`).
  public let thawed: [String]
  /// What the first trains and the second does not.
  public let frozen: [String]
  /// Every variable whose status changes, or of which other blocks are trained.
  public let changes: [Change]
  public let before: Cost
  public let after: Cost

  public struct Change: Hashable, Sendable, Codable {
    public let variable: String
    /// Nil where only one of the two graphs has it.
    public let before: TrainingStatus?
    public let after: TrainingStatus?
    /// The blocks trained, where that is only a part.
    public let blocksBefore: [String]
    public let blocksAfter: [String]
  }

  /// The second's cost minus the first's.
  public var added: Cost { after - before }
}
