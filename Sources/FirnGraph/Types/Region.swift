/// A part of a variable: the positions `range` along `axis`, everything along the others.
public struct Block: Hashable, Sendable, Codable, CustomStringConvertible {
  public var axis: Int
  public var range: Range<Int>

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
  case whole
  /// Disjoint blocks along one axis, ascending, neither empty nor together the whole.
  case blocks([Block])
}
