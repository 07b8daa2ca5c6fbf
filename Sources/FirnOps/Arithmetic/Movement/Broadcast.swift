public import FirnGraph

/// Repeats along new leading axes and along axes of extent one.
///
/// | operand | type | |
/// | --- | --- | --- |
/// | x | any | its axes line up with the last ones of `shape` |
///
/// C1: x has no more axes than `shape`. C2: each extent of x is 1 or that of `shape`.
///
/// The gradient is the sum over what was repeated.
///
/// - Complexity: one pass over the result, no FLOPs.
package struct Broadcast: KernelOp, RearrangingOp {
  package var shape: Shape

  package init(_ shape: Shape) { self.shape = shape }

  package static let mnemonics = ["broadcast"]
  package var mnemonic: String { "broadcast" }
  package var attributes: Attributes { ["shape": .shape(shape)] }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    shape = try attributes.shape("shape")
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(1)
    let x = operands[0]
    try require(
      x.shape.rank <= shape.rank, "C1", .shapeMismatch, "\(x) has more axes than \(shape)",
      remedy: "reshape it first")
    let lead = shape.rank - x.shape.rank
    for axis in x.shape.indices where x.shape[axis] != 1 {
      try require(
        x.shape[axis] == shape[lead + axis], "C2", .shapeMismatch,
        "axis \(axis) of \(x) is \(x.shape[axis]), \(shape) has \(shape[lead + axis]) there",
        remedy: "only an extent of 1 is repeated")
    }
    return [TensorType(x.dtype, shape)]
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .passes }

  package func gradient(_ context: GradientContext) -> [Tensor?] {
    context.adjoints({
      let x = context.operands[0].shape
      let lead = shape.rank - x.rank
      let repeated = shape.indices.filter { $0 < lead || (x[$0 - lead] == 1 && shape[$0] != 1) }
      let sum =
        repeated.isEmpty ? context.cotangent : context.cotangent.applying(Reduce(.sum, axes: repeated))
      return sum.withShape(x)
    })
  }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim { 0 }
  package var canFail: Bool { false }

  package var isElementwise: Bool { false }

  package func rows(along axis: Int, of result: Int, count: Dim, in node: NodeTypes) -> RowRule? {
    let x = node.operands[0].shape
    let inner = axis - shape.rank + x.rank
    var rows = shape
    rows[axis] = count
    return RowRule(Broadcast(rows), operands: [inner < 0 || x[inner] == 1 ? nil : inner], results: [axis])
  }

  package func fusionRole(in node: NodeTypes) -> FusionRole {
    let x = node.operands[0].shape
    let lead = shape.rank - x.rank
    let axes = shape.indices.map { $0 < lead || x[$0 - lead] == 1 ? nil : $0 - lead }
    return .windows([Window(axes: axes, starts: Array(repeating: 0, count: x.rank))])
  }

  package func narrowed(to block: Block, in node: NodeTypes) -> Narrowing { .byRows }

  package func overSteps(_ length: Dim, varying: [Bool], in node: NodeTypes) -> StepRule? {
    let x = node.operands[0].shape
    // The steps stay the first axis, so that what is repeated in front comes behind it.
    let aligned = Shape([Dim](repeating: 1, count: shape.rank - x.rank) + x)
    return StepRule(
      .node(Broadcast(shape.stacked(length)), [.node(Reshape(aligned.stacked(length)), [.leaf(0)])]))
  }

  package func simplified(in node: NodeView) -> Expression<Value>? {
    node.keepsType ? .leaf(node.operands[0].value) : nil
  }

  package var aliasing: Aliasing { .none }

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    let (from, to) = (operands[0].shape, results[0].shape)
    let steps = zip(from, strides(of: from)).map { $0 == 1 ? 0 : $1 }
    return StridedCopy(
      elementSize: operands[0].dtype.byteCount, sizes: to,
      source: [Int](repeating: 0, count: to.count - from.count) + steps, destination: strides(of: to)
    ).kernel
  }
}

extension Tensor {
  /// Repeated to `shape` by NumPy's rules: along new leading axes and along axes of extent one.
  ///
  /// PyTorch's `expand`, but written out. The gradient is the sum over what was repeated.
  ///
  /// Constraints: (C1) x has no more axes than `shape`; (C2) each extent, compared from the last axis on, is 1 or that
  /// of `shape`.
  ///
  /// - Complexity: no FLOPs; the result written once. Itself where it has that shape.
  public func broadcast(to shape: Shape, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    repeated(to: shape, location: CallSite(file, line))
  }
}
