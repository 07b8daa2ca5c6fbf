/// A part of a variable: the positions `range` along `axis`, everything along the others.
public struct Block: Hashable, Sendable, Codable, CustomStringConvertible {
  /// The axis it is a part of, from 0.
  public var axis: Int
  /// The positions along that axis.
  public var range: Range<Int>

  /// Positions along an axis; whether a variable has them is seen when it is used.
  public init(axis: Int, range: Range<Int>) {
    self.axis = axis
    self.range = range
  }

  /// `[0..<3]` for rows, `[axis 1: 0..<3]` for others.
  public var description: String {
    axis == 0
      ? "[\(range.lowerBound)..<\(range.upperBound)]"
      : "[axis \(axis): \(range.lowerBound)..<\(range.upperBound)]"
  }
}

/// How much of a variable a selection names.
public enum Region: Hashable, Sendable, Codable {
  /// All of it.
  case whole
  /// Disjoint blocks along one axis, ascending, neither empty nor together the whole.
  case blocks([Block])
}
