internal import CFirnKernels
package import FirnGraph

extension MatMul {
  /// The extents and strides of one product.
  private struct Layout: Sendable {
    var m, n, k: Int
    var batch: Int
    /// Steps of a along m and k, of b along k and n.
    var aRow, aColumn, bRow, bColumn: Int
    /// Where the first summand is in a and b.
    var aFirst = 0
    var bFirst = 0
    /// Whether the sum begins with a third operand.
    var continues: Bool

    init(_ a: [Int], _ b: [Int], transposeA: Bool, transposeB: Bool, order: Order?) {
      let rank = a.count
      (m, k) = transposeA ? (a[rank - 1], a[rank - 2]) : (a[rank - 2], a[rank - 1])
      n = transposeB ? b[rank - 2] : b[rank - 1]
      batch = a.dropLast(2).reduce(1, *)
      (aRow, aColumn) = transposeA ? (1, m) : (k, 1)
      (bRow, bColumn) = transposeB ? (1, k) : (n, 1)
      continues = order != nil
      guard order == .descending, k > 0 else { return }
      (aFirst, bFirst) = ((k - 1) * aColumn, (k - 1) * bRow)
      (aColumn, bRow) = (-aColumn, -bRow)
    }
  }

  /// Multiply-adds below which a piece is not worth handing to a worker.
  private static let pieceWork = 1 << 18
  /// Rows a piece should be a multiple of: the micro-kernels' tile heights divide it.
  private static let rowGrain = 48
  private static let columnGrain = 64

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    let layout = Layout(
      operands[0].shape, operands[1].shape, transposeA: transposeA, transposeB: transposeB,
      order: order)
    return operands[0].dtype == .f32 ? Self.fast(layout) : Self.plain(layout)
  }

  /// A large product is split along its batch, its rows, or, where it has few, its columns.
  private static func fast(_ l: Layout) -> Kernel {
    let workspace = (Int(firn_matmul_workspace_f32(l.m, l.n, l.k)) + 63) / 64 * 64
    let work = Swift.max(1, l.m * l.n * l.k)
    return Kernel(workspaceBytes: workspace) { (call: borrowing KernelCall) throws(FirnError) in
      let (a, b) = (call.operand(0, as: Float.self), call.operand(1, as: Float.self))
      let c = call.result(as: Float.self)
      let scratch = call.workspace
      if l.continues { c.update(from: call.operand(2), count: l.batch * l.m * l.n) }
      let run = l.continues ? firn_matmul_continue_f32 : firn_matmul_f32
      func product(_ at: Int, rows: Range<Int>, columns: Range<Int>, _ worker: Int) {
        run(
          rows.count, columns.count, l.k,
          a + at * l.m * l.k + rows.lowerBound * l.aRow + l.aFirst, l.aRow, l.aColumn,
          b + at * l.k * l.n + columns.lowerBound * l.bColumn + l.bFirst, l.bRow, l.bColumn,
          c + at * l.m * l.n + rows.lowerBound * l.n + columns.lowerBound, l.n, scratch + worker * workspace)
      }
      let (rows, columns) = (0..<l.m, 0..<l.n)
      if l.batch * l.m * l.n == 0 { return }
      if l.batch > 1 {
        call.split(l.batch, grain: Swift.max(1, pieceWork / work)) { range, worker in
          for at in range { product(at, rows: rows, columns: columns, worker) }
        }
      } else if l.m >= 2 * rowGrain {
        let tiles = Swift.max(1, pieceWork / (work / l.m * rowGrain + 1))
        call.split(l.m, grain: tiles * rowGrain) { range, worker in
          product(0, rows: range, columns: columns, worker)
        }
      } else {
        let tiles = Swift.max(1, pieceWork / (work / l.n * columnGrain + 1))
        call.split(l.n, grain: tiles * columnGrain) { range, worker in
          product(0, rows: rows, columns: range, worker)
        }
      }
    }
  }

  /// The reference: sums in the order of k, by rows of b where these are contiguous, else by inner products.
  private static func plain(_ l: Layout) -> Kernel {
    Kernel { (call: borrowing KernelCall) throws(FirnError) in
      let (a, b) = (call.operand(0, as: Double.self), call.operand(1, as: Double.self))
      let c = call.result(as: Double.self)
      if l.continues { c.update(from: call.operand(2), count: l.batch * l.m * l.n) }
      let rowWork = Swift.max(1, l.n * l.k)
      call.inPieces(l.batch * l.m, grain: Swift.max(1, pieceWork / rowWork)) { start, count in
        for row in start..<start + count {
          let (at, i) = (row / l.m, row % l.m)
          let left = a + at * l.m * l.k + i * l.aRow + l.aFirst
          let right = b + at * l.k * l.n + l.bFirst
          let to = c + row * l.n
          if l.bColumn == 1 {
            if !l.continues { for j in 0..<l.n { to[j] = 0 } }
            for p in 0..<l.k {
              let (factor, from) = (left[p * l.aColumn], right + p * l.bRow)
              for j in 0..<l.n { to[j] += factor * from[j] }
            }
          } else {
            for j in 0..<l.n {
              var sum = l.continues ? to[j] : 0
              for p in 0..<l.k { sum += left[p * l.aColumn] * right[j * l.bColumn + p * l.bRow] }
              to[j] = sum
            }
          }
        }
      }
    }
  }
}
