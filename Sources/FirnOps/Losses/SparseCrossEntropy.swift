internal import CFirnKernels
public import FirnGraph

/// The cross entropy of a softmax against the true class of each row.
///
/// y[…] = -log softmax(logits[…])[labels[…]]
///
/// | operand | type | |
/// | --- | --- | --- |
/// | logits | `f32`, `f64` | [batch…, classes] |
/// | labels | `i32` | [batch…], in 0..<classes; the result is [batch…] of the logits' element type |
///
/// C1: logits are floating point. C2: labels are `i32`. C3: labels have the shape of logits without its last axis.
///
/// - Complexity: two passes over logits, 4 FLOPs an element.
/// - Throws: when run, `.indexOutOfRange` naming the first label outside.
package struct SparseCrossEntropy: KernelOp {
  package init() {}

  package static let mnemonics = ["sparse_cross_entropy"]
  package var mnemonic: String { "sparse_cross_entropy" }
  package var attributes: Attributes { [:] }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {}

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(2)
    let (logits, labels) = (operands[0], operands[1])
    try logits.requireFloatingPoint("logits", "C1")
    try labels.requireIndices("labels", "C2")
    try require(
      logits.shape.rank >= 1 && logits.shape.dropLast().elementsEqual(labels.shape), "C3", .shapeMismatch,
      "logits are \(logits), labels \(labels)", remedy: "give one label for each row of logits")
    return [TensorType(logits.dtype, labels.shape)]
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow {
    operand == 0 ? .passes : .notDifferentiable
  }

  package func gradient(_ context: GradientContext) -> [Tensor?] {
    guard context.wants[0] else { return [nil, nil] }
    let (logits, labels) = (context.operands[0], context.operands[1])
    let truth = oneHot(labels, depth: logits.extent(-1), dtype: logits.dtype)
    let g = context.cotangent.inserting([labels.rank])
    return [(softmax(logits) - truth) * g, nil]
  }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim {
    operands[0].shape.elementCount * 4
  }

  package var canFail: Bool { true }

  package var isElementwise: Bool { false }

  package func rows(along axis: Int, of result: Int, count: Dim, in node: NodeTypes) -> RowRule? {
    RowRule(self, allAlong: axis, in: node)
  }

  /// Not by rows: a label out of range must fail, whatever is wanted of the result.
  package func narrowed(to block: Block, in node: NodeTypes) -> Narrowing { .notKnown }

  package func overSteps(_ length: Dim, varying: [Bool], in node: NodeTypes) -> StepRule? { nil }
  package func simplified(in node: NodeView) -> Expression<Value>? { nil }

  package var aliasing: Aliasing { .none }

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    let (rows, columns) = rowsAndColumns(operands[0].shape)
    if operands[0].dtype == .f32 {
      return Kernel { (call: borrowing KernelCall) throws(FirnError) in
        let labels = call.operand(1, as: Int32.self)
        try check(labels, count: rows, size: columns, what: "label")
        let x = call.operand(0, as: Float.self)
        let y = call.result(as: Float.self)
        call.inPieces(rows, grain: grain(ofItems: 4 * columns)) { start, n in
          firn_sparse_cross_entropy_f32(x + start * columns, labels + start, y + start, n, columns)
        }
      }
    }
    return Kernel { (call: borrowing KernelCall) throws(FirnError) in
      let labels = call.operand(1, as: Int32.self)
      try check(labels, count: rows, size: columns, what: "label")
      let x = call.operand(0, as: Double.self)
      let y = call.result(as: Double.self)
      for row in 0..<rows {
        let from = x + row * columns
        y[row] = logarithmOfSum(from, columns) - from[Int(labels[row])]
      }
    }
  }
}

/// The loss of choosing one of several classes, for each row and unreduced: -log softmax(logits)[label].
///
/// | operand | type |
/// | --- | --- |
/// | logits | `f32` or `f64`, [batch…, classes], before the softmax |
/// | labels | `i32`, [batch…], each in 0..<classes |
/// | result | as logits, [batch…]; take its `mean()` for a loss |
///
/// PyTorch's `cross_entropy` with `reduction="none"`, Keras's `SparseCategoricalCrossentropy(from_logits=True)`.
/// Nothing overflows for finite logits; a row with NaN or +inf gives NaN.
///
/// Constraints: (C1) logits are floating point; (C2) labels are `i32`; (C3) labels have the shape of logits without its
/// last axis. A label outside is an error of the run, `.indexOutOfRange`.
///
/// - Complexity: 4 FLOPs an element of logits, in two passes over them.
public func sparseSoftmaxCrossEntropy(
  logits: Tensor, labels: Tensor, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  logits.applying(SparseCrossEntropy(), labels, location: CallSite(file, line))
}
