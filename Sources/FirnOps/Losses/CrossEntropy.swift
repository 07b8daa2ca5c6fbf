internal import CFirnKernels
public import FirnGraph

/// The cross entropy of a softmax against a distribution for each row.
///
/// y[…] = -Σ_c labels[…, c] log softmax(logits[…])[c]
///
/// | operand | type | |
/// | --- | --- | --- |
/// | logits | `f32`, `f64` | [batch…, classes] |
/// | labels | as logits | [batch…, classes]; the result is [batch…] |
///
/// C1: the shapes are equal. C2: the element types are equal. C3: they are floating point. C4: there is an axis.
///
/// Labels need not add up to one; both operands have gradients.
///
/// - Complexity: three passes, 6 FLOPs an element.
package struct CrossEntropy: KernelOp {
  package init() {}

  package static let mnemonics = ["cross_entropy"]
  package var mnemonic: String { "cross_entropy" }
  package var attributes: Attributes { [:] }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {}

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(2)
    try requireAlike(operands)
    try operands[0].requireFloatingPoint("logits", "C3")
    try require(
      operands[0].shape.rank >= 1, "C4", .shapeMismatch, "operands are scalars",
      remedy: "give them an axis of classes")
    return [TensorType(operands[0].dtype, Shape(Array(operands[0].shape.dropLast())))]
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .passes }

  package func gradient(_ context: GradientContext) -> [Tensor?] {
    let (logits, labels) = (context.operands[0], context.operands[1])
    let g = context.cotangent.inserting([logits.rank - 1])
    return context.adjoints(
      { (softmax(logits) * labels.sum(axes: [-1], keepingAxes: true) - labels) * g },
      { -(logSoftmax(logits) * g) })
  }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim {
    operands[0].shape.elementCount * 6
  }

  package var canFail: Bool { false }

  package var isElementwise: Bool { false }

  package func rows(along axis: Int, of result: Int, count: Dim, in node: NodeTypes) -> RowRule? {
    RowRule(self, allAlong: axis, in: node)
  }

  package func narrowed(to block: Block, in node: NodeTypes) -> Narrowing { .byRows }
  package func overSteps(_ length: Dim, varying: [Bool], in node: NodeTypes) -> StepRule? { nil }
  package func simplified(in node: NodeView) -> Expression<Value>? { nil }

  package var aliasing: Aliasing { .none }

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    let (rows, columns) = rowsAndColumns(operands[0].shape)
    if operands[0].dtype == .f32 {
      return Kernel { (call: borrowing KernelCall) throws(FirnError) in
        let (x, labels) = (call.operand(0, as: Float.self), call.operand(1, as: Float.self))
        let y = call.result(as: Float.self)
        call.inPieces(rows, grain: grain(ofItems: 4 * columns)) { start, n in
          let offset = start * columns
          firn_cross_entropy_f32(x + offset, labels + offset, y + start, n, columns)
        }
      }
    }
    return Kernel { (call: borrowing KernelCall) throws(FirnError) in
      let (x, labels) = (call.operand(0, as: Double.self), call.operand(1, as: Double.self))
      let y = call.result(as: Double.self)
      for row in 0..<rows {
        let (from, truth) = (x + row * columns, labels + row * columns)
        let (shift, total) = shiftedSum(from, columns)
        let logarithm = RealMath.logarithm(total)
        var sum = 0.0
        for c in 0..<columns { sum += truth[c] * (logarithm - (from[c] - shift)) }
        y[row] = sum
      }
    }
  }
}

/// The loss against a distribution over classes, for each row and unreduced: -Σ labels log softmax(logits).
///
/// | operand | type |
/// | --- | --- |
/// | logits | `f32` or `f64`, [batch…, classes], before the softmax |
/// | labels | as logits; a distribution for each row, though it need not add up to one |
/// | result | [batch…]; take its `mean()` for a loss |
///
/// Keras's `CategoricalCrossentropy(from_logits=True, reduction=None)`. Gradients pass to labels as well. Nothing
/// overflows for finite logits; a row with NaN or +inf gives NaN.
///
/// Constraints: (C1) the shapes are equal; (C2) the element types are equal; (C3) they are floating point; (C4) there
/// is an axis.
///
/// - Complexity: 6 FLOPs an element of logits, in three passes over them; 8 bytes read an element in `f32`.
public func softmaxCrossEntropy(
  logits: Tensor, labels: Tensor, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  logits.applying(CrossEntropy(), labels, location: CallSite(file, line))
}
