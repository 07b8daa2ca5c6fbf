internal import CFirnKernels
package import FirnGraph

extension Convolution {
  /// Multiply-adds below which a piece is not worth handing to a worker.
  private static let pieceWork = 1 << 18
  /// Rows and columns a piece should be a multiple of: the micro-kernels' tiles divide it.
  private static let tileGrain = 96

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    guard let extents = try? extents(of: operands.map { TensorType($0.dtype, Shape($0.shape)) }) else {
      firnBug("convolution", "a kernel for \(operands)")
    }
    let layout = Layout(
      extents, window: window, groups: groups, batch: operands[0].shape[0])
    let result = results[0]
    if result.elementCount == 0 || operands.contains(where: { $0.elementCount == 0 }) {
      return Kernel { (call: borrowing KernelCall) throws(FirnError) in
        fill(call.result(as: UInt8.self), result, with: 0)
      }
    }
    if operands[0].dtype == .f64 { return plain(layout) }
    if layout.isDepthwise { return function == .kernelGradient ? depthwiseKernel(layout) : depthwise(layout) }
    return function == .kernelGradient ? kernelGradient(layout) : windows(layout)
  }

  /// Everything a kernel has to know of the extents.
  struct Layout: Sendable {
    let batch: Int
    let groups: Int
    let image: [Int]
    let taps: [Int]
    let counts: [Int]
    let channels: Int
    let features: Int
    let window: SlidingWindow

    init(_ extents: Extents, window: SlidingWindow, groups: Int, batch: Int) {
      (image, taps, counts) = (extents.image, extents.taps, extents.counts)
      (channels, features) = (extents.channels, extents.features)
      (self.window, self.groups, self.batch) = (window, groups, batch)
    }

    /// Of one group.
    var groupChannels: Int { channels / groups }
    var groupFeatures: Int { features / groups }
    var isDepthwise: Bool { groups > 1 && groupChannels == 1 && groupFeatures == 1 }

    func forward(_ axis: Int) -> FirnWindowAxis {
      FirnWindowAxis(
        count: counts[axis], step: window.strides[axis], offset: -window.padding[2 * axis], taps: taps[axis],
        tap: window.dilation[axis], extent: image[axis])
    }

    /// The window of y that the elements of x see; those of one phase, `stride` elements apart, see the same taps.
    ///
    /// Element p s + phase meets tap i at y[(p s + phase + top - i d) / s], where that is whole.
    func backward(_ axis: Int) -> [Phase] {
      let (stride, gap, low) = (window.strides[axis], window.dilation[axis], window.padding[2 * axis])
      let cycle = stride / greatestCommonDivisor(stride, gap)
      return (0..<Swift.min(stride, image[axis])).map { phase in
        let first = (0..<Swift.min(cycle, taps[axis])).first { (phase + low - $0 * gap) % stride == 0 }
        let axis = FirnWindowAxis(
          count: (image[axis] - phase + stride - 1) / stride, step: 1,
          offset: first.map { (phase + low - $0 * gap) / stride } ?? 0,
          taps: first.map { (taps[axis] - $0 + cycle - 1) / cycle } ?? 0, tap: -(cycle * gap / stride),
          extent: counts[axis])
        return Phase(axis: axis, start: phase, firstTap: first ?? 0, tapStep: cycle)
      }
    }
  }

  /// One axis of an input gradient, of the elements that see the same taps.
  struct Phase: Sendable {
    let axis: FirnWindowAxis
    let start: Int
    let firstTap: Int
    let tapStep: Int
  }

  /// What one product computes: windows of the first operand, taps of the second, places in the result.
  private struct Product: Sendable {
    let window: FirnWindow
    let from: Int
    let tapOffset: Int
    let taps: (tapRow: Int, tapColumn: Int, row: Int, column: Int)
    let to: Int
    let pixels: FirnPixels
    let columns: Int

    /// The share of its taps that lie in the image, over all windows.
    var insideShare: Double {
      func share(_ axis: FirnWindowAxis) -> Double {
        var inside = 0
        for at in 0..<axis.count {
          let first = at * axis.step + axis.offset
          for tap in 0..<axis.taps where (0..<axis.extent).contains(first + tap * axis.tap) { inside += 1 }
        }
        return Double(inside) / Double(Swift.max(1, axis.count * axis.taps))
      }
      return share(window.rows) * share(window.columns)
    }

    /// How many images there are if pixels are counted position by position, 0 if image by image.
    ///
    /// Pixels of one position see the same taps, so those beside the image need not be multiplied; of small images they
    /// are many. A tile is filled by images then, of which there must be enough; and what is left out is whole taps, which
    /// must not be too short.
    func positionImages(_ batch: Int) -> Int {
      batch >= 8 && window.channels >= 64 && insideShare <= 0.85 ? batch : 0
    }

    /// Its rows, and the extent it sums over.
    func size(_ batch: Int) -> (pixels: Int, depth: Int) {
      (
        batch * window.rows.count * window.columns.count,
        window.rows.taps * window.columns.taps * window.channels
      )
    }

    func taps(_ base: UnsafePointer<Float>) -> FirnTaps {
      FirnTaps(
        base: base + tapOffset, tap_row: taps.tapRow, tap_column: taps.tapColumn, row: taps.row,
        column: taps.column)
    }
  }

  /// `conv2d` is one product a group, its input gradient one for each pair of phases.
  private func products(_ l: Layout) -> [Product] {
    let (channels, features) = (l.groupChannels, l.groupFeatures)
    let tap = channels * l.features
    let groups = l.isDepthwise ? 1 : l.groups
    var products: [Product] = []
    for group in 0..<groups {
      if function == .forward {
        let window = FirnWindow(
          rows: l.forward(0), columns: l.forward(1), channels: l.isDepthwise ? l.channels : channels,
          pixel: l.channels)
        products.append(
          Product(
            window: window, from: group * channels, tapOffset: group * features,
            taps: (l.taps[1] * tap, tap, l.features, 1), to: group * features,
            pixels: FirnPixels(
              image: l.counts[0] * l.counts[1] * l.features, row: l.counts[1] * l.features, column: l.features
            ),
            columns: features))
        continue
      }
      for down in l.backward(0) {
        for across in l.backward(1) {
          let window = FirnWindow(
            rows: down.axis, columns: across.axis, channels: l.isDepthwise ? l.features : features,
            pixel: l.features)
          let (row, column) = (l.window.strides[0] * l.image[1], l.window.strides[1])
          products.append(
            Product(
              window: window, from: group * features,
              tapOffset: (down.firstTap * l.taps[1] + across.firstTap) * tap + group * features,
              taps: (down.tapStep * l.taps[1] * tap, across.tapStep * tap, 1, l.features),
              to: (down.start * l.image[1] + across.start) * l.channels + group * channels,
              pixels: FirnPixels(
                image: l.image[0] * l.image[1] * l.channels, row: row * l.channels,
                column: column * l.channels),
              columns: channels))
        }
      }
    }
    return products
  }

  /// Split along pixels, or along columns where there are more of these: the other operand is packed by each worker.
  private func windows(_ l: Layout) -> Kernel {
    let products = products(l)
    let batch = l.batch
    let workspace =
      products.map { product in
        let (pixels, depth) = product.size(batch)
        return (Int(firn_matmul_workspace_f32(pixels, product.columns, depth)) + 63) / 64 * 64
      }.max() ?? 0
    let images = products.map { $0.positionImages(batch) }
    return Kernel(workspaceBytes: workspace) { (call: borrowing KernelCall) throws(FirnError) in
      let (x, k) = (call.operand(0, as: Float.self), call.operand(1, as: Float.self))
      let y = call.result(as: Float.self)
      let scratch = call.workspace
      for (number, product) in products.enumerated() {
        let (pixels, depth) = product.size(batch)
        func run(_ rows: Range<Int>, _ columns: Range<Int>, _ worker: Int) {
          var (window, steps) = (product.window, product.pixels)
          var taps = product.taps(k)
          taps.base += columns.lowerBound * taps.column
          firn_window_matmul_f32(
            &window, x + product.from, images[number], rows.lowerBound, rows.count, columns.count, &taps,
            y + product.to + columns.lowerBound, &steps, scratch + worker * workspace)
        }
        split(call, rows: pixels, columns: product.columns, depth: depth, run)
      }
    }
  }

  /// Calls `body` on pieces of a product, cut along the longer of its two axes.
  private func split(
    _ call: borrowing KernelCall, rows: Int, columns: Int, depth: Int,
    _ body: (Range<Int>, Range<Int>, Int) -> Void
  ) {
    let length = Swift.max(rows, columns)
    let work = Swift.max(1, Swift.min(rows, columns) * depth * Self.tileGrain)
    let grain = Swift.max(1, Self.pieceWork / work) * Self.tileGrain
    call.split(length, grain: grain) { range, worker in
      if rows >= columns { body(range, 0..<columns, worker) } else { body(0..<rows, range, worker) }
    }
  }

  private func kernelGradient(_ l: Layout) -> Kernel {
    let (channels, features) = (l.groupChannels, l.groupFeatures)
    let window = FirnWindow(rows: l.forward(0), columns: l.forward(1), channels: channels, pixel: l.channels)
    let (rows, depth) = (l.taps[0] * l.taps[1] * channels, l.batch * l.counts[0] * l.counts[1])
    let workspace = (Int(firn_matmul_workspace_f32(rows, features, depth)) + 63) / 64 * 64
    return Kernel(workspaceBytes: workspace) { (call: borrowing KernelCall) throws(FirnError) in
      let (x, g) = (call.operand(0, as: Float.self), call.operand(1, as: Float.self))
      let y = call.result(as: Float.self)
      let scratch = call.workspace
      for group in 0..<l.groups {
        split(call, rows: rows, columns: features, depth: depth) { rows, columns, worker in
          var window = window
          let column = group * features + columns.lowerBound
          firn_window_transposed_matmul_f32(
            &window, x + group * channels, l.batch, rows.lowerBound, rows.count, columns.count, g + column,
            l.features, y + rows.lowerBound * l.features + column, l.features, scratch + worker * workspace)
        }
      }
    }
  }

  private func depthwise(_ l: Layout) -> Kernel {
    let products = products(l)
    return Kernel { (call: borrowing KernelCall) throws(FirnError) in
      let (x, k) = (call.operand(0, as: Float.self), call.operand(1, as: Float.self))
      let y = call.result(as: Float.self)
      for product in products {
        let window = product.window
        let work = window.columns.count * window.channels * window.rows.taps * window.columns.taps
        call.inPieces(l.batch * window.rows.count, grain: grain(ofItems: work)) { start, count in
          var (window, steps, taps) = (window, product.pixels, product.taps(k))
          firn_depthwise_f32(&window, x, start, count, &taps, y + product.to, &steps)
        }
      }
    }
  }

  private func depthwiseKernel(_ l: Layout) -> Kernel {
    let window = FirnWindow(
      rows: l.forward(0), columns: l.forward(1), channels: l.channels, pixel: l.channels)
    // A multiple of what one pass of the kernel holds in registers.
    let grain = Swift.max(64, grain(ofItems: l.batch * l.counts[0] * l.counts[1] * l.taps[0] * l.taps[1]))
    return Kernel { (call: borrowing KernelCall) throws(FirnError) in
      let (x, g) = (call.operand(0, as: Float.self), call.operand(1, as: Float.self))
      let y = call.result(as: Float.self)
      call.inPieces(l.channels, grain: grain) { start, count in
        var window = window
        window.channels = count
        firn_depthwise_kernel_f32(&window, x + start, g + start, l.batch, y + start)
      }
    }
  }
}

private func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : greatestCommonDivisor(b, a % b) }
