package import FirnGraph
import FirnOps

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
      var op: AnyHashable
      var inputs: [Value]
    }
    var known: [Key: Int] = [:]
    var result = self
    var representative = Array(nodes.indices)
    let move: (Value) -> Value = { Value(representative[$0.node], $0.result) }
    for position in nodes.indices {
      result.nodes[position].inputs = result.nodes[position].inputs.map(move)
      if let scan = nodes[position].op as? Scan {
        result.nodes[position].op = scan.with(body: scan.body.mergingCommonSubexpressions())
      }
      switch nodes[position].op.effect {
      case .feeds, .receives, .writes: continue
      case .none, .draws, .reads, .holds: break
      }
      let node = result.nodes[position]
      let key = Key(op: AnyHashable(node.op), inputs: node.inputs)
      if let earlier = known[key] { representative[position] = earlier } else { known[key] = position }
    }
    result.outputs = outputs.map(move)
    return representative == Array(nodes.indices)
      ? result : result.removingDeadNodes(keepingAssignments: true)
  }
}
