extension PassRecord: CustomStringConvertible {
  /// In one line: `simplify: 120 nodes, then 98`.
  public var description: String { "\(pass): \(nodesBefore) nodes, then \(nodesAfter)" }
}
