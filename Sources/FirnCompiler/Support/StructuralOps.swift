import FirnGraph
import FirnOps

/// The few ops that passes know by type, named here and nowhere else in the compiler.
///
/// They are what a program's structure is made of: loops and what comes into them, requests for gradients, stops,
/// choices by mode, blocks of variables, and the sums of products that a backward loop ends in. Everything else is
/// asked of the op itself; see `Op`.
extension Node {
  /// A loop, whose body passes take apart.
  var loop: Scan? { op as? Scan }

  /// What the loop around a body gives it.
  var loopInput: LoopInput? { op as? LoopInput }

  /// A request that `expand-gradients` has not replaced yet.
  var gradientRequest: Gradients? { op as? Gradients }

  /// A gradient that does not exist, where that was asked for.
  var isAbsentGradient: Bool { op is AbsentGradient }

  /// An op that computes one thing in training mode and another in inference.
  var modal: (any ModalOp)? { op as? any ModalOp }

  /// What makes a kernel for it; nil for what is placed or looped instead.
  var kernelOp: (any KernelOp)? { op as? any KernelOp }

  /// Whether it is one value in training mode and another in inference.
  var isModeChoice: Bool { op is ByMode }

  /// Whether it stops gradients, as its user wrote.
  var isStop: Bool { (op as? PassThrough)?.kind == .stopGradient }

  /// Whether it is the sum of its two operands.
  var isSum: Bool { (op as? Binary)?.function == .add }

  /// A product of two matrices, perhaps added to a third.
  var product: MatMul? { types[0].shape.rank == 2 ? op as? MatMul : nil }
}

extension GraphDef {
  /// Whether each element of its result is an element of its first operand.
  func isRearranged(_ value: Value) -> Bool { nodes[value.node].op is any RearrangingOp }

  /// The block of its operand that a slice takes; nil for what is no slice, or takes no block.
  func block(takenAt position: Int) -> Block? {
    guard let slice = nodes[position].op as? Slice else { return nil }
    return slice.block(of: type(of: nodes[position].inputs[0]))
  }
}
