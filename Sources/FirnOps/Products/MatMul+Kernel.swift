internal import CFirnKernels
package import FirnGraph

extension MatMul {
  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    let layout = ProductLayout(
      operands[0].shape, operands[1].shape, transposeA: transposeA, transposeB: transposeB, order: order)
    return operands[0].dtype == .f32 ? layout.fast(nil) : layout.plain(nil)
  }
}

extension PackedMatMul: StartingOp {
  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    kernel(operands: operands, results: results, finishing: nil)
  }

  func kernel(operands: [ArrayType], results: [ArrayType], finishing: Finishing?) -> Kernel {
    let layout = ProductLayout(operands[0].shape, transposeA: transposeA, columns: columns)
    return operands[0].dtype == .f32 ? layout.fast(finishing) : layout.plain(finishing)
  }
}

/// The extents and strides of one product.
private struct ProductLayout: Sendable {
  var m, n, k: Int
  var batch: Int
  /// Steps of a along m and k, of b along k and n.
  var aRow, aColumn, bRow, bColumn: Int
  /// The step of b from panel to panel; 0 where it is not packed.
  var bPanel = 0
  /// The step of b from matrix to matrix.
  var bMatrix: Int
  /// Where the first summand is in a and b.
  var aFirst = 0
  var bFirst = 0
  /// Whether the sum begins with a third operand.
  var continues: Bool

  init(_ a: [Int], _ b: [Int], transposeA: Bool, transposeB: Bool, order: MatMul.Order?) {
    let rank = a.count
    (m, k) = transposeA ? (a[rank - 1], a[rank - 2]) : (a[rank - 2], a[rank - 1])
    n = transposeB ? b[rank - 2] : b[rank - 1]
    batch = a.dropLast(2).reduce(1, *)
    (aRow, aColumn) = transposeA ? (1, m) : (k, 1)
    (bRow, bColumn) = transposeB ? (1, k) : (n, 1)
    bMatrix = k * n
    continues = order != nil
    guard order == .descending, k > 0 else { return }
    (aFirst, bFirst) = ((k - 1) * aColumn, (k - 1) * bRow)
    (aColumn, bRow) = (-aColumn, -bRow)
  }

  init(_ a: [Int], transposeA: Bool, columns: Int) {
    self.init(a, a.dropLast(2) + [0, columns], transposeA: transposeA, transposeB: false, order: nil)
    bRow = Pack.width
    bPanel = k * Pack.width
    bMatrix = Pack.panels(of: n) * bPanel
  }

  /// Multiply-adds below which a piece is not worth handing to a worker.
  private static let pieceWork = 1 << 18
  /// Rows a piece should be a multiple of: the micro-kernels' tile heights divide it.
  private static let rowGrain = 48
  /// Rows that are finished at once where a product begins a program: a block of the left operand.
  private static let stretch = Int(FIRN_BLOCK_ROWS)

  /// A large product is split along its batch, or along the longer of its rows and columns: every worker reads, and may
  /// have to pack, all of the operand that is not split.
  func fast(_ finishing: Finishing?) -> Kernel {
    // Rows that one block of the left operand reads where they are need room for two panels.
    let isReadInPlace = bColumn == 1 && m <= Int(FIRN_BLOCK_ROWS)
    let packedColumns = bPanel > 0 ? 0 : isReadInPlace ? Swift.min(n, 2 * Pack.width) : n
    let own = (Int(firn_matmul_workspace_f32(m, packedColumns, k)) + 63) / 64 * 64
    let workspace = own + (finishing?.workspaceBytes ?? 0)
    let work = Swift.max(1, m * n * k)
    let places = finishing.places
    return Kernel(workspaceBytes: workspace) { (call: borrowing KernelCall) throws(FirnError) in
      let (a, b) = (call.operand(places.a, as: Float.self), call.operand(places.b, as: Float.self))
      let c = call.result(places.result, as: Float.self)
      let scratch = call.workspace
      if continues { c.update(from: call.operand(2), count: batch * m * n) }
      if batch * m * n == 0 { return }
      finishing?.prepare(call, at: scratch + own)
      func product(_ at: Int, rows: Range<Int>, columns: Range<Int>, _ worker: Int) {
        let left = a + at * m * k + rows.lowerBound * aRow + aFirst
        let right = b + at * bMatrix + bFirst
        let to = c + at * m * n + rows.lowerBound * n + columns.lowerBound
        let scratch = scratch + worker * workspace
        if bPanel > 0 {
          firn_matmul_packed_f32(
            rows.count, columns.count, k, left, aRow, aColumn,
            right + columns.lowerBound / Pack.width * bPanel, to, n, scratch)
        } else {
          (continues ? firn_matmul_continue_f32 : firn_matmul_f32)(
            rows.count, columns.count, k, left, aRow, aColumn, right + columns.lowerBound * bColumn, bRow,
            bColumn,
            to, n, scratch)
        }
      }
      /// Whole rows, a stretch after the other, each finished while it is in cache.
      func finished(_ at: Int, rows: Range<Int>, _ worker: Int) {
        guard let finishing else { return product(at, rows: rows, columns: 0..<n, worker) }
        let table = finishing.begin(at: scratch + worker * workspace + own, shared: scratch + own)
        for start in Swift.stride(from: rows.lowerBound, to: rows.upperBound, by: Self.stretch) {
          let some = start..<Swift.min(start + Self.stretch, rows.upperBound)
          product(at, rows: some, columns: 0..<n, worker)
          finishing.run((at * m + some.lowerBound) * n..<(at * m + some.upperBound) * n, table)
        }
      }
      if batch > 1 {
        call.split(batch, grain: Swift.max(1, Self.pieceWork / work)) { range, worker in
          for at in range { finished(at, rows: 0..<m, worker) }
        }
      } else if m >= 2 * Self.rowGrain, m > n {
        let tiles = Swift.max(1, Self.pieceWork / (work / m * Self.rowGrain + 1))
        call.split(m, grain: tiles * Self.rowGrain) { range, worker in finished(0, rows: range, worker) }
      } else {
        // By panels of b; where it is not packed it is cut as if it were.
        let panels = Swift.max(1, Self.pieceWork / (work / n * Pack.width + 1))
        call.split(Pack.panels(of: n), grain: panels) { range, worker in
          let columns = range.lowerBound * Pack.width..<Swift.min(range.upperBound * Pack.width, n)
          product(0, rows: 0..<m, columns: columns, worker)
        }
        finishing?.runAll(call, scratch + own, step: workspace)
      }
    }
  }

  /// In `f64`: each sum in the order of k.
  func plain(_ finishing: Finishing?) -> Kernel {
    let places = finishing.places
    let own = Self.doubleWorkspace(k)
    let workspace = own + (finishing?.workspaceBytes ?? 0)
    return Kernel(workspaceBytes: workspace) { (call: borrowing KernelCall) throws(FirnError) in
      let (a, b) = (call.operand(places.a, as: Double.self), call.operand(places.b, as: Double.self))
      let c = call.result(places.result, as: Double.self)
      let scratch = call.workspace
      if continues { c.update(from: call.operand(2), count: batch * m * n) }
      // Rows of all matrices, by matrix where a piece has rows of several.
      call.split(batch * m, grain: Swift.max(1, Self.pieceWork / Swift.max(1, n * k))) { range, worker in
        let scratch = scratch + worker * workspace
        var row = range.lowerBound
        while row < range.upperBound {
          let (at, i) = (row / m, row % m)
          let rows = Swift.min(range.upperBound - row, m - i)
          let (left, right) = (a + at * m * k + i * aRow + aFirst, b + at * bMatrix + bFirst)
          let width = bPanel > 0 ? Pack.width : Swift.max(n, 1)
          for first in stride(from: 0, to: n, by: width) {
            let panel = bPanel > 0 ? right + first / width * bPanel : right
            firn_matmul_f64(
              rows, Swift.min(width, n - first), k, left, aRow, aColumn, panel, bRow,
              bPanel > 0 ? 1 : bColumn,
              c + row * n + first, n, continues ? 1 : 0, scratch)
          }
          row += rows
        }
      }
      guard let finishing else { return }
      finishing.prepare(call, at: scratch + own)
      finishing.runAll(call, scratch + own, step: workspace)
    }
  }

  /// Bytes that `firn_matmul_f64` works in.
  private static func doubleWorkspace(_ k: Int) -> Int { 64 * Swift.max(k, 1) }
}
