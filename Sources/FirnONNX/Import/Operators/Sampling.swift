import FirnGraph
import FirnOps

extension Operator {
  static let sampling: [Operator] = [
    Operator("GridSample", means: "`gridSample`", differs: "of two or three axes") { c throws(FirnError) in
      let x = try c.laid(0)
      let grid = try c.tensor(1)
      let padding: GridPadding
      switch c.string("padding_mode", "zeros") {
      case "border": padding = .border
      case "reflection": padding = .reflection
      default: padding = .zeros
      }
      // `bilinear` and `bicubic` before opset 20.
      let mode = c.string("mode", "linear")
      let result = gridSample(
        x.channelsLast, at: grid, isNearest: mode == "nearest", isCubic: mode.hasSuffix("cubic"),
        padding: padding, alignsCorners: c.flag("align_corners"))
      return [.of(result, isChannelsLast: true)]
    },
    Operator("AffineGrid", means: "a constant grid, `matmul`") { c throws(FirnError) in
      let theta = try c.tensor(0)
      // [batch, channels, …]
      let sizes = Array(try c.integers(1, "size").dropFirst(2))
      guard theta.rank == 3, (2...3).contains(sizes.count), sizes.allSatisfy({ (1...1 << 20).contains($0) }),
        theta.shape.dimensions.suffix(2) == [Dim(sizes.count), Dim(sizes.count + 1)]
      else { throw FirnError(.shapeMismatch, "\(theta.type) for sizes \(sizes)", remedy: "check the model") }
      let count = sizes.reduce(1) { $0.multipliedReportingOverflow(by: $1).partialValue }
      try OperatorCall.requireMatrix(count, sizes.count + 1)
      try c.importer.keep(2 * count * (sizes.count + 1) * MemoryLayout<Double>.stride)
      let strides = sizes.rowMajorStrides
      let isAligned = c.flag("align_corners")
      var places: [Double] = []
      for place in 0..<count {
        // The last axis is the first coordinate.
        for axis in sizes.indices.reversed() {
          let (at, size) = (Double(place / strides[axis] % sizes[axis]), Double(sizes[axis]))
          places.append(isAligned ? (size == 1 ? -1 : 2 * at / (size - 1) - 1) : (2 * at + 1) / size - 1)
        }
        places.append(1)
      }
      let grid = theta.graph.constant(
        try NDArray(places, shape: [count, sizes.count + 1]).converted(to: theta.dtype))
      let turned = matmul(
        grid.broadcast(to: [theta.extent(0), Dim(count), Dim(sizes.count + 1)]), theta, transposeB: true)
      return [
        .of(turned.reshaped(to: Shape([theta.extent(0)] + sizes.map { Dim($0) } + [Dim(sizes.count)])))
      ]
    },
    Operator(
      "RoiAlign", means: "`gridSample`, `averagePool2d` or `maxPool2d`",
      differs: "`sampling_ratio` must be given"
    ) { c throws(FirnError) in [.of(try regions(c), isChannelsLast: true)] },
    Operator("DeformConv", means: "`gridSample` tap by tap, and a product") { c throws(FirnError) in
      [.of(try deformed(c), isChannelsLast: true)]
    },
  ]

  /// Regions of interest as images of one size.
  private static func regions(_ c: OperatorCall) throws(FirnError) -> Tensor {
    let x = try c.laid(0).channelsLast
    let (boxes, batch) = (try c.tensor(1), try c.tensor(2))
    let ratio = c.int("sampling_ratio", 0)
    let mode = c.string("mode", "avg")
    guard ["avg", "max"].contains(mode) else { throw c.unsupported("the mode `\(mode)`") }
    guard (1...64).contains(ratio) else {
      throw c.unsupported("a sampling ratio that depends on the boxes", remedy: "give `sampling_ratio`")
    }
    let (rows, columns) = (c.int("output_height", 1), c.int("output_width", 1))
    guard x.rank == 4, boxes.rank == 2, boxes.extent(1) == 4, (1...1 << 12).contains(rows),
      (1...1 << 12).contains(columns)
    else { throw FirnError(.shapeMismatch, "boxes \(boxes.type) of \(x.type)", remedy: "check the model") }
    let sizes = try c.numbers([x.shape[1], x.shape[2]], "an extent of the image")
    guard sizes.allSatisfy({ $0 > 1 }) else { throw c.unsupported("regions of an image one element high") }
    let isHalf = c.string("coordinate_transformation_mode", "half_pixel") == "half_pixel" && c.version >= 16
    let scaled = boxes * c.float("spatial_scale", 1) - (isHalf ? 0.5 : 0)
    let count = boxes.extent(0)
    /// Along one axis: the places within the image, and whether each was in it; [boxes, places].
    func axis(_ first: Int, _ bins: Int, _ size: Int) -> (place: Tensor, isInside: Tensor) {
      let start = scaled.sliced(axis: 1, from: Dim(first), to: Dim(first + 1))
      var length = scaled.sliced(axis: 1, from: Dim(first + 2), to: Dim(first + 3)) - start
      if !isHalf { length = maximum(length, 1) }
      let samples = bins * ratio
      let shares = (0..<samples).map { (Double($0) + 0.5) / Double(samples) }
      let share = x.graph.constant(NDArray(shares).converted(to: x.dtype)).reshaped(to: [1, Dim(samples)])
      let at = start + length * share
      let isInside = logicalAnd(greaterEqual(at, -1), lessEqual(at, Double(size)))
      return (clamp(at, min: 0, max: Double(size - 1)), isInside)
    }
    let (down, across) = (axis(1, rows, sizes[0]), axis(0, columns, sizes[1]))
    let (height, width) = (Dim(rows * ratio), Dim(columns * ratio))
    let place: Shape = [count, height, width]
    func spread(_ tensor: Tensor, _ isDown: Bool) -> Tensor {
      tensor.reshaped(to: isDown ? [count, height, 1] : [count, 1, width]).broadcast(to: place)
    }
    let images = gather(x, indices: batch)
    /// What the images have at places of their rows and columns.
    func sampled(_ down: Tensor, _ across: Tensor, isNearest: Bool) -> Tensor {
      let grid = stack(
        [
          spread(across * (2 / Double(sizes[1] - 1)) - 1, false),
          spread(down * (2 / Double(sizes[0] - 1)) - 1, true),
        ], axis: 3)
      return gridSample(images, at: grid, isNearest: isNearest, padding: .border, alignsCorners: true)
    }
    let isInside = logicalAnd(spread(across.isInside, false), spread(down.isInside, true))
    func kept(_ values: Tensor) -> Tensor {
      select(where: isInside.expandingAxis(at: 3), values, otherwise: x.graph.constant(0, dtype: x.dtype))
    }
    if mode == "avg" {
      return averagePool2d(kept(sampled(down.place, across.place, isNearest: false)), window: (ratio, ratio))
    }
    // The greatest of what each of four neighbours contributes, not of what they add up to.
    func neighbours(_ place: Tensor, _ size: Int) -> [(place: Tensor, weight: Tensor)] {
      let low = floor(place)
      return [(low, 1 - (place - low)), (minimum(low + 1, Double(size - 1)), place - low)]
    }
    let (rowsBeside, columnsBeside) = (neighbours(down.place, sizes[0]), neighbours(across.place, sizes[1]))
    let parts = rowsBeside.flatMap { row in
      columnsBeside.map { column in
        let weight = spread(row.weight, true) * spread(column.weight, false)
        return sampled(row.place, column.place, isNearest: true) * weight.expandingAxis(at: 3)
      }
    }
    let greatest = parts.dropFirst().reduce(parts[0]) { maximum($0, $1) }
    return maxPool2d(kept(greatest), window: (ratio, ratio))
  }

  /// A convolution whose taps are moved by offsets, and weighted by a mask.
  private static func deformed(_ c: OperatorCall) throws(FirnError) -> Tensor {
    let x = try c.laid(0).channelsLast
    let kernelShape = try c.shape(1)
    guard x.rank == 4, kernelShape.rank == 4 else { throw c.unsupported("other than images") }
    let sizes = try c.numbers(kernelShape.dimensions.suffix(2), "an extent of the kernel")
    let w = try Windows(c, sizes: sizes, on: [x.shape[1], x.shape[2]])
    let image = try c.numbers([x.shape[1], x.shape[2]], "an extent of the image")
    let channels = try c.numbers([x.extent(3)], "the number of channels")[0]
    let (groups, parts) = (c.int("group", 1), c.int("offset_group", 1))
    let taps = sizes[0] * sizes[1]
    guard groups >= 1, (1...1 << 10).contains(parts), channels % parts == 0, taps <= 1 << 10,
      image.allSatisfy({ $0 > 1 })
    else {
      throw FirnError(
        .shapeMismatch, "\(parts) groups of offsets for \(channels) channels", remedy: "check the model")
    }
    let (n, rows, columns) = (x.extent(0), Dim(w.counts[0]), Dim(w.counts[1]))
    // [batch, groups of offsets, taps, 2 or 1, rows, columns]
    let offsets = try c.tensor(2).reshaped(to: [n, Dim(parts), Dim(taps), 2, rows, columns])
    let mask = try c.tensorIfAny(4)?.reshaped(to: [n, Dim(parts), Dim(taps), rows, columns])
    let graph = x.graph
    func starts(_ axis: Int, _ tap: Int, _ shape: Shape) -> Tensor {
      let places = (0..<w.counts[axis]).map {
        Double($0 * w.strides[axis] - w.low[axis] + tap * w.dilations[axis])
      }
      return graph.constant(NDArray(places).converted(to: x.dtype)).reshaped(to: shape)
    }
    func part(_ tensor: Tensor, _ axis: Int, _ index: Int) -> Tensor {
      tensor.sliced(axis: axis, from: Dim(index), to: Dim(index + 1)).squeezed(axes: [axis])
    }
    var columnsOfTaps: [Tensor] = []
    for tap in 0..<taps {
      var sampled: [Tensor] = []
      for group in 0..<parts {
        let offset = part(part(offsets, 1, group), 1, tap)
        let down = part(offset, 1, 0) + starts(0, tap / sizes[1], [rows, 1])
        let across = part(offset, 1, 1) + starts(1, tap % sizes[1], [columns])
        let grid = stack(
          [across * (2 / Double(image[1] - 1)) - 1, down * (2 / Double(image[0] - 1)) - 1], axis: 3)
        let width = channels / parts
        let own = x.sliced(axis: 3, from: Dim(group * width), to: Dim((group + 1) * width))
        var values = gridSample(own, at: grid, alignsCorners: true)
        if let mask { values = values * part(part(mask, 1, group), 1, tap).expandingAxis(at: 3) }
        sampled.append(values)
      }
      columnsOfTaps.append(concatenate(sampled, axis: 3))
    }
    // What each tap sees side by side, as one row of taps of a plain convolution.
    let seen = stack(columnsOfTaps, axis: 3).reshaped(
      to: [n * rows * columns, 1, Dim(taps), Dim(channels)])
    let kernel = try c.weight(1, order: [2, 3, 1, 0], role: "kernel")
    let flat = kernel.reshaped(to: [1, Dim(taps), kernel.extent(2), kernel.extent(3)])
    var result = conv2d(seen, flat, groups: groups).reshaped(to: [n, rows, columns, kernel.extent(3)])
    if c.has(3) { result = result + (try c.weight(3, role: "bias")) }
    return result
  }
}
