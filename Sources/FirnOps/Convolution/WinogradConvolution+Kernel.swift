internal import CFirnKernels
package import FirnGraph

extension WinogradConvolution: StartingOp {
  /// Multiply-adds below which a piece is not worth handing to a worker.
  private static let pieceWork = 1 << 18
  /// Tiles that a piece should be a multiple of: the micro-kernels' tiles divide it.
  private static let tileGrain = 24

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    kernel(operands: operands, results: results, finishing: nil)
  }

  func kernel(operands: [ArrayType], results: [ArrayType], finishing: Finishing?) -> Kernel {
    guard let size = try? extents(of: operands.map { TensorType($0.dtype, Shape($0.shape)) }) else {
      firnBug("winograd_convolution", "a kernel for \(operands)")
    }
    let (batch, result) = (operands[0].shape[0], results[0])
    if result.elementCount == 0 || size.channels == 0 {
      return .zeros(result, finishing)
    }
    return operands[0].dtype == .f64
      ? plain(size, batch: batch, finishing) : fast(size, batch: batch, finishing)
  }

  /// Cut between tiles, or between panels of features where there are more of these: what is cut is read by one worker, the
  /// rest by all.
  private func fast(_ size: Extents, batch: Int, _ finishing: Finishing?) -> Kernel {
    let layout = FirnWinograd(
      tile: tile, rows: size.image[0], columns: size.image[1], channels: size.channels, top: padding[0],
      left: padding[2], down: size.down, across: size.across, result_rows: size.rows,
      result_columns: size.columns, features: features)
    let (features, width) = (self.features, Pack.width)
    let tiles = batch * size.down * size.across
    var whole = layout
    let own = (Int(firn_winograd_workspace_f32(&whole, tiles, features)) + 63) / 64 * 64
    let workspace = own + (finishing?.workspaceBytes ?? 0)
    let (transformed, channels) = (size.transform.places, size.channels)
    let isByTiles = tiles >= features
    let work = isByTiles ? features * Self.tileGrain : width * tiles
    let grain = Swift.max(1, Self.pieceWork / Swift.max(1, transformed * channels * work))
    let (a, b, to) = finishing.places
    return Kernel(workspaceBytes: workspace) { (call: borrowing KernelCall) throws(FirnError) in
      let (x, u) = (call.operand(a, as: Float.self), call.operand(b, as: Float.self))
      let y = call.result(to, as: Float.self)
      let scratch = call.workspace
      finishing?.prepare(call, at: scratch + own)
      func make(_ some: Range<Int>, _ worker: Int) {
        var layout = layout
        firn_winograd_f32(
          &layout, x, u, some.lowerBound, some.count, features, y, scratch + worker * workspace)
      }
      guard isByTiles else {
        call.split(Pack.panels(of: features), grain: grain) { range, worker in
          var layout = layout
          let first = range.lowerBound * width
          firn_winograd_f32(
            &layout, x, u + first * channels, 0, tiles, Swift.min(features - first, range.count * width),
            y + first, scratch + worker * workspace)
        }
        finishing?.runAll(call, scratch + own, step: workspace)
        return
      }
      guard let finishing else {
        call.split(tiles, grain: grain * Self.tileGrain) { make($0, $1) }
        return
      }
      // By rows of tiles, which make whole rows of pixels.
      let rowGrain = (grain * Self.tileGrain + size.across - 1) / size.across
      call.split(batch * size.down, grain: rowGrain) { rows, worker in
        let table = finishing.begin(at: scratch + worker * workspace + own, shared: scratch + own)
        let (begin, end) = (rows.lowerBound * size.across, rows.upperBound * size.across)
        var finished = rows.lowerBound
        for start in Swift.stride(from: begin, to: end, by: Self.stretch) {
          let reached = Swift.min(start + Self.stretch, end)
          make(start..<reached, worker)
          let made = reached / size.across
          finishing.run(element(size, finished)..<element(size, made), table)
          finished = made
        }
      }
    }
  }

  /// Tiles that are made before what follows is done with their rows: a whole number of the kernel's blocks.
  private static let stretch = 144

  /// Where the pixels of a row of tiles begin in the result.
  private func element(_ size: Extents, _ row: Int) -> Int {
    (row / size.down * size.rows + row % size.down * tile) * size.columns * features
  }

  /// The reference: tile by tile, feature by feature, every sum as it is written.
  private func plain(_ size: Extents, batch: Int, _ finishing: Finishing?) -> Kernel {
    let (padding, features, width) = (self.padding, self.features, Pack.width)
    let transform = size.transform
    let (m, span, places, channels) = (transform.tile, transform.span, transform.places, size.channels)
    let panels = Pack.panels(of: features)
    let (down, across) = (size.down, size.across)
    let (a, b, to) = finishing.places
    let workspace = finishing?.workspaceBytes ?? 0
    return Kernel(workspaceBytes: workspace) { (call: borrowing KernelCall) throws(FirnError) in
      let (x, u) = (call.operand(a, as: Double.self), call.operand(b, as: Double.self))
      let y = call.result(to, as: Double.self)
      let scratch = call.workspace
      /// The transformed element of one channel at a place.
      func entered(_ image: Int, _ top: Int, _ left: Int, _ place: Int, _ channel: Int) -> Double {
        let (downward, sideward) = (transform.input[place / span], transform.input[place % span])
        var sum = 0.0
        for i in 0..<span where downward[i] != 0 && (0..<size.image[0]).contains(top + i) {
          for j in 0..<span where sideward[j] != 0 && (0..<size.image[1]).contains(left + j) {
            let pixel = (image * size.image[0] + top + i) * size.image[1] + left + j
            sum += downward[i] * sideward[j] * x[pixel * channels + channel]
          }
        }
        return sum
      }
      call.inPieces(batch * down * across, grain: 1) { start, count in
        for number in start..<start + count {
          let (image, row, column) = (number / (down * across), number / across % down, number % across)
          let (top, left) = (row * m - padding[0], column * m - padding[2])
          for o in 0..<features {
            withUnsafeTemporaryAllocation(of: Double.self, capacity: m * m) { sums in
              sums.initialize(repeating: 0)
              for place in 0..<places {
                let kernel = u + ((place * panels + o / width) * channels) * width + o % width
                var product = 0.0
                for c in 0..<channels { product += entered(image, top, left, place, c) * kernel[c * width] }
                for a in 0..<m {
                  for b in 0..<m {
                    sums[a * m + b] +=
                      transform.output[a][place / span] * transform.output[b][place % span] * product
                  }
                }
              }
              for a in 0..<Swift.min(m, size.rows - row * m) {
                for b in 0..<Swift.min(m, size.columns - column * m) {
                  let pixel = (image * size.rows + row * m + a) * size.columns + column * m + b
                  y[pixel * features + o] = sums[a * m + b]
                }
              }
            }
          }
        }
      }
      finishing?.prepare(call, at: scratch)
      finishing?.runAll(call, scratch, step: workspace)
    }
  }
}
