/// What is kept in the place of values of which the backward program needs less than they are: a mask, or places.
public struct CondensedValue: Hashable, Sendable, Codable {
  /// The path of the node that makes it.
  public let name: String
  /// What it occupies.
  public let bytes: Quantity
  /// The values that need not be kept any more, because of it and of others made of them.
  public let of: [KeptValue]
}
