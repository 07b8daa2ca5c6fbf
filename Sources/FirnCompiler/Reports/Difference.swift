/// What changes from one selection to another.
public struct Difference: Hashable, Sendable, Codable {
  /// Trained in the second only, in creation order.
  public let thawed: [String]
  /// Trained in the first only, in creation order.
  public let frozen: [String]
  /// Every variable whose standing changes.
  public let changes: [Change]
  public let before: Cost
  public let after: Cost

  public struct Change: Hashable, Sendable, Codable {
    public let variable: String
    /// Nil where only one of the two graphs has it.
    public let before: Standing?
    public let after: Standing?
  }

  /// The second's cost minus the first's.
  public var added: Cost { after - before }
}
