extension Snapshot {
  /// Names of what has other bits here than in `earlier`, or is not in it, in this snapshot's order.
  ///
  /// - Complexity: O(elements of both).
  public func changed(since earlier: Snapshot) -> [String] {
    let before = Set(earlier.values)
    return values.filter { !before.contains($0) }.map(\.name)
  }
}
