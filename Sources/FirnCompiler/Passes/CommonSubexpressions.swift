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
  package static let commonSubexpressions = Pass("common-subexpressions") { graph, _ throws(FirnError) in
    graph.mergingCommonSubexpressions()
  }
}

extension GraphDef {
  package func mergingCommonSubexpressions() -> GraphDef {
    struct Key: Hashable {
      var op: any Op
      var inputs: [Value]

      static func == (a: Key, b: Key) -> Bool { a.inputs == b.inputs && a.op.isEqual(to: b.op) }

      func hash(into hasher: inout Hasher) {
        op.hash(into: &hasher)
        hasher.combine(inputs)
      }
    }
    var known: [Key: Int] = [:]
    let result = rewritten { rewriter, position in
      let node = nodes[position]
      let changed = node.op { $0.mergingCommonSubexpressions() }
      switch node.op.effect {
      case .feeds, .receives, .writes: return
      case .none, .draws, .reads, .holds: break
      }
      let op = changed ?? node.op
      let key = Key(op: op, inputs: node.inputs.map { rewriter($0) })
      if let earlier = known[key] {
        for result in node.types.indices {
          rewriter.replace(Value(position, result), with: Value(earlier, result))
        }
      } else {
        rewriter.keep(position, as: changed)
        known[key] = rewriter(Value(position)).node
      }
    }
    return result == self ? self : result.removingDeadNodes(keepingAssignments: true)
  }
}
