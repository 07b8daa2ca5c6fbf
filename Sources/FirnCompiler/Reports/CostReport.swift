/// What one run costs with this selection and with nothing frozen, and what was computed before it.
public struct CostReport: Hashable, Sendable, Codable {
  /// The whole step with this selection.
  public let total: Cost
  /// Nothing frozen; nil where that cannot be compiled.
  public let unfrozen: Cost?
  /// Every scope with what is below it, in graph order, outer before inner.
  public let scopes: [ScopeCost]
  /// What steps do not compute, as it depends on frozen variables and constants only.
  public let frozen: FrozenReport
  /// What is kept for the backward program, and what is not since less is enough or it is computed again.
  public let memory: MemoryReport

  /// A scope's part: its nodes with those of scopes in it, their adjoints, and the updates of its variables.
  public struct ScopeCost: Hashable, Sendable, Codable {
    /// The scope's path.
    public let path: String
    /// With this selection.
    public let cost: Cost
    /// With nothing frozen; nil where that cannot be compiled.
    public let unfrozen: Cost?
  }
}

/// What freezing one more variable would save.
public struct Pin: Hashable, Sendable, Codable {
  /// The variable that would be frozen.
  public let variable: String
  /// What it costs to train it besides the others.
  public let saved: Cost
  /// The nodes whose results are kept for this variable only.
  public let kept: [KeptValue]
}
