import FirnGraph
import FirnOps

extension Operator {
  /// The exponent of a pool: a float in opset 1, an integer since.
  private static func power(_ c: OperatorCall) -> Double {
    c.attribute("p")?.float.map { Double($0) } ?? Double(c.int("p", 2))
  }

  static let images: [Operator] = [
    Operator("Conv", means: "`conv1d`, `conv2d`, `conv3d`") { c throws(FirnError) in
      let x = try c.laid(0)
      let kernelShape = try c.shape(1)
      guard x.rank == kernelShape.rank, (3...5).contains(x.rank) else {
        throw c.unsupported("a convolution of \(x.rank - 2) axes", remedy: "use one to three")
      }
      let spatial = x.rank - 2
      let sizes = try c.numbers(kernelShape.dimensions.suffix(spatial), "an extent of the kernel")
      let w = try Windows(c, sizes: sizes, on: Array(x.shape.dimensions.suffix(spatial)))
      let kernel = try c.weight(1, order: Array(2..<x.rank) + [1, 0], role: "kernel")
      let groups = c.int("group", 1)
      var result: Tensor
      switch spatial {
      case 1:
        result = conv1d(
          x.channelsLast, kernel, stride: w.strides[0],
          padding: .explicit(top: 0, bottom: 0, left: w.low[0], right: w.high[0]), dilation: w.dilations[0],
          groups: groups)
      case 2:
        result = conv2d(
          x.channelsLast, kernel, strides: (w.strides[0], w.strides[1]), padding: w.padding(0, 1),
          dilation: (w.dilations[0], w.dilations[1]), groups: groups)
      default:
        result = conv3d(
          x.channelsLast, kernel, strides: Windows.volume(w.strides), padding: w.volumePadding,
          dilation: Windows.volume(w.dilations), groups: groups)
      }
      if c.has(2) { result = result + (try c.weight(2, role: "bias")) }
      return [.of(result, isChannelsLast: true)]
    },
    Operator("ConvTranspose", means: "`conv2dTranspose`, `conv3dTranspose`") { c throws(FirnError) in
      let x = try c.laid(0)
      let kernelShape = try c.shape(1)
      guard x.rank == kernelShape.rank, (3...5).contains(x.rank) else {
        throw c.unsupported("a transposed convolution of \(x.rank - 2) axes", remedy: "use one to three")
      }
      let spread = try SpreadWindows(c, image: x.shape, kernel: kernelShape)
      var kernel = try c.weight(1, order: Array(2..<x.rank) + [1, 0], role: "kernel")
      var image = x.channelsLast
      // A sequence is an image one row high.
      if x.rank == 3 {
        kernel = kernel.expandingAxis(at: 0)
        image = image.expandingAxis(at: 1)
      }
      let groups = c.int("group", 1)
      var result =
        x.rank == 5
        ? conv3dTranspose(
          image, kernel, strides: Windows.volume(spread.strides), dilation: Windows.volume(spread.dilations),
          groups: groups)
        : conv2dTranspose(
          image, kernel, strides: (spread.strides[0], spread.strides[1]),
          dilation: (spread.dilations[0], spread.dilations[1]), groups: groups)
      result = spread.cut(result)
      if x.rank == 3 { result = result.squeezed(axes: [1]) }
      if c.has(2) { result = result + (try c.weight(2, role: "bias")) }
      return [.of(result, isChannelsLast: true)]
    },
    Operator(
      "MaxPool", means: "`maxPool2d`, axes two at a time; `Indices` by pooling tap by tap",
      differs: "with `Indices` at most 4096 taps"
    ) { c throws(FirnError) in
      let x = try c.laid(0)
      let spatial = x.rank - 2
      guard spatial >= 1 else { throw c.unsupported("a pool of \(x.rank) axes") }
      let sizes = c.ints("kernel_shape") ?? []
      let extents = Array(x.shape.dimensions.suffix(spatial))
      let windows = try Windows(c, sizes: sizes, on: extents)
      let extra = windows.overhang(on: try c.numbers(extents, "an extent of the image"))
      if c.wants(1) { return try indexedPool(x, windows, extra, c) }
      let type = x.dtype
      let image = type.isFloatingPoint ? x.channelsLast : x.channelsLast.cast(to: .f64)
      let result = pooled(image) { part, first, second in
        maxPool2d(
          part, window: (sizes[first], second.map { sizes[$0] } ?? 1),
          strides: (windows.strides[first], second.map { windows.strides[$0] } ?? 1),
          padding: windows.padding(first, second, extra: extra),
          dilation: (windows.dilations[first], second.map { windows.dilations[$0] } ?? 1))
      }
      return [.of(result.cast(to: type), isChannelsLast: true)]
    },
    Operator(
      "AveragePool",
      means: "`averagePool2d`, axes two at a time; products with constant matrices for odd windows"
    ) {
      c throws(FirnError) in
      let x = try c.laid(0)
      let spatial = x.rank - 2
      guard spatial >= 1 else { throw c.unsupported("a pool of \(x.rank) axes") }
      let sizes = c.ints("kernel_shape") ?? []
      let extents = Array(x.shape.dimensions.suffix(spatial))
      let windows = try Windows(c, sizes: sizes, on: extents)
      let image = try c.numbers(extents, "an extent of the image")
      let countsPadding = c.flag("count_include_pad")
      let isPlain =
        !windows.hasDilation && windows.overhang(on: image).allSatisfy { $0 == 0 }
        && sizes.indices.allSatisfy { windows.low[$0] < sizes[$0] && windows.high[$0] < sizes[$0] }
      if isPlain {
        let result = pooled(x.channelsLast) { part, first, second in
          averagePool2d(
            part, window: (sizes[first], second.map { sizes[$0] } ?? 1),
            strides: (windows.strides[first], second.map { windows.strides[$0] } ?? 1),
            padding: windows.padding(first, second), countsPadding: countsPadding)
        }
        return [.of(result, isChannelsLast: true)]
      }
      var result = x.channelsLast
      for axis in 0..<spatial {
        let matrix = try windows.matrix(axis, extent: image[axis]) { inside, padded in
          1 / Double(countsPadding ? padded : inside)
        }
        result = try OperatorCall.mapping(result, axis: axis + 1, by: matrix)
      }
      return [.of(result, isChannelsLast: true)]
    },
    Operator("LpPool", means: "powers, summed by products with constant matrices") { c throws(FirnError) in
      let x = try c.laid(0)
      let spatial = x.rank - 2
      guard spatial >= 1 else { throw c.unsupported("a pool of \(x.rank) axes") }
      let p = power(c)
      let extents = Array(x.shape.dimensions.suffix(spatial))
      let windows = try Windows(c, sizes: c.ints("kernel_shape") ?? [], on: extents)
      let image = try c.numbers(extents, "an extent of the image")
      var result = p == 2 ? square(x.channelsLast) : pow(abs(x.channelsLast), p)
      for axis in 0..<spatial {
        let matrix = try windows.matrix(axis, extent: image[axis]) { _, _ in 1 }
        result = try OperatorCall.mapping(result, axis: axis + 1, by: matrix)
      }
      return [.of(p == 2 ? sqrt(result) : pow(result, 1 / p), isChannelsLast: true)]
    },
    Operator("GlobalAveragePool", means: "`mean` over the spatial axes") { c throws(FirnError) in
      let x = try c.laid(0)
      try c.requireRank(x.rank, atLeast: 2)
      return [
        .of(x.channelsLast.mean(axes: Array(1..<x.rank - 1), keepingAxes: true), isChannelsLast: true)
      ]
    },
    Operator("GlobalMaxPool", means: "`max` over the spatial axes") { c throws(FirnError) in
      let x = try c.laid(0)
      try c.requireRank(x.rank, atLeast: 2)
      return [
        .of(x.channelsLast.max(axes: Array(1..<x.rank - 1), keepingAxes: true), isChannelsLast: true)
      ]
    },
    Operator("GlobalLpPool", means: "powers, summed over the spatial axes") { c throws(FirnError) in
      let x = try c.laid(0)
      try c.requireRank(x.rank, atLeast: 2)
      let p = power(c)
      let sums = pow(abs(x.channelsLast), p).sum(axes: Array(1..<x.rank - 1), keepingAxes: true)
      return [.of(pow(sums, 1 / p), isChannelsLast: true)]
    },
    Operator("DepthToSpace", means: "`depthToSpace`") { c throws(FirnError) in
      let order: ChannelOrder = c.string("mode", "DCR") == "CRD" ? .channelsFirst : .placesFirst
      let x = try c.laid(0)
      return [
        .of(x.channelsLast.depthToSpace(block: c.int("blocksize", 1), order: order), isChannelsLast: true)
      ]
    },
    Operator("SpaceToDepth", means: "`spaceToDepth`") { c throws(FirnError) in
      let order: ChannelOrder = c.string("mode", "DCR") == "CRD" ? .channelsFirst : .placesFirst
      let x = try c.laid(0)
      return [
        .of(x.channelsLast.spaceToDepth(block: c.int("blocksize", 1), order: order), isChannelsLast: true)
      ]
    },
    Operator("MaxUnpool", means: "`scatterElements` of the flat image") { c throws(FirnError) in
      try unpooled(c)
    },
    Operator("Col2Im", means: "`scatterAdd` of each block's places") { c throws(FirnError) in
      try assembled(c)
    },
    Operator("Resize", means: "`resize`, or `resampled` axis by axis") {
      c throws(FirnError) in
      try Resizing(c).results()
    },
    Operator("Upsample", means: "as `Resize`") { c throws(FirnError) in try Resizing(c).results() },
  ]

  /// A greatest element of each window and its place in the image of the model, made flat.
  ///
  /// Of places nothing is asked but which is greatest; so it is told by the taps in order, the first of equal ones.
  private static func indexedPool(
    _ x: LaidTensor, _ windows: Windows, _ extra: [Int], _ c: OperatorCall
  ) throws(FirnError) -> [ImportedValue] {
    let spatial = x.rank - 2
    guard x.dtype.isFloatingPoint,
      windows.sizes.reduce(1, { $0.multipliedReportingOverflow(by: $1).partialValue }) <= 4096
    else { throw c.unsupported("the output `Indices` of so large a window") }
    let plain = x.plain
    let extents = try c.numbers(plain.shape.dimensions.suffix(spatial), "an extent of the image")
    let pads = windows.low + zip(windows.high, extra).map { $0 + $1 }
    let low = [0, 0] + pads.prefix(spatial).map { Dim($0) }
    let high = [0, 0] + pads.suffix(spatial).map { Dim($0) }
    let padded = plain.padded(low: low, high: high, value: -.infinity)
    let strides = (c.int("storage_order", 0) == 0 ? extents : extents.reversed()).rowMajorStrides
    var taps = [[Int]()]
    for size in windows.sizes { taps = taps.flatMap { tap in (0..<size).map { tap + [$0] } } }
    let parts = taps.map { tap -> Tensor in
      var (starts, limits) = ([Dim](repeating: 0, count: 2), Array(padded.shape.dimensions.prefix(2)))
      for axis in 0..<spatial {
        let start = tap[axis] * windows.dilations[axis]
        starts.append(Dim(start))
        limits.append(Dim(start + (windows.counts[axis] - 1) * windows.strides[axis] + 1))
      }
      return padded.sliced(starts: starts, limits: limits, steps: [1, 1] + windows.strides)
    }
    if parts.contains(where: \.isPoisoned) { return [.of(.poisoned(in: x.tensor.graph))] }
    let all = stack(parts, axis: 0)
    let graph = all.graph
    let chosen = all.argmax(axis: 0)
    // The place of a window's first tap, and from there to the chosen one.
    func column(_ axis: Int, _ values: [Int]) -> Tensor {
      var ones = [Dim](repeating: 1, count: x.rank)
      ones[axis + 2] = Dim(values.count)
      return graph.constant(NDArray(values.map { Int32($0) })).reshaped(to: Shape(ones))
    }
    let order = c.int("storage_order", 0) == 0 ? strides : strides.reversed()
    let steps = taps.map { tap in
      Int32(truncatingIfNeeded: (0..<spatial).reduce(0) { $0 + tap[$1] * windows.dilations[$1] * order[$1] })
    }
    var places = gather(graph.constant(NDArray(steps)), indices: chosen)
    for axis in 0..<spatial {
      let starts = (0..<windows.counts[axis]).map {
        ($0 * windows.strides[axis] - windows.low[axis]) * order[axis]
      }
      places = places + column(axis, starts)
    }
    if places.isPoisoned { return [.of(places)] }
    let (n, channels) = (plain.extent(0), plain.extent(1))
    let size = graph.extent(Dim(extents.reduce(1, *)), dtype: .i32)
    let image = Shape([n, channels] + [Dim](repeating: 1, count: spatial))
    places = places + graph.iota(n * channels).reshaped(to: image) * size
    return [.of(all.max(axes: [0])), .of(places)]
  }

  private static func unpooled(_ c: OperatorCall) throws(FirnError) -> [ImportedValue] {
    let (x, places) = (try c.tensor(0), try c.tensor(1))
    let spatial = x.rank - 2
    let sizes = c.ints("kernel_shape") ?? []
    let strides = c.ints("strides") ?? Array(repeating: 1, count: spatial)
    let pads = c.ints("pads") ?? Array(repeating: 0, count: 2 * spatial)
    guard spatial >= 1, sizes.count == spatial, strides.count == spatial, pads.count == 2 * spatial,
      (sizes + strides).allSatisfy({ (1...1 << 30).contains($0) }),
      pads.allSatisfy({ (0...1 << 30).contains($0) })
    else { throw FirnError(.shapeMismatch, "a window \(sizes) of \(x.type)", remedy: "check the model") }
    let extents = try c.numbers(x.shape.dimensions.suffix(spatial), "an extent of the image")
    var own: [Dim] = Array(x.shape.dimensions.prefix(2))
    for axis in 0..<spatial {
      own.append(
        Dim((extents[axis] - 1) * strides[axis] - pads[axis] - pads[spatial + axis] + sizes[axis]))
    }
    let wanted = c.has(2) ? try c.dims(2, "output_shape") : own
    guard wanted.count == x.rank else {
      throw FirnError(.shapeMismatch, "an output \(Shape(wanted)) of \(x.type)", remedy: "check the model")
    }
    let count = x.shape.elementCount
    let image = Tensor.filled(
      0, type: TensorType(x.dtype, [own.reduce(1, *)]), in: x.graph)
    let flat = FirnOps.scatterElements(
      image, indices: places.reshaped(to: [count]), updates: x.reshaped(to: [count]), axis: 0)
    var result = flat.reshaped(to: Shape(own))
    // Places are those of the smaller image; what is wanted beyond it is 0.
    for axis in 0..<spatial {
      guard let size = own[axis + 2].value, let target = wanted[axis + 2].value, size != target else {
        continue
      }
      var high = [Dim](repeating: 0, count: x.rank)
      high[axis + 2] = Dim(Swift.max(0, target - size))
      result =
        target > size
        ? result.padded(low: [Dim](repeating: 0, count: x.rank), high: high)
        : result.sliced(axis: axis + 2, from: 0, to: Dim(target))
    }
    return [.of(result)]
  }

  /// Blocks put back where they were cut out of an image, overlapping ones added.
  private static func assembled(_ c: OperatorCall) throws(FirnError) -> [ImportedValue] {
    let x = try c.tensor(0)
    let (image, block) = (try c.integers(1, "image_shape"), try c.integers(2, "block_shape"))
    let spatial = image.count
    guard x.rank == 3, spatial >= 1, block.count == spatial,
      (image + block).allSatisfy({ (1...1 << 24).contains($0) })
    else { throw FirnError(.shapeMismatch, "blocks \(block) of \(x.type)", remedy: "check the model") }
    let w = try Windows(c, sizes: block, on: image.map { Dim($0) })
    let (taps, windows) = (block.reduce(1, *), w.counts.reduce(1, *))
    guard taps < 1 << 20, windows < 1 << 20, taps * windows < 1 << 24, x.extent(2) == Dim(windows),
      let channels = x.extent(1).divided(exactlyBy: Dim(taps))
    else { throw FirnError(.shapeMismatch, "blocks \(block) of \(x.type)", remedy: "check the model") }
    try c.importer.keep(2 * taps * windows * MemoryLayout<Int32>.stride)
    // Beyond the image is one place more.
    let beyond = image.reduce(1) { $0.multipliedReportingOverflow(by: $1).partialValue }
    guard beyond < 1 << 30 else { throw c.unsupported("so large an image") }
    let strides = image.rowMajorStrides
    let (tapStrides, windowStrides) = (block.rowMajorStrides, w.counts.rowMajorStrides)
    var places: [Int32] = []
    places.reserveCapacity(taps * windows)
    for tap in 0..<taps {
      for window in 0..<windows {
        var place = 0
        for axis in 0..<spatial {
          let at =
            window / windowStrides[axis] % w.counts[axis] * w.strides[axis] - w.low[axis]
            + tap / tapStrides[axis] % block[axis] * w.dilations[axis]
          guard (0..<image[axis]).contains(at) else {
            place = beyond
            break
          }
          place += at * strides[axis]
        }
        places.append(Int32(place))
      }
    }
    let parts = x.reshaped(to: [x.extent(0), channels, Dim(taps * windows)])
    let sums = scatterAdd(
      parts, indices: x.graph.constant(NDArray(places)), axis: 2, size: Dim(beyond + 1))
    let whole = sums.sliced(axis: 2, from: 0, to: Dim(beyond))
    return [.of(whole.reshaped(to: Shape([x.extent(0), channels] + image.map { Dim($0) })))]
  }

  /// A pool that works along each axis by itself, two at a time: the other axes are folded into the batch.
  private static func pooled(_ image: Tensor, _ pool: (Tensor, Int, Int?) -> Tensor) -> Tensor {
    let spatial = image.rank - 2
    if spatial == 2 { return pool(image, 0, 1) }
    if spatial == 1 { return pool(image.expandingAxis(at: 2), 0, nil).squeezed(axes: [2]) }
    var result = image
    // The last two with all before them in the batch, then each of those with all behind it as columns of channels.
    let (n, channels) = (image.extent(0), image.extent(image.rank - 1))
    let before = Array(image.shape.dimensions[1..<spatial - 1])
    let folded = before.reduce(n, *)
    let inner = pool(
      result.reshaped(to: [folded, image.extent(spatial - 1), image.extent(spatial), channels]), spatial - 2,
      spatial - 1)
    if inner.isPoisoned { return inner }
    result = inner.reshaped(to: Shape([n] + before + [inner.extent(1), inner.extent(2), channels]))
    for axis in 0..<spatial - 2 where !result.isPoisoned {
      let shape = result.shape.dimensions
      let outer = shape[..<(axis + 1)].reduce(1, *)
      let rest = Array(shape[(axis + 2)...])
      let part = pool(result.reshaped(to: [outer, shape[axis + 1], 1, rest.reduce(1, *)]), axis, nil)
      result = part.reshaped(to: Shape(shape[...axis] + [part.extent(1)] + rest))
    }
    return result
  }
}

extension Windows {
  /// The weights of each window along one axis.
  ///
  /// - Parameter weight: of an element, from how many of a window's taps are inside the image, and inside its padding.
  fileprivate func matrix(
    _ axis: Int, extent: Int, _ weight: (_ inside: Int, _ padded: Int) -> Double
  ) throws(FirnError) -> [[Double]] {
    try OperatorCall.requireMatrix(counts[axis], Swift.max(extent, sizes[axis]))
    return (0..<counts[axis]).map { window in
      let taps = (0..<sizes[axis]).map { window * strides[axis] - low[axis] + $0 * dilations[axis] }
      let inside = taps.filter { (0..<extent).contains($0) }
      let padded = taps.filter { (-low[axis]..<extent + high[axis]).contains($0) }
      var row = [Double](repeating: 0, count: extent)
      for tap in inside { row[tap] += weight(inside.count, padded.count) }
      return row
    }
  }
}

/// The windows of a transposed convolution of one to three axes, and what is cut off its result or put to it.
private struct SpreadWindows {
  private(set) var strides: [Int]
  private(set) var dilations: [Int]
  private var low: [Int]
  private var wanted: [Int]

  init(_ c: OperatorCall, image: Shape, kernel: Shape) throws(FirnError) {
    let rank = image.rank - 2
    strides = c.ints("strides") ?? Array(repeating: 1, count: rank)
    dilations = c.ints("dilations") ?? Array(repeating: 1, count: rank)
    let extra = c.ints("output_padding") ?? Array(repeating: 0, count: rank)
    let pads = c.ints("pads") ?? Array(repeating: 0, count: 2 * rank)
    let sizes = try c.numbers(kernel.dimensions.suffix(rank), "an extent of the kernel")
    let extents = try c.numbers(image.dimensions.suffix(rank), "an extent of the image")
    guard strides.count == rank, dilations.count == rank, extra.count == rank, pads.count == 2 * rank,
      (strides + dilations + sizes).allSatisfy({ (1...1 << 30).contains($0) }),
      (pads + extra).allSatisfy({ (0...1 << 30).contains($0) })
    else {
      throw FirnError(
        .shapeMismatch, "strides, dilations or pads do not fit \(image)",
        remedy: "check the file with onnx.checker")
    }
    low = []
    wanted = []
    for axis in 0..<rank {
      let whole = (extents[axis] - 1) * strides[axis] + (sizes[axis] - 1) * dilations[axis] + 1
      let auto = c.string("auto_pad", "NOTSET")
      let isSame = auto == "SAME_UPPER" || auto == "SAME_LOWER"
      if isSame || c.ints("output_shape") != nil {
        let target =
          c.ints("output_shape").map { $0.count < rank ? -1 : $0[$0.count - rank + axis] } ?? extents[axis]
          * strides[axis]
        guard (0..<1 << 31).contains(target) else { throw c.unsupported("an output of \(target)") }
        let total = Swift.max(0, whole + extra[axis] - target)
        low.append(auto == "SAME_UPPER" ? total / 2 : total - total / 2)
        wanted.append(target)
      } else {
        let (before, after) = auto == "VALID" ? (0, 0) : (pads[axis], pads[rank + axis])
        low.append(before)
        wanted.append(whole + extra[axis] - before - after)
      }
    }
    if rank == 1 {
      strides.insert(1, at: 0)
      dilations.insert(1, at: 0)
      low.insert(0, at: 0)
      wanted.insert(1, at: 0)
    }
  }

  /// The part of the whole spread image that is wanted, with zeros where it ends before that.
  func cut(_ whole: Tensor) -> Tensor {
    var result = whole
    for axis in wanted.indices {
      guard !result.isPoisoned, let extent = result.extent(axis + 1).value else { continue }
      let end = low[axis] + wanted[axis]
      if end > extent {
        var high = [Dim](repeating: 0, count: result.rank)
        high[axis + 1] = Dim(end - extent)
        result = result.padded(low: [Dim](repeating: 0, count: result.rank), high: high)
      }
      if low[axis] > 0 || end < extent {
        result = result.sliced(axis: axis + 1, from: Dim(low[axis]), to: Dim(end))
      }
    }
    return result
  }
}
