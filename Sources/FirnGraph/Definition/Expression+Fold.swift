extension Expression {
  /// The value of the expression, from the leaves up.
  package func fold<Result>(
    leaf: (Leaf) -> Result, node: (any Op, [Result]) -> Result
  ) -> Result {
    switch self {
    case .leaf(let value): leaf(value)
    case .node(let op, let operands): node(op, operands.map { $0.fold(leaf: leaf, node: node) })
    }
  }
}
