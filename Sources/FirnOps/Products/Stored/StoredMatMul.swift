package import FirnGraph

/// The product of matrices the right of which `store` has put into panels of a smaller type.
///
/// y[i, j] = Σ_p a[i, p] b[p, j]
///
/// | operand | type | |
/// | --- | --- | --- |
/// | a | `f32`, `f64` | [m, k], or [k, m] if `transpose_a` |
/// | b | `i32` | the words of [k, n], n = `columns`, in the form `panels` or `turned_panels` |
///
/// `channel` is the axis of [k, n] along which `int8` has its scales: 1 for one a column, 0 for one a row of b; -1 of
/// other types.
///
/// C1: a is a matrix. C2: its elements are floating point. C3: `columns` is not negative, and k a number. C4: `channel`
/// is an axis of [k, n]. C5: b has the words of k rows and n columns.
///
/// Has the bits of `matmul` of what was stored, widened: numbers are widened a panel at a time, or in registers where a
/// has few rows, and what is multiplied and added is `f32`.
///
/// - Complexity: 2 m n k FLOPs; of b half or a quarter of the bytes are read; in `f32` the bits do not depend on how the
///   work is split.
package struct StoredMatMul: KernelOp {
  package var transposeA: Bool
  package var columns: Int
  package var storage: FrozenStorage
  package var channel: Int?

  package init(transposeA: Bool = false, columns: Int, _ storage: FrozenStorage, channel: Int? = nil) {
    (self.transposeA, self.columns, self.storage) = (transposeA, columns, storage)
    self.channel = storage.isScaled ? channel : nil
  }

  package static let mnemonics = ["matmul_stored"]
  package var mnemonic: String { "matmul_stored" }
  package var attributes: Attributes {
    [
      "transpose_a": .bool(transposeA), "columns": .int(columns), "storage": .string(storage.description),
      "channel": .int(channel ?? -1),
    ]
  }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    transposeA = try attributes.bool("transpose_a")
    columns = try attributes.int("columns")
    (storage, channel) = try attributes.storage()
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(2)
    let (a, b) = (operands[0], operands[1])
    try require(
      a.shape.rank == 2, "C1", .shapeMismatch, "\(a) is no matrix", remedy: "fold its leading axes into rows")
    try a.requireFloatingPoint("a", "C2")
    let (m, depth) = transposeA ? (a.shape[1], a.shape[0]) : (a.shape[0], a.shape[1])
    guard columns >= 0, let k = depth.value else {
      throw FirnError(
        .shapeMismatch, "the product of \(a) and \(columns) columns is not known",
        remedy: "give numbers as columns and as the extent that is summed over", constraint: "C3")
    }
    let layout = try StoredLayout.require(storage, .panels, shape: [k, columns], channel: channel)
    try b.requireStored(words: layout.words, "C5")
    return [TensorType(a.dtype, [m, Dim(columns)])]
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow {
    operand == 0 ? .passes : .notDifferentiable
  }

  /// That of the plain product, by the rounded matrix.
  package func gradient(_ context: GradientContext) -> [Tensor?] {
    let (g, a) = (context.cotangent, context.operands[0])
    return context.adjoints(
      {
        let type = TensorType(a.dtype, [a.shape[transposeA ? 0 : 1], Dim(columns)])
        let b = context.operands[1].applying(Widen(storage, .panels, channel: channel, to: type))
        return transposeA
          ? b.applying(MatMul(transposeB: true), g) : g.applying(MatMul(transposeB: true), b)
      }, { g })
  }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim {
    results[0].shape.elementCount * operands[0].shape[transposeA ? 0 : 1] * 2
  }

  package var canFail: Bool { false }
  package var isElementwise: Bool { false }

  package func rows(along axis: Int, of result: Int, count: Dim, in node: NodeTypes) -> RowRule? {
    axis == 0 ? RowRule(self, operands: [transposeA ? 1 : 0, nil], results: [0]) : nil
  }

  package func narrowed(to block: Block, in node: NodeTypes) -> Narrowing { .byRows }
  package func overSteps(_ length: Dim, varying: [Bool], in node: NodeTypes) -> StepRule? { nil }
  package func simplified(in node: NodeView) -> Expression<Value>? { nil }
  package var aliasing: Aliasing { .none }
}
