extension Explanation: CustomStringConvertible {
  /// What becomes of every scope and every variable, as ``status`` prints.
  public var description: String { status.description }
}
