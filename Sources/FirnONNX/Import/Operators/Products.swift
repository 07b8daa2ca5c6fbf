import FirnGraph
import FirnOps

extension Operator {
  /// NumPy's matmul: vectors are rows on the left and columns on the right, and lose that axis again.
  static func product(_ a: Tensor, _ b: Tensor) -> Tensor {
    let left = a.rank == 1 ? a.expandingAxis(at: 0) : a
    let right = b.rank == 1 ? b.expandingAxis(at: 1) : b
    let type = a.dtype
    // Firn multiplies matrices of floats; f64 holds every i32, and sums of such products as far as they fit.
    let result =
      type == .i32
      ? matmul(left.cast(to: .f64), right.cast(to: .f64)).cast(to: .i32) : matmul(left, right)
    var gone: [Int] = []
    if a.rank == 1 { gone.append(result.rank - 2) }
    if b.rank == 1 { gone.append(result.rank - 1) }
    return gone.isEmpty ? result : result.squeezed(axes: gone)
  }

  static let products: [Operator] = [
    Operator("MatMul", means: "`matmul`") { c throws(FirnError) in
      let right = try c.shape(1).rank == 2 ? c.weight(1, role: "kernel") : c.tensor(1)
      return [.of(product(try c.tensor(0), right))]
    },
    Operator("Gemm", means: "`matmul`, scaled, and an addend") { c throws(FirnError) in
      let (alpha, beta) = (c.float("alpha", 1), c.float("beta", 1))
      let a = c.flag("transA") ? try c.tensor(0).transposed([1, 0]) : try c.tensor(0)
      // A weight lies as a dense layer's kernel does, [in, out].
      let b = try c.weight(1, order: c.flag("transB") ? [1, 0] : [0, 1], role: "kernel")
      var result = product(a, b)
      if alpha != 1 { result = scaled(result, alpha) }
      if c.has(2) {
        let addend = try c.weight(2, role: "bias")
        result = result + (beta == 1 ? addend : scaled(addend, beta))
      }
      return [.of(result)]
    },
    Operator("Einsum", means: "`einsum`") { c throws(FirnError) in
      var operands: [Tensor] = []
      for index in c.inputs.indices { operands.append(try c.tensor(index)) }
      guard !operands.isEmpty else { throw c.unsupported("a sum of nothing") }
      return [.of(einsum(c.string("equation", ""), operands))]
    },
    Operator("Det", means: "`*`, `+`, row by row", differs: "of 6 rows at most") {
      c throws(FirnError) in [.of(try determinant(c.tensor(0), c))]
    },
  ]

  private static func scaled(_ x: Tensor, _ factor: Double) -> Tensor {
    x.dtype == .i32 ? (x.cast(to: .f64) * factor).cast(to: .i32) : x * factor
  }

  /// By Laplace's expansion along the first row: of few rows it needs no division, so that nothing is lost by a zero.
  private static func determinant(_ x: Tensor, _ c: OperatorCall) throws(FirnError) -> Tensor {
    try c.requireRank(x.rank, atLeast: 2)
    let size = try c.numbers([x.extent(-1)], "the number of rows")[0]
    guard (1...6).contains(size), x.extent(-2) == Dim(size) else {
      throw c.unsupported("the determinant of \(x.type)", remedy: "compute it outside of the model")
    }
    let last = x.rank - 1
    let rows = x.unstacked(axis: last - 1).map { $0.unstacked(axis: last - 1) }
    if x.isPoisoned || rows.count != size { return .poisoned(in: x.graph) }
    // Of each set of columns the minor that the last rows have there.
    var minors: [[Int]: Tensor] = [:]
    func minor(_ columns: [Int]) -> Tensor {
      let row = rows[size - columns.count]
      if columns.count == 1 { return row[columns[0]] }
      if let known = minors[columns] { return known }
      let parts = columns.enumerated().map { place, column -> Tensor in
        let part = row[column] * minor(columns.filter { $0 != column })
        return place % 2 == 0 ? part : -part
      }
      let result = parts.dropFirst().reduce(parts[0], +)
      minors[columns] = result
      return result
    }
    return minor(Array(0..<size))
  }
}
