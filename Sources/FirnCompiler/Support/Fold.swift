/// A frozen factor, summand or product that another op has taken in: what comes of it is the same but for rounding.
public struct Fold: Hashable, Sendable, Codable {
  /// What was folded.
  public enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
    /// A factor for each channel, as a batch norm's, into a kernel or into another factor.
    case scale
    /// A summand for each channel, as a bias, into another summand.
    case shift
    /// Two linear maps in a row into one.
    case product
  }

  /// The path of the node that is gone.
  public let name: String
  /// The path of the node that does its work too.
  public let into: String
  /// What it was.
  public let kind: Kind

  package init(_ kind: Kind, _ name: String, into: String) {
    (self.kind, self.name, self.into) = (kind, name, into)
  }
}
