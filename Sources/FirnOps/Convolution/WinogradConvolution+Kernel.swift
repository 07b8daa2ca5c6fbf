internal import CFirnKernels
package import FirnGraph

extension WinogradConvolution {
  /// Multiply-adds below which a piece is not worth handing to a worker.
  private static let pieceWork = 1 << 18
  /// Tiles that a piece should be a multiple of: the micro-kernels' tiles divide it.
  private static let tileGrain = 24

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    guard let size = try? extents(of: operands.map { TensorType($0.dtype, Shape($0.shape)) }) else {
      firnBug("winograd_convolution", "a kernel for \(operands)")
    }
    let (batch, result) = (operands[0].shape[0], results[0])
    if result.elementCount == 0 || size.channels == 0 {
      return Kernel { (call: borrowing KernelCall) throws(FirnError) in
        fill(call.result(as: UInt8.self), result, with: 0)
      }
    }
    return operands[0].dtype == .f64 ? plain(size, batch: batch) : fast(size, batch: batch)
  }

  /// Cut between tiles, or between panels of features where there are more of these: what is cut is read by one worker, the
  /// rest by all.
  private func fast(_ size: Extents, batch: Int) -> Kernel {
    let layout = FirnWinograd(
      tile: tile, rows: size.image[0], columns: size.image[1], channels: size.channels, top: padding[0],
      left: padding[2], down: size.down, across: size.across, result_rows: size.rows,
      result_columns: size.columns, features: features)
    let (features, width) = (self.features, Pack.width)
    let tiles = batch * size.down * size.across
    var whole = layout
    let workspace = (Int(firn_winograd_workspace_f32(&whole, tiles, features)) + 63) / 64 * 64
    let (places, channels) = (size.transform.places, size.channels)
    let isByTiles = tiles >= features
    let work = isByTiles ? features * Self.tileGrain : width * tiles
    let grain = Swift.max(1, Self.pieceWork / Swift.max(1, places * channels * work))
    return Kernel(workspaceBytes: workspace) { (call: borrowing KernelCall) throws(FirnError) in
      let (x, u) = (call.operand(0, as: Float.self), call.operand(1, as: Float.self))
      let y = call.result(as: Float.self)
      let scratch = call.workspace
      if isByTiles {
        call.split(tiles, grain: grain * Self.tileGrain) { range, worker in
          var layout = layout
          firn_winograd_f32(
            &layout, x, u, range.lowerBound, range.count, features, y, scratch + worker * workspace)
        }
        return
      }
      call.split(Pack.panels(of: features), grain: grain) { range, worker in
        var layout = layout
        let first = range.lowerBound * width
        firn_winograd_f32(
          &layout, x, u + first * channels, 0, tiles, Swift.min(features - first, range.count * width),
          y + first, scratch + worker * workspace)
      }
    }
  }

  /// The reference: tile by tile, feature by feature, every sum as it is written.
  private func plain(_ size: Extents, batch: Int) -> Kernel {
    let (padding, features, width) = (self.padding, self.features, Pack.width)
    let transform = size.transform
    let (m, span, places, channels) = (transform.tile, transform.span, transform.places, size.channels)
    let panels = Pack.panels(of: features)
    let (down, across) = (size.down, size.across)
    return Kernel { (call: borrowing KernelCall) throws(FirnError) in
      let (x, u) = (call.operand(0, as: Double.self), call.operand(1, as: Double.self))
      let y = call.result(as: Double.self)
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
    }
  }
}
