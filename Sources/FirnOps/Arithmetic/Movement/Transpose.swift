public import FirnGraph

/// The axes in another order.
///
/// Axis i of the result is axis `permutation[i]` of x.
///
/// | operand | type | |
/// | --- | --- | --- |
/// | x | any | |
///
/// C1: `permutation` holds each axis of x once.
///
/// - Complexity: one pass, no FLOPs.
package struct Transpose: KernelOp {
  package var permutation: [Int]

  package init(_ permutation: [Int]) { self.permutation = permutation }

  package static let mnemonics = ["transpose"]
  package var mnemonic: String { "transpose" }
  package var attributes: Attributes { ["permutation": .ints(permutation)] }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    permutation = try attributes.ints("permutation")
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(1)
    let x = operands[0]
    try require(
      permutation.sorted() == Array(x.shape.indices), "C1", .invalidArgument,
      "\(permutation) is no order of the axes of \(x)", remedy: "name each of 0..<\(x.shape.rank) once")
    return [TensorType(x.dtype, Shape(permutation.map { x.shape[$0] }))]
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .passes }

  package func gradient(_ context: GradientContext) -> [Tensor?] {
    context.adjoints({
      var inverse = permutation
      for (place, axis) in permutation.enumerated() { inverse[axis] = place }
      return context.cotangent.applying(Transpose(inverse))
    })
  }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim { 0 }
  package var numerics: Numerics { .moving }
  package var canFail: Bool { false }

  package var isElementwise: Bool { false }

  package func rows(along axis: Int, of result: Int, count: Dim, in node: NodeTypes) -> RowRule? {
    RowRule(self, operands: [permutation[axis]], results: [axis])
  }

  package func narrowed(to block: Block, in node: NodeTypes) -> Narrowing { .byRows }

  package func overSteps(_ length: Dim, varying: [Bool], in node: NodeTypes) -> StepRule? {
    StepRule(.node(Transpose([0] + permutation.map { $0 + 1 }), [.leaf(0)]))
  }

  package func simplified(in node: NodeView) -> Expression<Value>? {
    permutation == Array(permutation.indices) ? .leaf(node.operands[0].value) : nil
  }

  package var aliasing: Aliasing { .none }

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    let from = strides(of: operands[0].shape)
    return StridedCopy(
      elementSize: operands[0].dtype.byteCount, sizes: results[0].shape, source: permutation.map { from[$0] },
      destination: strides(of: results[0].shape)
    ).kernel
  }
}

extension Tensor {
  /// The axes in the order of `permutation`: PyTorch's `permute`.
  ///
  /// Axis i of the result is axis `permutation[i]` of x.
  ///
  /// Constraints: (C1) `permutation` holds each axis once.
  ///
  /// - Parameter permutation: nil for reversed; negative axes count from the end.
  /// - Complexity: no FLOPs; each element read and written once.
  public func transposed(
    _ permutation: [Int]? = nil, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    if isPoisoned { return self }
    let order = permutation.map { $0.map { $0 < 0 ? $0 + rank : $0 } } ?? Array((0..<rank).reversed())
    return permuted(order, location: CallSite(file, line))
  }
}
