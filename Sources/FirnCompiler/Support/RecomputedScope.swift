/// A scope whose values are computed again for its gradient, instead of being kept.
public struct RecomputedScope: Hashable, Sendable, Codable {
  /// The scope's path.
  public let scope: String
  /// How many nodes are run a second time, those in loops counted as the loop.
  public internal(set) var nodes: Int
  /// Arithmetic of running them a second time.
  public internal(set) var flops: Quantity
  /// What would be kept of the scope otherwise.
  public internal(set) var bytes: Quantity
}
