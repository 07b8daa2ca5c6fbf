internal import CFirnKernels
package import FirnGraph

/// A matrix, or a stack of them, in the panels that `matmul_packed` reads.
///
/// y[…, q, p, l] = x[…, p, 32 q + l], and 0 where 32 q + l ≥ n
///
/// | operand | type | |
/// | --- | --- | --- |
/// | x | `f32`, `f64` | [batch…, k, n], or [batch…, n, k] if `transposed` |
/// | y | as x | [batch…, ⌈n / 32⌉, k, 32] |
///
/// C1: x has at least two axes. C2: its elements are floating point. C3: n is a number: how many panels there are is no
/// polynomial of a dimension.
///
/// The width of a panel is the same on every machine, so that graphs are: kernels read a panel in as many parts as their
/// vectors ask for.
///
/// - Complexity: one pass, no FLOPs.
package struct Pack: KernelOp {
  /// Whether x has the matrix transposed.
  package var transposed: Bool

  package init(transposed: Bool = false) { self.transposed = transposed }

  /// Columns in a panel.
  package static let width = Int(FIRN_PANEL_COLUMNS)

  /// How many panels `columns` columns take.
  package static func panels(of columns: Int) -> Int { columns / width + (columns % width == 0 ? 0 : 1) }

  package static let mnemonics = ["pack"]
  package var mnemonic: String { "pack" }
  package var attributes: Attributes { ["transposed": .bool(transposed)] }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    transposed = try attributes.bool("transposed")
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(1)
    let x = operands[0]
    let rank = x.shape.rank
    try require(rank >= 2, "C1", .shapeMismatch, "\(x) is no matrix", remedy: "reshape vectors to [1, n]")
    try x.requireFloatingPoint("x", "C2")
    let (k, n) = transposed ? (x.shape[rank - 1], x.shape[rank - 2]) : (x.shape[rank - 2], x.shape[rank - 1])
    guard let columns = n.value, columns >= 0 else {
      throw FirnError(
        .shapeMismatch, "\(n) is no number of columns to pack",
        remedy: "give the axis a number as its extent",
        constraint: "C3")
    }
    let panels = [Dim(Self.panels(of: columns)), k, Dim(Self.width)]
    return [TensorType(x.dtype, Shape(Array(x.shape.dropLast(2)) + panels))]
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .passes }

  package func gradient(_ context: GradientContext) -> [Tensor?] {
    context.adjoints({
      let shape = context.operands[0].shape
      let columns = shape[shape.rank - (transposed ? 2 : 1)].value ?? 0
      return context.cotangent.unpacked(columns: columns, transposed: transposed)
    })
  }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim { 0 }
  package var numerics: Numerics { .moving }
  package var canFail: Bool { false }

  package var isElementwise: Bool { false }

  /// Rows of x stay rows; columns are among others in a panel.
  package func rows(along axis: Int, of result: Int, count: Dim, in node: NodeTypes) -> RowRule? {
    let rank = node.shape.rank
    switch axis {
    case rank - 1, rank - 3: return nil
    case rank - 2: return RowRule(self, operands: [transposed ? rank - 2 : rank - 3], results: [axis])
    default: return RowRule(self, operands: [axis], results: [axis])
    }
  }

  package func narrowed(to block: Block, in node: NodeTypes) -> Narrowing { .byRows }

  package func overSteps(_ length: Dim, varying: [Bool], in node: NodeTypes) -> StepRule? {
    StepRule(.node(self, [.leaf(0)]))
  }

  package func simplified(in node: NodeView) -> Expression<Value>? { nil }

  package var aliasing: Aliasing { .none }

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    let shape = operands[0].shape
    let (rows, columns) = (shape[shape.count - 2], shape[shape.count - 1])
    let (k, n) = transposed ? (columns, rows) : (rows, columns)
    let (row, column) = transposed ? (1, k) : (n, 1)
    let (width, panels) = (Self.width, Self.panels(of: n))
    let count = results[0].elementCount == 0 ? 0 : results[0].elementCount / (k * width)
    // Elements are only moved, twice as many in the time of other work.
    let grain = 2 * grain(ofItems: k, width)
    /// Where the columns of a panel begin, and how many there are.
    @Sendable func place(_ panel: Int) -> (start: Int, columns: Int) {
      let first = panel % panels * width
      return (panel / panels * k * n + first * column, Swift.min(width, n - first))
    }
    if operands[0].dtype == .f32 {
      return Kernel { (call: borrowing KernelCall) throws(FirnError) in
        let (x, y) = (call.operand(0, as: Float.self), call.result(as: Float.self))
        call.inPieces(count, grain: grain) { start, pieces in
          for panel in start..<start + pieces {
            let (start, columns) = place(panel)
            firn_pack_f32(columns, k, x + start, row, column, y + panel * k * width)
          }
        }
      }
    }
    return Kernel { (call: borrowing KernelCall) throws(FirnError) in
      let (x, y) = (call.operand(0, as: Double.self), call.result(as: Double.self))
      call.inPieces(count, grain: grain) { start, pieces in
        for panel in start..<start + pieces {
          let (start, columns) = place(panel)
          for p in 0..<k {
            let to = y + (panel * k + p) * width
            for l in 0..<width { to[l] = l < columns ? x[start + p * row + l * column] : 0 }
          }
        }
      }
    }
  }
}

extension Tensor {
  /// The matrices of `columns` columns that these are the panels of.
  func unpacked(columns: Int, transposed: Bool = false) -> Tensor {
    if isPoisoned { return self }
    let batch = Array(0..<rank - 3)
    let all = permuted(batch + [rank - 2, rank - 3, rank - 1])
      .withShape(Shape(shape.prefix(rank - 3) + [shape[rank - 2], shape[rank - 3] * shape[rank - 1]]))
    let starts = [Dim](repeating: 0, count: all.rank)
    let limits = all.shape.dropLast() + [Dim(columns)]
    let some = all.applying(Slice(starts: starts, limits: limits, steps: starts.map { _ in 1 }))
    return transposed ? some.permuted(batch + [rank - 2, rank - 3]) : some
  }
}
