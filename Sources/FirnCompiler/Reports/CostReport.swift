/// What one run costs with this selection and with nothing frozen.
public struct CostReport: Hashable, Sendable, Codable {
  public let total: Cost
  /// Nothing frozen; nil where that cannot be compiled.
  public let unfrozen: Cost?
  /// Every scope with what is below it, in graph order, outer before inner.
  public let scopes: [ScopeCost]

  public struct ScopeCost: Hashable, Sendable, Codable {
    public let path: String
    public let cost: Cost
    public let unfrozen: Cost?
  }
}

/// What freezing one more variable would save.
public struct Pin: Hashable, Sendable, Codable {
  public let variable: String
  /// What it costs to train it besides the others.
  public let saved: Cost
  /// The nodes whose results are kept for this variable only.
  public let kept: [KeptValue]
}

/// A result of a forward node that is held until the backward program has read it.
public struct KeptValue: Hashable, Sendable, Codable {
  public let name: String
  public let bytes: Quantity
}
