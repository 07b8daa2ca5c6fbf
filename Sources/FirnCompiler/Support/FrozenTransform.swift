public import FirnGraph

/// An op that reads what a frozen operand was made into beforehand, and so has less to do in each run; what comes of it is the
/// same but for rounding.
public struct FrozenTransform: Hashable, Sendable, Codable {
  /// The path of the node.
  public let name: String
  /// By what: `winograd 2×2`.
  public let kind: String
  /// Arithmetic of a run as it would be, in FLOPs.
  public let before: Quantity
  /// Arithmetic of a run as it is, transforms of what moves included, in FLOPs.
  public let after: Quantity
  /// How far results are off, relative to the greatest, measured on random numbers of these extents; nil where they are
  /// within the bound that `Docs/Numbers.md` states.
  public let error: Double?

  package init(_ name: String, _ kind: String, before: Quantity, after: Quantity, error: Double? = nil) {
    (self.name, self.kind, self.before, self.after, self.error) = (name, kind, before, after, error)
  }

  /// What a run has less to do.
  public var saved: Quantity { before - after }
}

extension FrozenTransform {
  /// With every name of `binding` replaced by its number; other names stay.
  public func bound(by binding: DimBinding) -> FrozenTransform {
    FrozenTransform(
      name, kind, before: before.bound(by: binding), after: after.bound(by: binding), error: error)
  }
}
