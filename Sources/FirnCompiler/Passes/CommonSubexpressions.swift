package import FirnGraph

extension Compiler {
  /// `common-subexpressions`: equal ops on equal operands are computed once, inside loops too.
  ///
  ///     %x = placeholder() {dtype = f32, shape = [2]} : f32[2]
  ///     %a = tanh(%x) : f32[2]
  ///     %b = tanh(%x) : f32[2]
  ///     %c = add(%a, %b) : f32[2]
  ///     return %c
  ///
  /// becomes
  ///
  ///     %x = placeholder() {dtype = f32, shape = [2]} : f32[2]
  ///     %a = tanh(%x) : f32[2]
  ///     %c = add(%a, %a) : f32[2]
  ///     return %c
  ///
  /// Random ops carry a key of their own and are equal only to themselves; placeholders, parameters and assignments are
  /// never merged.
  package static let commonSubexpressions = Pass("common-subexpressions", isIdempotent: true) {
    graph, _ throws(FirnError) in
    graph.mergingCommonSubexpressions()
  }
}

extension GraphDef {
  package func mergingCommonSubexpressions() -> GraphDef {
    var known = HashedPositions(capacity: nodes.count)
    let result = rewritten { rewriter, position in
      let node = nodes[position]
      let changed =
        node.traits.contains(.body) ? node.op(changingBody: { $0.mergingCommonSubexpressions() }) : nil
      if !node.traits.isDisjoint(with: .distinct) { return }
      let op = changed ?? node.op
      var hasher = Hasher()
      hasher.combine(ObjectIdentifier(Swift.type(of: op)))
      op.hash(into: &hasher)
      for input in node.inputs { hasher.combine(rewriter(input)) }
      let hash = hasher.finalize()
      let equal = known.first(of: hash) { other in
        let other = rewriter.nodes[other]
        return other.inputs.elementsEqual(node.inputs) { $0 == rewriter($1) } && other.op.isEqual(to: op)
      }
      if let earlier = equal {
        for result in node.types.indices {
          rewriter.replace(Value(position, result), with: Value(earlier, result))
        }
      } else {
        rewriter.keep(position, as: changed)
        known.insert(rewriter(Value(position)).node, hash)
      }
    }
    return result == self ? self : result.removingDeadNodes(keepingAssignments: true)
  }
}

/// Positions of nodes by a hash of what the nodes compute, which is taken once.
private struct HashedPositions {
  private var entries: [(hash: Int, position: Int)] = []
  /// The number of an entry and one; 0 where there is none.
  private var slots: [UInt32]
  private let mask: Int

  /// Room for so many, no more.
  init(capacity: Int) {
    var size = 16
    while size < capacity * 2 { size *= 2 }
    slots = Array(repeating: 0, count: size)
    mask = size - 1
    entries.reserveCapacity(capacity)
  }

  /// The first position put in with this hash that is equal.
  func first(of hash: Int, where isEqual: (Int) -> Bool) -> Int? {
    var slot = hash & mask
    while slots[slot] != 0 {
      let entry = entries[Int(slots[slot]) - 1]
      if entry.hash == hash, isEqual(entry.position) { return entry.position }
      slot = (slot + 1) & mask
    }
    return nil
  }

  mutating func insert(_ position: Int, _ hash: Int) {
    var slot = hash & mask
    while slots[slot] != 0 { slot = (slot + 1) & mask }
    entries.append((hash, position))
    slots[slot] = UInt32(entries.count)
  }
}
