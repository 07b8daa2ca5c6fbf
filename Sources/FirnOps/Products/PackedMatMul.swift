package import FirnGraph

/// The product of matrices the right of which was packed, by `pack`, into panels.
///
/// y[…, i, j] = Σ_p a[…, i, p] b[…, j / 32, p, j % 32]
///
/// | operand | type | |
/// | --- | --- | --- |
/// | a | `f32`, `f64` | [batch…, m, k], or [batch…, k, m] if `transpose_a` |
/// | b | as a | [batch…, ⌈n / 32⌉, k, 32], of n = `columns` |
///
/// C1: a has at least two axes, b one more. C2: the element types are equal and floating point. C3: the contracted
/// extents k are equal. C4: the batch axes are equal. C5: b has the panels of `columns` columns, of 32 each.
///
/// Has the bits of `matmul` of what was packed.
///
/// - Complexity: 2 batch m n k FLOPs; in `f32` the bits do not depend on how the work is split.
package struct PackedMatMul: KernelOp {
  package var transposeA: Bool
  package var columns: Int

  package init(transposeA: Bool = false, columns: Int) {
    self.transposeA = transposeA
    self.columns = columns
  }

  package static let mnemonics = ["matmul_packed"]
  package var mnemonic: String { "matmul_packed" }
  package var attributes: Attributes { ["transpose_a": .bool(transposeA), "columns": .int(columns)] }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    transposeA = try attributes.bool("transpose_a")
    columns = try attributes.int("columns")
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(2)
    let (a, b) = (operands[0], operands[1])
    let rank = a.shape.rank
    try require(
      rank >= 2 && b.shape.rank == rank + 1, "C1", .shapeMismatch, "\(a) and \(b) are no matrix and panels",
      remedy: "pack the right operand")
    try require(
      a.dtype == b.dtype && a.dtype.isFloatingPoint, "C2", .typeMismatch,
      "\(a) and \(b) are not of one floating point type", remedy: "cast both to f32")
    let (m, k) = (a.shape[rank - (transposeA ? 1 : 2)], a.shape[rank - (transposeA ? 2 : 1)])
    try require(
      k == b.shape[rank - 1], "C3", .shapeMismatch,
      "\(a) has \(k) columns to contract, \(b) has \(b.shape[rank - 1]) rows",
      remedy: "make the inner extents equal, or ask for a transpose")
    try require(
      a.shape.prefix(rank - 2).elementsEqual(b.shape.prefix(rank - 2)), "C4", .shapeMismatch,
      "the batch axes of \(a) and \(b) differ", remedy: "broadcast them")
    try require(
      columns >= 0 && b.shape[rank] == Dim(Pack.width) && b.shape[rank - 2] == Dim(Pack.panels(of: columns)),
      "C5", .shapeMismatch, "\(b) has not the panels of \(columns) columns",
      remedy: "give the number of columns that were packed")
    return [TensorType(a.dtype, Shape(Array(a.shape.prefix(rank - 2)) + [m, Dim(columns)]))]
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .passes }

  /// Those of the plain product, by the matrix that was packed.
  package func gradient(_ context: GradientContext) -> [Tensor?] {
    let (g, a) = (context.cotangent, context.operands[0])
    return context.adjoints(
      {
        let b = context.operands[1].unpacked(columns: columns)
        return transposeA
          ? b.applying(MatMul(transposeB: true), g) : g.applying(MatMul(transposeB: true), b)
      },
      { a.applying(MatMul(transposeA: !transposeA), g).applying(Pack()) })
  }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim {
    let a = operands[0].shape
    return results[0].shape.elementCount * a[a.rank - (transposeA ? 2 : 1)] * 2
  }

  package var canFail: Bool { false }

  /// Its rows are whole one after the other; those of `matmul`, which packs while it reads, are only at the end.
  package var isStart: Bool { true }

  package var isElementwise: Bool { false }

  package func rows(along axis: Int, of result: Int, count: Dim, in node: NodeTypes) -> RowRule? {
    let rank = node.shape.rank
    switch axis {
    case rank - 2: return RowRule(self, operands: [transposeA ? rank - 1 : axis, nil], results: [axis])
    case rank - 1: return nil
    default: return RowRule(self, allAlong: axis, in: node)
    }
  }

  package func narrowed(to block: Block, in node: NodeTypes) -> Narrowing { .byRows }

  /// Folds the steps into the rows, as the plain product does.
  package func overSteps(_ length: Dim, varying: [Bool], in node: NodeTypes) -> StepRule? {
    transposeA ? nil : .foldingRows(by: self, length, varying: varying, in: node)
  }

  package func simplified(in node: NodeView) -> Expression<Value>? { nil }

  package var aliasing: Aliasing { .none }
}
