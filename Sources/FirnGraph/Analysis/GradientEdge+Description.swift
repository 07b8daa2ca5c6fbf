extension GradientEdge: CustomStringConvertible {
  /// From the node that reads a value back to the one that makes it: `head/matmul → encoder/relu`.
  public var description: String { "\(consumer) → \(producer)" }
}
