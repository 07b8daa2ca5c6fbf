package import FirnGraph
import FirnOps

extension Compiler {
  /// `keep-bits`: where all that later parts of a step read of a value is a mask, or places in it, these are kept.
  ///
  ///     %x = placeholder() {dtype = f32, shape = [batch,40]} : f32[batch,40]
  ///     %y = relu(%x) : f32[batch,40]
  ///     %s = reduce_sum(%y) {axes = [0,1], keeps_axes = false} : f32[]
  ///     %zero = constant() {value = f32[](0.0)} : f32[] @backward
  ///     %zeros = broadcast(%zero) {shape = [batch,40]} : f32[batch,40] @backward
  ///     %at = less_equal(%y, %zeros) : bool[batch,40] @backward
  ///     %g = select(%at, %zeros, %x) : f32[batch,40] @backward
  ///     return %s, %g
  ///
  /// becomes
  ///
  ///     %x = placeholder() {dtype = f32, shape = [batch,40]} : f32[batch,40]
  ///     %y = relu(%x) : f32[batch,40]
  ///     %y/constant = constant() {value = f32[](0.0)} : f32[]
  ///     %y/broadcast = broadcast(%y/constant) {shape = [batch,40]} : f32[batch,40]
  ///     %y/less_equal = less_equal(%y, %y/broadcast) : bool[batch,40]
  ///     %y/pack_bits = pack_bits(%y/less_equal) {axis = 1} : i32[batch,2]
  ///     %s = reduce_sum(%y) {axes = [0,1], keeps_axes = false} : f32[]
  ///     %zero = constant() {value = f32[](0.0)} : f32[] @backward
  ///     %zeros = broadcast(%zero) {shape = [batch,40]} : f32[batch,40] @backward
  ///     %at = unpack_bits(%y/pack_bits) {shape = [40]} : bool[batch,40] @backward
  ///     %g = select(%at, %zeros, %x) : f32[batch,40] @backward
  ///     return %s, %g
  ///
  /// What decides is what the adjoints that exist read: of a ReLU before a trained layer the value is kept for that
  /// layer's kernel, and its mask is made of it; before a frozen one only the mask is. Which ops can do with less than an
  /// operand they say themselves (`residual`). Only what frees twice its own bytes and more is kept so. A mask that a
  /// loop makes step by step of what nothing else reads later is made for all steps before the loop, of the bits. No
  /// bit of a result differs.
  package static let keepBits = Pass("keep-bits") { graph, context throws(FirnError) in
    let (result, condensed) = graph.keepingBits()
    context.condensed += condensed
    context.recomputed = context.recomputed.left(in: result)
    return result
  }
}

extension GraphDef {
  package func keepingBits() -> (graph: GraphDef, condensed: [CondensedValue]) {
    makingMasksBeforeLoops().keepingBitsOfMasks()
  }

  private func keepingBitsOfMasks() -> (graph: GraphDef, condensed: [CondensedValue]) {
    let choice = KeptBits(self)
    if choice.isEmpty { return (self, []) }
    var made: [Int: Value] = [:]
    var condensed: [CondensedValue] = []
    let result = rewritten { rewriter, position in
      let node = nodes[position]
      if let mask = choice.masks[position], let packed = made[position] {
        let truths = rewriter.emit(UnpackBits(shape: mask.inner), [packed], insteadOf: position)[0]
        rewriter.replace(Value(position), with: truths)
      } else if let residual = choice.residuals[position], let kept = made[position] {
        var other = rewriter.kept(position)
        other.inputs[residual.operand] = kept
        other.op = residual.rule.op
        rewriter.place(other, insteadOf: position)
      }
      for root in choice.makes(at: position) {
        if !rewriter.isDone(position) { rewriter.keep(position) }
        let value: Value
        if let mask = choice.masks[root] {
          var copies: [Int: Value] = [:]
          for member in mask.cone {
            let source = nodes[member]
            let inputs = source.inputs.map { copies[$0.node] ?? rewriter($0) }
            copies[member] =
              rewriter.emit(
                source.op, inputs, named: Path.joined(node.name, source.mnemonic), like: node)[0]
          }
          let op = PackBits(axis: nodes[root].types[0].shape.rank - mask.inner.count)
          value =
            rewriter.emit(
              op, [copies[root] ?? rewriter(Value(root))], named: Path.joined(node.name, op.mnemonic),
              like: node)[0]
        } else if let residual = choice.residuals[root] {
          let make = residual.rule.arrange
          value =
            rewriter.emit(
              make, [rewriter(nodes[root].inputs[residual.operand])],
              named: Path.joined(node.name, make.mnemonic), like: node)[0]
        } else {
          continue
        }
        made[root] = value
        let kept = rewriter.nodes[value.node]
        condensed.append(
          CondensedValue(
            name: kept.name, bytes: Quantity(kept.types[0].byteCount),
            of: choice.freed(by: root).map {
              KeptValue(name: name(of: $0), bytes: Quantity(type(of: $0).byteCount))
            }))
      }
    }
    return (result.removingDeadNodes(keepingAssignments: true), condensed)
  }
}
