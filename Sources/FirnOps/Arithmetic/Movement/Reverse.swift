public import FirnGraph

/// The elements along some axes in the opposite order.
///
/// | operand | type | |
/// | --- | --- | --- |
/// | x | any | the result has its type |
///
/// C1: `axes` are ascending axes of x.
///
/// - Complexity: one pass, no FLOPs.
package struct Reverse: KernelOp {
  package var axes: [Int]

  package init(_ axes: [Int]) { self.axes = axes }

  package static let mnemonics = ["reverse"]
  package var mnemonic: String { "reverse" }
  package var attributes: Attributes { ["axes": .ints(axes)] }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    axes = try attributes.ints("axes")
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(1)
    try operands[0].requireAxes(axes, "C1")
    return operands
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .passes }

  package func gradient(_ context: GradientContext) -> [Tensor?] {
    context.adjoints({ context.cotangent.applying(self) })
  }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim { 0 }
  package var numerics: Numerics { .moving }
  package var canFail: Bool { false }

  package var isElementwise: Bool { false }

  package func rows(along axis: Int, of result: Int, count: Dim, in node: NodeTypes) -> RowRule? {
    axes.contains(axis) ? nil : RowRule(self, allAlong: axis, in: node)
  }

  package func narrowed(to block: Block, in node: NodeTypes) -> Narrowing { .byRows }
  package func overSteps(_ length: Dim, varying: [Bool], in node: NodeTypes) -> StepRule? { nil }
  package func simplified(in node: NodeView) -> Expression<Value>? { nil }

  package var aliasing: Aliasing { .none }

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    let shape = operands[0].shape
    let to = strides(of: shape)
    var from = to
    var offset = 0
    for axis in axes {
      offset += (shape[axis] - 1) * to[axis]
      from[axis] = -to[axis]
    }
    return StridedCopy(
      elementSize: operands[0].dtype.byteCount, sizes: shape, source: from, sourceOffset: offset,
      destination: to
    ).kernel
  }
}

extension Tensor {
  /// The elements along `axes` in the opposite order: `flip`.
  ///
  /// Constraints: (C1) `axes`, which count from the end where negative, are axes, each named once.
  ///
  /// - Complexity: no FLOPs; each element read and written once.
  public func reversed(axes: [Int], file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    let location = CallSite(file, line)
    guard let axes = self.axes(axes, "reverse", constraint: "C1", location: location) else {
      return .poisoned(in: graph)
    }
    return applying(Reverse(axes), location: location)
  }
}
