public import FirnGraph

/// The product of matrices, or of stacks of them.
///
/// y[…, i, j] = Σ_p a[…, i, p] b[…, p, j]
///
/// | operand | type | |
/// | --- | --- | --- |
/// | a | `f32`, `f64` | [batch…, m, k], or [batch…, k, m] if `transpose_a` |
/// | b | as a | [batch…, k, n], or [batch…, n, k] if `transpose_b` |
/// | start | as a | [batch…, m, n], of `matmul_add` only: what the sum begins with |
///
/// In `matmul_add` each element is one chain of additions from its start, by ascending or descending p. So a product
/// over many steps has the bits of several over some of them, each starting from the one before.
///
/// C1: both have at least two axes. C2: the element types are equal and floating point. C3: the contracted extents k
/// are equal. C4: the batch axes are equal; nothing is broadcast. C5: a start has the type of the result.
///
/// With k = 0 the result is zero. NaN and infinity travel as in the sums written out.
///
/// - Complexity: 2 batch m n k FLOPs; in `f32` the bits do not depend on how the work is split.
package struct MatMul: KernelOp {
  package var transposeA: Bool
  package var transposeB: Bool

  package enum Order: String, Sendable { case ascending, descending }
  /// The order of a sum that begins with a third operand; nil for one that does not.
  package var order: Order?

  package init(transposeA: Bool = false, transposeB: Bool = false, order: Order? = nil) {
    self.transposeA = transposeA
    self.transposeB = transposeB
    self.order = order
  }

  package static let mnemonics = ["matmul", "matmul_add"]
  package var mnemonic: String { order == nil ? "matmul" : "matmul_add" }
  package var attributes: Attributes {
    let transposes: Attributes = [
      "transpose_a": .bool(transposeA), "transpose_b": .bool(transposeB),
    ]
    guard let order else { return transposes }
    let last: Attributes = ["order": .string(order.rawValue)]
    return Attributes(transposes.entries + last.entries)
  }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    transposeA = try attributes.bool("transpose_a")
    transposeB = try attributes.bool("transpose_b")
    guard mnemonic == "matmul_add" else { return }
    let name = try attributes.string("order")
    guard let order = Order(rawValue: name) else {
      throw FirnError(.parse, "`\(name)` is no order", remedy: "write `ascending` or `descending`")
    }
    self.order = order
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(order == nil ? 2 : 3)
    let (a, b) = (operands[0], operands[1])
    try require(
      a.shape.rank >= 2 && b.shape.rank >= 2, "C1", .shapeMismatch, "\(a) and \(b) are not both matrices",
      remedy: "reshape vectors to [1, n] or [n, 1]")
    try require(
      a.dtype == b.dtype && a.dtype.isFloatingPoint, "C2", .typeMismatch,
      "\(a) and \(b) are not of one floating point type", remedy: "cast both to f32")
    let rank = a.shape.rank
    let (m, k) = matrix(a.shape, transposeA)
    let (l, n) = matrix(b.shape, transposeB)
    try require(
      k == l, "C3", .shapeMismatch, "\(a) has \(k) columns to contract, \(b) has \(l) rows",
      remedy: "make the inner extents equal, or ask for a transpose")
    try require(
      a.shape.prefix(rank - 2).elementsEqual(b.shape.dropLast(2)), "C4", .shapeMismatch,
      "the batch axes of \(a) and \(b) differ", remedy: "broadcast them")
    let result = TensorType(a.dtype, Shape(Array(a.shape.prefix(rank - 2)) + [m, n]))
    if let start = operands.dropFirst(2).first {
      try require(
        start == result, "C5", .shapeMismatch, "a sum of type \(result) cannot start with \(start)",
        remedy: "give a start of the type of the result")
    }
    return [result]
  }

  /// Rows and columns of the matrices of `shape` as the product reads them.
  private func matrix(_ shape: Shape, _ transposed: Bool) -> (Dim, Dim) {
    let (rows, columns) = (shape[shape.rank - 2], shape[shape.rank - 1])
    return transposed ? (columns, rows) : (rows, columns)
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .passes }

  /// For y = a b: the adjoints g bᵀ and aᵀ g, each a product that reads its operands as they lie.
  package func gradient(_ context: GradientContext) -> [Tensor?] {
    let (g, a, b) = (context.cotangent, context.operands[0], context.operands[1])
    return context.adjoints(
      {
        transposeA
          ? b.applying(MatMul(transposeA: transposeB, transposeB: true), g)
          : g.applying(MatMul(transposeA: false, transposeB: !transposeB), b)
      },
      {
        transposeB
          ? g.applying(MatMul(transposeA: true, transposeB: transposeA), a)
          : a.applying(MatMul(transposeA: !transposeA, transposeB: false), g)
      }, { g })
  }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim {
    results[0].shape.elementCount * matrix(operands[0].shape, transposeA).1 * 2
  }

  package var canFail: Bool { false }

  /// A right operand is best read from panels.
  ///
  /// Where these cannot be (the width is open), or are not worth it (`f64` is a reference; one or two rows read a matrix
  /// as fast where it lies), it is to have contiguous rows.
  package func arrangement(of operand: Int, in node: NodeTypes) -> Arrangement? {
    guard operand == 1 else { return nil }
    let rank = node.shape.rank
    let isFlat = node.shape[rank - 2].value.map { $0 <= 2 } ?? false
    if order == nil, !isFlat, node.operands[1].dtype == .f32, let columns = node.shape[rank - 1].value {
      return Arrangement(
        Pack(transposed: transposeB), then: PackedMatMul(transposeA: transposeA, columns: columns))
    }
    guard transposeB else { return nil }
    return Arrangement(
      Transpose(Array(0..<rank - 2) + [rank - 1, rank - 2]),
      then: MatMul(transposeA: transposeA, transposeB: false, order: order))
  }

  /// A factor of columns, and one of what is contracted, can be the right operand's; one of rows the left one's.
  package func factor(along axis: Int, of place: FactorPlace, in node: NodeTypes) -> OperandAxis? {
    guard order == nil else { return nil }
    let (row, column) = (node.shape.rank - 2, node.shape.rank - 1)
    let contracted = (transposeA ? row : column, transposeB ? column : row)
    return switch place {
    case .result where axis == column: OperandAxis(1, transposeB ? row : column)
    case .result where axis == row: OperandAxis(0, transposeA ? column : row)
    case .operand(0) where axis == contracted.0: OperandAxis(1, contracted.1)
    case .operand(1) where axis == contracted.1: OperandAxis(0, contracted.0)
    case .result, .operand: nil
    }
  }

  package var isElementwise: Bool { false }

  package func rows(along axis: Int, of result: Int, count: Dim, in node: NodeTypes) -> RowRule? {
    let rank = node.shape.rank
    let start: [Int?] = node.operands.count == 3 ? [axis] : []
    switch axis {
    case rank - 2:
      return RowRule(self, operands: [transposeA ? rank - 1 : axis, nil] + start, results: [axis])
    case rank - 1:
      return RowRule(self, operands: [nil, transposeB ? rank - 2 : axis] + start, results: [axis])
    default: return RowRule(self, allAlong: axis, in: node)
    }
  }

  package func narrowed(to block: Block, in node: NodeTypes) -> Narrowing { .byRows }

  /// Folds the steps into the rows: the same sums, in one product.
  package func overSteps(_ length: Dim, varying: [Bool], in node: NodeTypes) -> StepRule? {
    transposeA ? nil : .foldingRows(by: self, length, varying: varying, in: node)
  }

  package func simplified(in node: NodeView) -> Expression<Value>? {
    let (a, b) = (node.operands[0].swappingLastAxes, node.operands[1].swappingLastAxes)
    if a == nil, b == nil { return nil }
    var op = self
    if a != nil { op.transposeA.toggle() }
    if b != nil { op.transposeB.toggle() }
    let operands = [a ?? node.operands[0], b ?? node.operands[1]] + node.operands.dropFirst(2)
    return .node(op, operands.map { .leaf($0.value) })
  }

  package var aliasing: Aliasing { .none }
}

extension StepRule {
  /// The product `op` of all steps' rows with what is the same in each; nil where that is not what varies.
  static func foldingRows(by op: any Op, _ length: Dim, varying: [Bool], in node: NodeTypes) -> StepRule? {
    guard node.shape.rank == 2, varying == [true, false] else { return nil }
    let left = node.operands[0].shape
    let product = Expression<Int>.node(
      op, [.node(Reshape([length * left[0], left[1]]), [.leaf(0)]), .leaf(1)])
    return StepRule(.node(Reshape(node.shape.stacked(length)), [product]), isGain: true)
  }
}

extension ValueView {
  /// What it is the transpose of, by an exchange of just the last two axes.
  fileprivate var swappingLastAxes: ValueView? {
    guard let op = op as? Transpose, op.permutation.count >= 2 else { return nil }
    var swapped = Array(op.permutation.indices)
    swapped.swapAt(swapped.count - 1, swapped.count - 2)
    return op.permutation == swapped ? operands[0] : nil
  }
}

/// The matrix product, over leading batch axes: y[…, i, j] = Σ_p a[…, i, p] b[…, p, j].
///
/// | operand | shape |
/// | --- | --- |
/// | a | [batch…, m, k], or [batch…, k, m] with `transposeA`; `f32` or `f64` |
/// | b | [batch…, k, n], or [batch…, n, k] with `transposeB` |
/// | result | [batch…, m, n] |
///
/// Batch axes broadcast. Where b is a plain matrix and a is not transposed, a's leading axes are folded into its rows:
/// one large product instead of many small ones. With k = 0 the result is zero. NaN and infinity travel as in the sums
/// written out.
///
/// Constraints: (C1) both have two axes or more, a vector being [1, n] or [n, 1]; (C2) they are of one floating point
/// type; (C3) the contracted extents k are equal; (C4) the batch axes broadcast.
///
/// - Parameters:
///   - a: the left matrices.
///   - b: the right matrices.
///   - transposeA: reads a's matrices transposed, without copying them.
///   - transposeB: likewise for b.
/// - Complexity: 2 batch m n k FLOPs; operands read, the result written once; what is broadcast is written out first.
///   In `f32` the bits do not depend on the number of threads.
public func matmul(
  _ a: Tensor, _ b: Tensor, transposeA: Bool = false, transposeB: Bool = false, file: StaticString = #fileID,
  line: UInt = #line
) -> Tensor {
  let location = CallSite(file, line)
  if a.isPoisoned || b.isPoisoned { return .poisoned(in: a.graph) }
  let op = MatMul(transposeA: transposeA, transposeB: transposeB)
  guard a.rank >= 2, b.rank >= 2, a.dtype == b.dtype, a.rank > 2 || b.rank > 2 else {
    return a.applying(op, b, location: location)
  }
  if b.rank == 2, !transposeA {
    let rows = a.shape.dropLast().reduce(Dim(1)) { $0 * $1 }
    let product = a.withShape(Shape([rows, a.shape[a.rank - 1]]), location: location)
      .applying(op, b, location: location)
    if product.isPoisoned { return product }
    return product.withShape(Shape(a.shape.dropLast() + [product.shape[1]]), location: location)
  }
  guard
    let batch = broadcastShape(
      "matmul", a, b, Shape(Array(a.shape.dropLast(2))), Shape(Array(b.shape.dropLast(2))),
      constraint: "C4", location: location)
  else { return .poisoned(in: a.graph) }
  return a.repeated(to: Shape(batch + a.shape.suffix(2)), location: location)
    .applying(op, b.repeated(to: Shape(batch + b.shape.suffix(2)), location: location), location: location)
}
