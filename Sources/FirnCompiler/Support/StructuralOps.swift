import FirnGraph
import FirnOps

/// The few ops that passes know by type, named here and nowhere else in the compiler.
///
/// They are what a program's structure is made of: loops and what comes into them, requests for gradients, stops,
/// choices by mode, blocks of variables, and the sums of products that a backward loop ends in; and what lint knows
/// models by. Everything else is asked of the op itself; see `Op`. Traits are looked at before a type is: most nodes are
/// something else, and a cast takes its time to find that out.
extension Node {
  /// A loop, whose body passes take apart.
  var loop: Scan? { traits.contains(.body) ? op as? Scan : nil }

  /// What the loop around a body gives it.
  var loopInput: LoopInput? { traits.contains(.receives) ? op as? LoopInput : nil }

  /// A request that `expand-gradients` has not replaced yet.
  var gradientRequest: Gradients? { traits.contains(.provisional) ? op as? Gradients : nil }

  /// Whether it asks for gradients, or a loop's body does.
  var holdsGradientRequest: Bool {
    if traits.isDisjoint(with: .requesting) { return false }
    return gradientRequest != nil || loop?.body.hasGradientRequests == true
  }

  /// A gradient that does not exist, where that was asked for.
  var isAbsentGradient: Bool { traits.contains(.provisional) && op is AbsentGradient }

  /// Whether it stands for a mean over the members of a world that is still to be made.
  var isExchangedMean: Bool { traits.contains(.provisional) && op is ExchangedMean }

  /// What stands for the value or the gradient of a variable in an update that is to be copied.
  var updateInput: UpdateInput? { traits.contains(.provisional) ? op as? UpdateInput : nil }

  /// The read of a variable.
  var variableRead: ReadVariable? { traits.contains(.reads) ? op as? ReadVariable : nil }

  /// An op that computes one thing in training mode and another in inference.
  var modal: (any ModalOp)? { traits.contains(.modal) ? op as? any ModalOp : nil }

  /// What makes a kernel for it; nil for what is placed or looped instead.
  var kernelOp: (any KernelOp)? { op.withKernel }

  /// Whether it is one value in training mode and another in inference.
  var isModeChoice: Bool { traits.contains(.modal) && op is ByMode }

  /// Whether it stops gradients.
  var isStop: Bool { (op as? PassThrough)?.kind == .stopGradient }

  /// Whether it stands in the formula of one of Firn's functions, and no user wrote it.
  var isOfFormula: Bool { (op as? PassThrough)?.isOfFormula == true }

  /// Elementwise nodes that it runs as one op.
  var fused: Fused? { op as? Fused }

  /// Whether it is the sum of its two operands.
  var isSum: Bool { (op as? Binary)?.function == .add }

  /// Whether it is the product of its two operands, element by element.
  var isScaling: Bool { (op as? Binary)?.function == .mul }

  /// Whether it is the greater or the lesser of its two operands.
  var isBound: Bool { [.max, .min].contains((op as? Binary)?.function) }

  /// Whether its results are above 0 whatever it reads.
  var isPositive: Bool { [.exp, .sigmoid, .softplus].contains((op as? Unary)?.function) }

  /// Whether it is a convolution of images, as users write them.
  var isConvolution: Bool { (op as? Convolution)?.function == .forward }

  /// The smaller type that it puts a kernel into; nil for what does not.
  var storage: FrozenStorage? { (op as? Store)?.storage }

  /// Whether it looks rows of its first operand up.
  var isRowLookup: Bool { (op as? Gather)?.axis == 0 }

  /// Whether each element of its result is an element of its first operand, all of them or some.
  var isMove: Bool { traits.contains(.rearranging) || op is Transpose || op is Slice }

  /// A product of two matrices, perhaps added to a third.
  var product: MatMul? { types[0].shape.rank == 2 ? op as? MatMul : nil }
}

extension GraphDef {
  /// Whether each element of its result is an element of its first operand.
  func isRearranged(_ value: Value) -> Bool { nodes[value.node].traits.contains(.rearranging) }

  /// The block of its operand that a slice takes; nil for what is no slice, or takes no block.
  func block(takenAt position: Int) -> Block? {
    nodes.block(takenAt: position)
  }
}

extension [Node] {
  /// The block of its operand that a slice takes; nil for what is no slice, or takes no block.
  func block(takenAt position: Int) -> Block? {
    let op = self[position].op
    guard Swift.type(of: op) == Slice.self, let slice = op as? Slice else { return nil }
    let input = self[position].inputs[0]
    return slice.block(of: self[input.node].types[input.result])
  }
}

extension GraphDef {
  /// Whether gradients are asked for, here or in a loop's body.
  var hasGradientRequests: Bool { nodes.indices.contains { nodes[$0].holdsGradientRequest } }

  /// Whether there are loops, at this level.
  var hasLoops: Bool { nodes.indices.contains { nodes[$0].traits.contains(.body) } }
}

extension Op {
  /// Itself where it makes a kernel; nil for what is placed or looped instead.
  var withKernel: (any KernelOp)? { self as? any KernelOp }
}
