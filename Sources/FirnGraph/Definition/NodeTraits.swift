/// What passes ask of every node, kept beside its op: most nodes answer no, and reaching for millions of ops takes
/// longer than all that is then done.
package struct NodeTraits: OptionSet, Hashable, Sendable {
  package let rawValue: UInt16

  package init(rawValue: UInt16) { self.rawValue = rawValue }

  /// It carries a graph.
  package static let body = NodeTraits(rawValue: 1 << 0)
  /// It is one thing in training mode and another in inference.
  package static let modal = NodeTraits(rawValue: 1 << 1)
  /// It stands for what a pass is still to put in its place.
  package static let provisional = NodeTraits(rawValue: 1 << 2)
  /// The effects an op can have, but for none.
  package static let feeds = NodeTraits(rawValue: 1 << 3)
  package static let receives = NodeTraits(rawValue: 1 << 4)
  package static let draws = NodeTraits(rawValue: 1 << 5)
  package static let reads = NodeTraits(rawValue: 1 << 6)
  package static let writes = NodeTraits(rawValue: 1 << 7)
  package static let holds = NodeTraits(rawValue: 1 << 8)
  /// Each element of its result is some element of its first operand, and constants are followed through it.
  package static let rearranging = NodeTraits(rawValue: 1 << 9)
  /// It can be an instruction of a fused program.
  package static let instruction = NodeTraits(rawValue: 1 << 10)
  package static let recalls = NodeTraits(rawValue: 1 << 11)
  /// A fused program can begin with it.
  package static let start = NodeTraits(rawValue: 1 << 12)
  /// Any effect.
  package static let effects: NodeTraits = [.feeds, .receives, .draws, .reads, .writes, .holds, .recalls]
  /// It is told from others by more than what it computes.
  package static let distinct: NodeTraits = [.feeds, .receives, .writes]
  /// It may be, or carry, what `expand-gradients` looks for.
  package static let requesting: NodeTraits = [.provisional, .body]
  /// It may be, or carry, what `resolve-modes` looks for.
  package static let moded: NodeTraits = [.modal, .body]
  /// The same, with what training alone writes.
  package static let modedOrWriting: NodeTraits = [.modal, .body, .writes]
  /// It may break what is promised of a finished program.
  package static let unfinished: NodeTraits = [.provisional, .body, .writes]

  // Those of `SetAlgebra` are generic, and are called as such from other modules: too slow for every node.

  /// Whether it has all of `other`.
  package func contains(_ other: NodeTraits) -> Bool { rawValue & other.rawValue == other.rawValue }

  /// Whether it has none of `other`.
  package func isDisjoint(with other: NodeTraits) -> Bool { rawValue & other.rawValue == 0 }

  init(_ op: any Op) {
    var traits: NodeTraits =
      switch op.effect {
      case .none: []
      case .feeds: .feeds
      case .receives: .receives
      case .draws: .draws
      case .reads: .reads
      case .writes: .writes
      case .holds: .holds
      case .recalls: .recalls
      }
    if op.asBodyOp != nil { traits.insert(.body) }
    if op.isModal { traits.insert(.modal) }
    if op.isRearranging { traits.insert(.rearranging) }
    if op.isProvisional { traits.insert(.provisional) }
    if op.isInstruction { traits.insert(.instruction) }
    if op.isStart { traits.insert(.start) }
    self = traits
  }
}
