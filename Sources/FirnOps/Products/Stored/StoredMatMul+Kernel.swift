internal import CFirnKernels
package import FirnGraph

extension StoredMatMul {
  /// Multiply-adds below which a piece is not worth handing to a worker.
  private static let pieceWork = 1 << 18
  /// Rows a piece should be a multiple of: the micro-kernels' tile heights divide it.
  private static let rowGrain = 48
  /// Up to so many rows numbers are widened in registers, for six rows at a time.
  ///
  /// For more, a panel is widened once for all of them. Numbers with scales take one operation more.
  private var fewRows: Int { storage.isScaled ? 24 : 96 }
  /// Such rows have no more elements than the second-level cache holds.
  private static let fewElements = 1 << 16
  /// Numbers that are widened at once, which the second-level cache holds beside what they are multiplied with.
  private static let widenedAtOnce = 1 << 15

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    let a = operands[0].shape
    let (m, k) = transposeA ? (a[1], a[0]) : (a[0], a[1])
    let layout = StoredLayout(storage, .panels, shape: [k, columns], channel: channel)
    return operands[0].dtype == .f32 ? fast(m, k, layout) : plain(m, k, layout)
  }

  private func fast(_ m: Int, _ k: Int, _ layout: StoredLayout) -> Kernel {
    let (n, runs, type, size) = (columns, layout.runs, layout.type, storage.byteCount)
    let (aRow, aColumn) = transposeA ? (1, m) : (k, 1)
    let panels = Pack.panels(of: n)
    let panel = k * Pack.width
    let atOnce = Swift.max(1, Swift.min(panels, Self.widenedAtOnce / Swift.max(panel, 1)))
    func rounded(_ bytes: Int) -> Int { (bytes + 63) / 64 * 64 }
    let product = rounded(Int(firn_matmul_workspace_f32(m, 0, k)))
    let workspace = product + rounded(atOnce * panel * 4)
    let fewRows = Swift.min(fewRows, Swift.max(6, Self.fewElements / Swift.max(k, 1)))
    let isOfColumns: Int32 = runs.scale_outer > 0 ? 1 : 0
    let work = Swift.max(1, m * n * k)
    return Kernel(workspaceBytes: workspace) { (call: borrowing KernelCall) throws(FirnError) in
      let a = call.operand(0, as: Float.self)
      let (scales, numbers) = layout.parts(of: call.operand(1))
      let c = call.result(as: Float.self)
      let scratch = call.workspace
      func multiply(_ rows: Range<Int>, _ range: Range<Int>, _ worker: Int) {
        let left = a + rows.lowerBound * aRow
        let to = c + rows.lowerBound * n
        func columns(from first: Int, _ count: Int) -> Int {
          Swift.min(n - first * Pack.width, count * Pack.width)
        }
        if rows.count <= fewRows {
          let first = range.lowerBound
          var own = FirnPanelScales(base: scales + first * runs.scale_outer, of_columns: isOfColumns)
          firn_stored_rows_f32(
            type, rows.count, columns(from: first, range.count), k, left, aRow, aColumn,
            numbers + first * panel * size, &own, to + first * Pack.width, n)
          return
        }
        let own = scratch + worker * workspace
        let widened = (own + product).assumingMemoryBound(to: Float.self)
        for first in stride(from: range.lowerBound, to: range.upperBound, by: atOnce) {
          let count = Swift.min(atOnce, range.upperBound - first)
          var part = layout.runs(outer: count)
          firn_widen_f32(
            type, &part, numbers + first * panel * size, scales + first * runs.scale_outer, widened)
          firn_matmul_packed_f32(
            rows.count, columns(from: first, count), k, left, aRow, aColumn, widened, to + first * Pack.width,
            n,
            own)
        }
      }
      if m * n == 0 { return }
      if m >= 2 * Self.rowGrain, m > n {
        let tiles = Swift.max(1, Self.pieceWork / (work / m * Self.rowGrain + 1))
        call.split(m, grain: tiles * Self.rowGrain) { range, worker in multiply(range, 0..<panels, worker) }
      } else {
        let grain = Swift.max(1, Self.pieceWork / (work / n * Pack.width + 1))
        call.split(panels, grain: grain) { range, worker in multiply(0..<m, range, worker) }
      }
    }
  }

  /// The reference: sums in the order of k.
  private func plain(_ m: Int, _ k: Int, _ layout: StoredLayout) -> Kernel {
    let n = columns
    let (aRow, aColumn) = transposeA ? (1, m) : (k, 1)
    return Kernel { (call: borrowing KernelCall) throws(FirnError) in
      let (a, words) = (call.operand(0, as: Double.self), call.operand(1, as: Int32.self))
      let c = call.result(as: Double.self)
      call.inPieces(m, grain: Swift.max(1, Self.pieceWork / Swift.max(1, n * k))) { start, count in
        for i in start..<start + count {
          for j in 0..<n {
            var sum = 0.0
            for p in 0..<k {
              let number = layout.number(j / Pack.width, p, j % Pack.width, in: words)
              sum += a[i * aRow + p * aColumn] * number
            }
            c[i * n + j] = sum
          }
        }
      }
    }
  }
}
