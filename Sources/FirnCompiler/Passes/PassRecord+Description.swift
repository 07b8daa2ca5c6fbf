import FirnNotation

extension PassRecord: CustomStringConvertible {
  /// In one line: `simplify: 120 nodes, then 98, in 1.2 ms`.
  public var description: String {
    "\(pass): \(nodesBefore) nodes, then \(nodesAfter), in \(NumberFormat.duration(duration))"
  }
}
