/// A result of a forward node that is held until the backward program has read it.
public struct KeptValue: Hashable, Sendable, Codable {
  /// The node's path; `:1` and so on for further results.
  public let name: String
  /// What it occupies.
  public let bytes: Quantity
}
