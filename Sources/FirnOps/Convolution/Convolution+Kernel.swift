internal import CFirnKernels
package import FirnGraph

extension Convolution: StartingOp {
  /// Multiply-adds below which a piece is not worth handing to a worker.
  private static let pieceWork = 1 << 18
  /// Rows and columns a piece should be a multiple of: the micro-kernels' tiles divide it.
  private static let tileGrain = 96

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    kernel(operands: operands, results: results, finishing: nil)
  }

  func kernel(operands: [ArrayType], results: [ArrayType], finishing: Finishing?) -> Kernel {
    kernel(operands, results, panels: nil, finishing)
  }

  /// - Parameters:
  ///   - operands: the second one as it was before it was packed.
  ///   - panels: how it lies, if not plainly.
  func kernel(
    _ operands: [ArrayType], _ results: [ArrayType], panels: KernelPanels?, _ finishing: Finishing?
  ) -> Kernel {
    guard let extents = try? extents(of: operands.map { TensorType($0.dtype, Shape($0.shape)) }) else {
      firnBug("convolution", "a kernel for \(operands)")
    }
    let layout = Layout(
      extents, window: window, groups: groups, batch: operands[0].shape[0], panels: panels)
    let result = results[0]
    if result.elementCount == 0 || operands.contains(where: { $0.elementCount == 0 }) {
      return .zeros(result, finishing)
    }
    if operands[0].dtype == .f64 { return plain(layout, finishing) }
    if layout.isDepthwise {
      return function == .kernelGradient ? depthwiseKernel(layout) : depthwise(layout, finishing)
    }
    return function == .kernelGradient ? kernelGradient(layout) : windows(layout, finishing)
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
    /// How the kernel lies; nil where it does as its extents say.
    let panels: KernelPanels?

    init(_ extents: Extents, window: SlidingWindow, groups: Int, batch: Int, panels: KernelPanels?) {
      (image, taps, counts) = (extents.image, extents.taps, extents.counts)
      (channels, features) = (extents.channels, extents.features)
      (self.window, self.groups, self.batch, self.panels) = (window, groups, batch, panels)
    }

    /// Of one group.
    var groupChannels: Int { channels / groups }
    var groupFeatures: Int { features / groups }
    var isDepthwise: Bool { groups > 1 && groupChannels == 1 && groupFeatures == 1 && panels == nil }

    func forward(_ axis: Int) -> FirnWindowAxis {
      FirnWindowAxis(
        count: counts[axis], step: window.strides[axis], offset: -window.padding[2 * axis], taps: taps[axis],
        tap: window.dilation[axis], extent: image[axis])
    }

    /// The window of y that the elements of x see; those of one phase, `stride` elements apart, see the same taps.
    ///
    /// Element p s + phase meets tap i at y[(p s + phase + top - i d) / s], where that is whole.
    func backward(_ axis: Int) -> [StridePhase] {
      let (stride, gap, low) = (window.strides[axis], window.dilation[axis], window.padding[2 * axis])
      let cycle = stride / greatestCommonDivisor(stride, gap)
      return (0..<Swift.min(stride, image[axis])).map { phase in
        let first = (0..<Swift.min(cycle, taps[axis])).first { (phase + low - $0 * gap) % stride == 0 }
        let axis = FirnWindowAxis(
          count: (image[axis] - phase + stride - 1) / stride, step: 1,
          offset: first.map { (phase + low - $0 * gap) / stride } ?? 0,
          taps: first.map { (taps[axis] - $0 + cycle - 1) / cycle } ?? 0, tap: -(cycle * gap / stride),
          extent: counts[axis])
        return StridePhase(axis: axis, start: phase, firstTap: first ?? 0, tapStep: cycle)
      }
    }
  }

  /// One axis of an input gradient, of the elements that see the same taps.
  struct StridePhase: Sendable {
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
    let taps: (tapRow: Int, tapColumn: Int, row: Int, column: Int, panel: Int)
    let to: Int
    let pixels: FirnPixels
    let columns: Int

    /// Whether it makes all elements, `columns` for one pixel after the other.
    var isWhole: Bool {
      to == 0 && pixels.column == columns && pixels.row == window.columns.count * columns
        && pixels.image == window.rows.count * window.columns.count * columns
    }

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

    /// From this column on; of panels, the first of one.
    func taps(_ base: UnsafePointer<Float>, from column: Int = 0) -> FirnTaps {
      let start = taps.panel > 0 ? column / Pack.width * taps.panel : column * taps.column
      return FirnTaps(
        base: base + tapOffset + start, tap_row: taps.tapRow, tap_column: taps.tapColumn, row: taps.row,
        column: taps.column, panel: taps.panel)
    }
  }

  /// `conv2d` is one product a group, its input gradient one for each pair of phases.
  private func products(_ l: Layout) -> [Product] {
    let (channels, features) = (l.groupChannels, l.groupFeatures)
    let tap = channels * l.features
    let groups = l.isDepthwise ? 1 : l.groups
    var products: [Product] = []
    /// Where panels of the rows from `tap` on begin, and the step between them.
    func packed(_ group: Int, _ tap: Int) -> (offset: Int, panel: Int)? {
      l.panels.map { ((group * $0.panels * $0.tapCount + tap) * $0.depth * Pack.width, $0.panel) }
    }
    for group in 0..<groups {
      if function == .forward {
        let packed = packed(group, 0)
        let window = FirnWindow(
          rows: l.forward(0), columns: l.forward(1), channels: l.isDepthwise ? l.channels : channels,
          pixel: l.channels)
        products.append(
          Product(
            window: window, from: group * channels, tapOffset: packed?.offset ?? group * features,
            taps: (l.taps[1] * tap, tap, l.features, 1, packed?.panel ?? 0), to: group * features,
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
          // In panels the taps of a phase lie side by side, behind those of the phases before.
          let packed = packed(
            group,
            l.window.taps(before: down.start, of: l.taps[0], 0) * l.taps[1]
              + down.axis.taps * l.window.taps(before: across.start, of: l.taps[1], 1))
          products.append(
            Product(
              window: window, from: group * features,
              tapOffset: packed?.offset
                ?? (down.firstTap * l.taps[1] + across.firstTap) * tap + group * features,
              taps: (
                down.tapStep * l.taps[1] * tap, across.tapStep * tap, 1, l.features, packed?.panel ?? 0
              ),
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
  ///
  /// A kernel that is packed asks for columns only where pixels are few.
  private func windows(_ l: Layout, _ finishing: Finishing?) -> Kernel {
    let products = products(l)
    let batch = l.batch
    let isPacked = l.panels != nil
    let own =
      products.map { product in
        let (pixels, depth) = product.size(batch)
        let columns = isPacked ? 0 : product.columns
        return (Int(firn_matmul_workspace_f32(pixels, columns, depth)) + 63) / 64 * 64
      }.max() ?? 0
    let workspace = own + (finishing?.workspaceBytes ?? 0)
    let images = products.map { $0.positionImages(batch) }
    let byRows = products.map { product in
      let pixels = product.size(batch).pixels
      return pixels >= product.columns || isPacked && pixels >= 2 * Self.tileGrain
    }
    // Rows are finished as they are made where they are made whole, one after the other.
    let finishesRows = products.count == 1 && images[0] == 0 && byRows[0] && products[0].isWhole
    let isNear = products.allSatisfy { $0.size(batch).depth <= Self.nearElements / $0.columns }
    let stretch = isPacked && isNear ? Self.shortStretch : Self.longStretch
    let (a, b, to) = finishing.places
    return Kernel(workspaceBytes: workspace) { (call: borrowing KernelCall) throws(FirnError) in
      let (x, k) = (call.operand(a, as: Float.self), call.operand(b, as: Float.self))
      let y = call.result(to, as: Float.self)
      let scratch = call.workspace
      finishing?.prepare(call, at: scratch + own)
      for (number, product) in products.enumerated() {
        let (pixels, depth) = product.size(batch)
        func run(_ rows: Range<Int>, _ columns: Range<Int>, _ worker: Int) {
          var (window, steps) = (product.window, product.pixels)
          var taps = product.taps(k, from: columns.lowerBound)
          firn_window_matmul_f32(
            &window, x + product.from, images[number], rows.lowerBound, rows.count, columns.count, &taps,
            y + product.to + columns.lowerBound, &steps, scratch + worker * workspace)
        }
        split(call, rows: pixels, columns: product.columns, depth: depth, byRows: byRows[number]) {
          rows, columns, worker in
          guard let finishing, finishesRows else { return run(rows, columns, worker) }
          let table = finishing.begin(at: scratch + worker * workspace + own, shared: scratch + own)
          for start in Swift.stride(from: rows.lowerBound, to: rows.upperBound, by: stretch) {
            let some = start..<Swift.min(start + stretch, rows.upperBound)
            run(some, columns, worker)
            finishing.run(some.lowerBound * product.columns..<some.upperBound * product.columns, table)
          }
        }
      }
      if !finishesRows { finishing?.runAll(call, scratch + own, step: workspace) }
    }
  }

  /// Elements of a packed kernel that stays in the second-level cache.
  private static let nearElements = Int(FIRN_NEAR_ELEMENTS)
  /// Pixels that are finished at once: windows of one block of a product.
  private static let shortStretch = Int(FIRN_BLOCK_ROWS)
  /// The same, where the kernel is read from further away, or packed, for each stretch: that costs one hundredth of what
  /// is multiplied then.
  private static let longStretch = 8 * shortStretch

  /// Calls `body` on pieces of a product, cut along one of its two axes.
  private func split(
    _ call: borrowing KernelCall, rows: Int, columns: Int, depth: Int, byRows: Bool,
    _ body: (Range<Int>, Range<Int>, Int) -> Void
  ) {
    let work = Swift.max(1, (byRows ? columns : rows) * depth * Self.tileGrain)
    let grain = Swift.max(1, Self.pieceWork / work) * Self.tileGrain
    if byRows {
      call.split(rows, grain: grain) { body($0, 0..<columns, $1) }
    } else {
      // By whole panels: wherever the workers cut, a kernel that is packed is cut between them.
      let panels = (columns + Pack.width - 1) / Pack.width
      call.split(panels, grain: Swift.max(1, grain / Pack.width)) { range, worker in
        body(
          0..<rows, range.lowerBound * Pack.width..<Swift.min(range.upperBound * Pack.width, columns), worker)
      }
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
        split(call, rows: rows, columns: features, depth: depth, byRows: rows >= features) {
          rows, columns, worker in
          var window = window
          let column = group * features + columns.lowerBound
          firn_window_transposed_matmul_f32(
            &window, x + group * channels, l.batch, rows.lowerBound, rows.count, columns.count, g + column,
            l.features, y + rows.lowerBound * l.features + column, l.features, scratch + worker * workspace)
        }
      }
    }
  }

  private func depthwise(_ l: Layout, _ finishing: Finishing?) -> Kernel {
    let products = products(l)
    let finishesRows = products.count == 1
    let grains = products.map { product in
      let window = product.window
      return grain(
        ofItems: window.columns.count, window.channels, window.rows.taps, window.columns.taps)
    }
    let (a, b, to) = finishing.places
    let workspace = finishing?.workspaceBytes ?? 0
    return Kernel(workspaceBytes: workspace) { (call: borrowing KernelCall) throws(FirnError) in
      let (x, k) = (call.operand(a, as: Float.self), call.operand(b, as: Float.self))
      let y = call.result(to, as: Float.self)
      let scratch = call.workspace
      finishing?.prepare(call, at: scratch)
      for (product, grain) in zip(products, grains) {
        let window = product.window
        let row = window.columns.count * window.channels
        call.split(l.batch * window.rows.count, grain: grain) { rows, worker in
          var (window, steps, taps) = (window, product.pixels, product.taps(k))
          guard let finishing, finishesRows else {
            firn_depthwise_f32(&window, x, rows.lowerBound, rows.count, &taps, y + product.to, &steps)
            return
          }
          let table = finishing.begin(at: scratch + worker * workspace, shared: scratch)
          for at in rows {
            firn_depthwise_f32(&window, x, at, 1, &taps, y + product.to, &steps)
            finishing.run(at * row..<(at + 1) * row, table)
          }
        }
      }
      if !finishesRows { finishing?.runAll(call, scratch, step: workspace) }
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
