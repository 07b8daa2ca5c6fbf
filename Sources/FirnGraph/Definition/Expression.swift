/// Ops applied to ops, down to leaves that are values already: how an op says what it could be instead.
package indirect enum Expression<Leaf: Sendable>: Sendable {
  case leaf(Leaf)
  case node(any Op, [Expression])

  /// The same over other leaves.
  package func map<Other>(_ change: (Leaf) -> Other) -> Expression<Other> {
    switch self {
    case .leaf(let leaf): .leaf(change(leaf))
    case .node(let op, let operands): .node(op, operands.map { $0.map(change) })
    }
  }

  /// From left to right.
  package var leaves: [Leaf] {
    switch self {
    case .leaf(let leaf): [leaf]
    case .node(_, let operands): operands.flatMap(\.leaves)
    }
  }
}
