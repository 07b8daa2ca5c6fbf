package import FirnGraph
import FirnOps

extension Compiler {
  /// `remake-quick`: what the backward program can make of other values that are kept, in passing, is not kept.
  ///
  ///     %x = placeholder() {dtype = f32, shape = [batch,40]} : f32[batch,40]
  ///     %y = exp(%x) : f32[batch,40]
  ///     %mean = reduce_mean(%y) {axes = [0], keeps_axes = false} : f32[40]
  ///     %means = broadcast(%mean) {shape = [batch,40]} : f32[batch,40]
  ///     %away = sub(%y, %means) : f32[batch,40]
  ///     %square = square(%away) : f32[batch,40]
  ///     %sum = reduce_sum(%square) {axes = [0,1], keeps_axes = false} : f32[]
  ///     %gradients/square/add = add(%away, %away) : f32[batch,40] @backward
  ///     %gradients/y/mul = mul(%gradients/square/add, %y) : f32[batch,40] @backward
  ///     return %sum, %gradients/y/mul
  ///
  /// becomes
  ///
  ///     %x = placeholder() {dtype = f32, shape = [batch,40]} : f32[batch,40]
  ///     %y = exp(%x) : f32[batch,40]
  ///     %mean = reduce_mean(%y) {axes = [0], keeps_axes = false} : f32[40]
  ///     %means = broadcast(%mean) {shape = [batch,40]} : f32[batch,40]
  ///     %away = sub(%y, %means) : f32[batch,40]
  ///     %square = square(%away) : f32[batch,40]
  ///     %sum = reduce_sum(%square) {axes = [0,1], keeps_axes = false} : f32[]
  ///     %recomputed/means = broadcast(%mean) {shape = [batch,40]} : f32[batch,40] @backward
  ///     %recomputed/away = sub(%y, %recomputed/means) : f32[batch,40] @backward
  ///     %gradients/square/add = add(%recomputed/away, %recomputed/away) : f32[batch,40] @backward
  ///     %gradients/y/mul = mul(%gradients/square/add, %y) : f32[batch,40] @backward
  ///     return %sum, %gradients/y/mul
  ///
  /// A batch norm that is trained keeps what comes into it, and its distance from the mean would be as much again.
  /// Made anew is what takes a few instructions (`isQuick`), of one large value that is kept anyway, fed, bound or a
  /// variable, and of others that are small; and only where instructions read it, whose program makes it on the way:
  /// nothing is written out, and no more is read. It is the same op on the same operands, so no bit differs.
  package static let remakeQuick = Pass("remake-quick") { graph, context throws(FirnError) in
    let (result, remade) = graph.remakingQuickValues()
    context.remade += remade
    context.recomputed = context.recomputed.left(in: result)
    return result
  }
}

extension GraphDef {
  package func remakingQuickValues() -> (graph: GraphDef, remade: [KeptValue]) {
    let choice = RemadeValues(self)
    if choice.cones.isEmpty { return (self, []) }
    // By node, its copy, and how many nodes that are of no program stood before that.
    var copies: [Int: (value: Value, heavy: Int)] = [:]
    var heavy = 0
    let result = rewritten { rewriter, position in
      let node = nodes[position]
      if node.phase == .forward { return }
      guard FusionGroups.canBeInstruction(position, in: self) else {
        // Behind it a copy would have to be held meanwhile: another is made.
        if node.op.fusionRole(in: types(round: position)).isNone, !node.op.aliasing.isView { heavy += 1 }
        return
      }
      let operands = node.inputs.indices.filter { choice.cones[node.inputs[$0].node] != nil }
      if operands.isEmpty { return }
      var reader = rewriter.kept(position)
      for operand in operands {
        guard let cone = choice.cones[node.inputs[operand].node] else { continue }
        for member in cone {
          if let copy = copies[member], copy.heavy == heavy { continue }
          var model = nodes[member]
          let inputs = model.inputs.map { input in
            cone.contains(input.node) ? copies[input.node]?.value ?? rewriter(input) : rewriter(input)
          }
          model.phase = .backward
          let copy = rewriter.emit(
            model.op, inputs, named: Path.joined("recomputed", model.name), like: model)[0]
          copies[member] = (copy, heavy)
        }
        if let copy = copies[node.inputs[operand].node] { reader.inputs[operand] = copy.value }
      }
      rewriter.place(reader, insteadOf: position)
    }
    return (result.removingDeadNodes(keepingAssignments: true), choice.values)
  }
}

extension FusionRole {
  fileprivate var isNone: Bool { if case .none = self { true } else { false } }
}

extension Aliasing {
  fileprivate var isView: Bool { if case .view = self { true } else { false } }
}
