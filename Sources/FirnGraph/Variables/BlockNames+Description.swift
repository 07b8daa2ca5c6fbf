extension BlockNames: CustomStringConvertible {
  /// In one line: `blocks i, f, g, o along axis 1`.
  public var description: String {
    "blocks \(names.joined(separator: ", ")) along " + (axis == -1 ? "the last axis" : "axis \(axis)")
  }
}
