import FirnGraph
import FirnOps

extension Operator {
  static let images: [Operator] = [
    Operator("Conv", means: "`conv1d`, `conv2d`") { c throws(FirnError) in
      let x = try c.laid(0)
      let kernelShape = try c.shape(1)
      guard x.rank == kernelShape.rank, (3...4).contains(x.rank) else {
        throw c.unsupported("a convolution of \(x.rank - 2) axes", remedy: "use one or two")
      }
      let spatial = x.rank - 2
      let sizes = try c.numbers(kernelShape.dimensions.suffix(spatial), "an extent of the kernel")
      let windows = try Windows(c, sizes: sizes, on: Array(x.shape.dimensions.suffix(spatial)))
      let kernel = try c.weight(1, order: Array(2..<x.rank) + [1, 0], role: "kernel")
      let groups = c.int("group", 1)
      var result: Tensor
      if spatial == 1 {
        result = conv1d(
          x.channelsLast, kernel, stride: windows.strides[0],
          padding: .explicit(top: 0, bottom: 0, left: windows.low[0], right: windows.high[0]),
          dilation: windows.dilations[0], groups: groups)
      } else {
        result = conv2d(
          x.channelsLast, kernel, strides: (windows.strides[0], windows.strides[1]),
          padding: windows.padding(0, 1), dilation: (windows.dilations[0], windows.dilations[1]),
          groups: groups)
      }
      if c.has(2) { result = result + (try c.weight(2, role: "bias")) }
      return [.of(result, isChannelsLast: true)]
    },
    Operator("ConvTranspose", means: "`conv2dTranspose`") { c throws(FirnError) in
      let x = try c.laid(0)
      let kernelShape = try c.shape(1)
      guard x.rank == kernelShape.rank, (3...4).contains(x.rank) else {
        throw c.unsupported("a transposed convolution of \(x.rank - 2) axes", remedy: "use one or two")
      }
      let spread = try SpreadWindows(c, image: x.shape, kernel: kernelShape)
      var kernel = try c.weight(1, order: Array(2..<x.rank) + [1, 0], role: "kernel")
      var image = x.channelsLast
      // A sequence is an image one row high.
      if x.rank == 3 {
        kernel = kernel.expandingAxis(at: 0)
        image = image.expandingAxis(at: 1)
      }
      var result = conv2dTranspose(
        image, kernel, strides: (spread.strides[0], spread.strides[1]), padding: .valid,
        dilation: (spread.dilations[0], spread.dilations[1]), groups: c.int("group", 1))
      result = spread.cut(result)
      if x.rank == 3 { result = result.squeezed(axes: [1]) }
      if c.has(2) { result = result + (try c.weight(2, role: "bias")) }
      return [.of(result, isChannelsLast: true)]
    },
    Operator("MaxPool", means: "`maxPool2d`, axes two at a time", differs: "`Indices` is not supported") {
      c throws(FirnError) in
      let x = try c.laid(0)
      let spatial = x.rank - 2
      guard spatial >= 1 else { throw c.unsupported("a pool of \(x.rank) axes") }
      guard !c.wants(1) else { throw c.unsupported("the output `Indices`") }
      let sizes = c.ints("kernel_shape") ?? []
      let extents = Array(x.shape.dimensions.suffix(spatial))
      let windows = try Windows(c, sizes: sizes, on: extents)
      let extra = windows.overhang(on: try c.numbers(extents, "an extent of the image"))
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
      let p = c.float("p") ?? Double(c.int("p", 2))
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
      let p = c.float("p") ?? Double(c.int("p", 2))
      let sums = pow(abs(x.channelsLast), p).sum(axes: Array(1..<x.rank - 1), keepingAxes: true)
      return [.of(pow(sums, 1 / p), isChannelsLast: true)]
    },
    Operator("DepthToSpace", means: "`reshaped`, `transposed`") { c throws(FirnError) in
      let x = try c.tensor(0)
      let block = c.int("blocksize", 1)
      guard x.rank == 4, (1...1 << 15).contains(block),
        let depth = x.extent(1).divided(exactlyBy: Dim(block * block))
      else {
        throw FirnError(.shapeMismatch, "\(x.type) has no blocks of \(block)", remedy: "check the model")
      }
      let (n, h, w, b) = (x.extent(0), x.extent(2), x.extent(3), Dim(block))
      let isColumnsFirst = c.string("mode", "DCR") == "CRD"
      let parts = x.reshaped(to: isColumnsFirst ? [n, depth, b, b, h, w] : [n, b, b, depth, h, w])
      let turned = parts.transposed(isColumnsFirst ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2])
      return [.of(turned.reshaped(to: [n, depth, h * b, w * b]))]
    },
    Operator("SpaceToDepth", means: "`reshaped`, `transposed`") { c throws(FirnError) in
      let x = try c.tensor(0)
      let block = Dim(c.int("blocksize", 1))
      guard x.rank == 4, let h = x.extent(2).divided(exactlyBy: block),
        let w = x.extent(3).divided(exactlyBy: block)
      else {
        throw FirnError(.shapeMismatch, "\(x.type) has no blocks of \(block)", remedy: "check the model")
      }
      let (n, depth) = (x.extent(0), x.extent(1))
      let isColumnsFirst = c.string("mode", "DCR") == "CRD"
      let parts = x.reshaped(to: [n, depth, h, block, w, block])
        .transposed(isColumnsFirst ? [0, 1, 3, 5, 2, 4] : [0, 3, 5, 1, 2, 4])
      return [.of(parts.reshaped(to: [n, depth * block * block, h, w]))]
    },
    Operator("Resize", means: "`resize`, or products with constant matrices, axis by axis") {
      c throws(FirnError) in
      try Resizing(c).results()
    },
    Operator("Upsample", means: "as `Resize`") { c throws(FirnError) in try Resizing(c).results() },
  ]

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

/// The windows of a transposed convolution of one or two axes, and what is cut off its result or put to it.
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
    for axis in 0..<2 {
      guard let extent = result.extent(axis + 1).value else { continue }
      let end = low[axis] + wanted[axis]
      if end > extent {
        var high = [Dim](repeating: 0, count: 4)
        high[axis + 1] = Dim(end - extent)
        result = result.padded(low: [0, 0, 0, 0], high: high)
      }
      if low[axis] > 0 || end < extent {
        result = result.sliced(axis: axis + 1, from: Dim(low[axis]), to: Dim(end))
      }
    }
    return result
  }
}
