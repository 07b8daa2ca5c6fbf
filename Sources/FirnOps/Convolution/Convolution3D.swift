public import FirnGraph

// A sum of plane convolutions, one for each tap along the depth: as many products of the same size as an op of its own
// would do, with copies of planes before and sums after them.

/// The convolution of volumes with a kernel: `conv2d` with a depth.
///
/// y[n, r, p, q, o] = Σ x[n, r s₀ - front + h d₀, p s₁ - top + i d₁, q s₂ - left + j d₂, c] k[h, i, j, c, o]
///
/// | operand | shape |
/// | --- | --- |
/// | x | [batch, depth, height, width, channels], `f32` or `f64` |
/// | kernel | [depth, height, width, channels / groups, features] |
/// | result | [batch, ⌊(depth + front + back - span) / s₀⌋ + 1, likewise down and across, features] |
///
/// Channels come last, as in Keras; PyTorch's volumes are [batch, channels, depth, height, width], its kernels
/// [features, channels / groups, depth, height, width].
///
/// Constraints, numbered as `conv2d`'s: (C1) x and kernel have five axes; (C2) they are of one floating point type;
/// (C3) strides, dilation and groups are positive, padding is not negative; (C4) all extents but the batch are numbers;
/// (C5) `groups` divides channels and features; (C6) the kernel reads channels / groups; (C7) no padding is larger than
/// the span; (C8) the kernel has a tap, and its span is not larger than the padded volume.
///
/// - Parameters:
///   - x: the volumes.
///   - kernel: what each window is multiplied by.
///   - strides: from window to window.
///   - padding: what surrounds a volume.
///   - dilation: from one tap of a window to the next.
///   - groups: blocks of channels that do not see each other.
/// - Complexity: 2 batch depth rows columns features (channels / groups) taps FLOPs; x is copied and the result added
///   to once for each tap along the depth.
public func conv3d(
  _ x: Tensor, _ kernel: Tensor, strides: (depth: Int, height: Int, width: Int) = (1, 1, 1),
  padding: Padding3D = .valid, dilation: (depth: Int, height: Int, width: Int) = (1, 1, 1), groups: Int = 1,
  file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  if x.isPoisoned || kernel.isPoisoned { return .poisoned(in: x.graph) }
  return x.graph.at(CallSite(file, line)) {
    guard let depth = DepthAxis("conv3d", x, kernel, strides.depth, dilation.depth, padding, isSpread: false)
    else { return .poisoned(in: x.graph) }
    let planes = x.shape[2...]
    let padded =
      depth.low + depth.high == 0
      ? x
      : x.padded(
        low: [0, Dim(depth.low), 0, 0, 0], high: [0, Dim(depth.high), 0, 0, 0])
    let rows = x.shape[0] * Dim(depth.count)
    let sum = (0..<depth.taps).reduce(nil as Tensor?) { sum, tap in
      if sum?.isPoisoned == true { return sum }
      let start = tap * dilation.depth
      let part = padded.sliced(
        axis: 1, from: Dim(start), to: Dim(start + (depth.count - 1) * strides.depth + 1), by: strides.depth)
      let y = conv2d(
        part.withShape(Shape([rows] + planes)), kernel.plane(tap),
        strides: (strides.height, strides.width), padding: padding.plane,
        dilation: (dilation.height, dilation.width), groups: groups)
      return sum.map { $0 + y } ?? y
    }
    guard let sum, !sum.isPoisoned else { return .poisoned(in: x.graph) }
    return sum.withShape(Shape([x.shape[0], Dim(depth.count)] + sum.shape.dropFirst()))
  }
}

/// The transposed convolution of volumes: what `conv3d` does to the gradient of its volumes.
///
/// | operand | shape |
/// | --- | --- |
/// | x | [batch, depth, rows, columns, features], `f32` or `f64` |
/// | kernel | [depth, height, width, channels / groups, features]: what it makes comes before what it reads |
/// | result | [batch, (depth - 1) s₀ + span - front - back + output padding, likewise down and across, channels] |
///
/// Channels come last, as in Keras; PyTorch's kernel is [features, channels / groups, depth, height, width].
///
/// Constraints, numbered as `conv2d`'s: (C1) x and kernel have five axes; (C2) they are of one floating point type;
/// (C3) strides, dilation and groups are positive, padding is not negative; (C4) all extents but the batch are numbers;
/// (C5) `groups` divides channels and features; (C6) x has the kernel's features; (C7) no padding is larger than the
/// span; (C8) the kernel has a tap, and something is left of the result; (C9) output padding is in 0..<stride,
/// and 0 beside `same`.
///
/// - Parameters:
///   - x: what is spread.
///   - kernel: what each element is spread by.
///   - strides: how far apart elements of x are spread.
///   - padding: what is cut off the result; of `same`, all beyond extent times stride.
///   - outputPadding: what is added at the ends, below the stride.
///   - dilation: from one tap of the kernel to the next.
///   - groups: blocks of channels that do not see each other.
/// - Complexity: 2 batch depth rows columns features (channels / groups) taps FLOPs; the result is added to once for
///   each tap along the depth.
public func conv3dTranspose(
  _ x: Tensor, _ kernel: Tensor, strides: (depth: Int, height: Int, width: Int) = (1, 1, 1),
  padding: Padding3D = .valid, outputPadding: (depth: Int, height: Int, width: Int) = (0, 0, 0),
  dilation: (depth: Int, height: Int, width: Int) = (1, 1, 1), groups: Int = 1,
  file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  if x.isPoisoned || kernel.isPoisoned { return .poisoned(in: x.graph) }
  return x.graph.at(CallSite(file, line)) {
    guard
      let depth = DepthAxis(
        "conv3dTranspose", x, kernel, strides.depth, dilation.depth, padding, isSpread: true)
    else { return .poisoned(in: x.graph) }
    guard (0..<strides.depth).contains(outputPadding.depth) else {
      return x.fault(
        .invalidArgument, "output padding \(outputPadding.depth) for a stride of \(strides.depth)",
        remedy: "use less than the stride: the next volume has one more window", constraint: "C9",
        location: nil)
    }
    guard padding != .same || outputPadding == (0, 0, 0) else {
      return x.fault(
        .invalidArgument, "output padding beside `same`, which decides the size",
        remedy: "leave it out, or pad by numbers", constraint: "C9", location: nil)
    }
    let whole = (depth.extent - 1) * strides.depth + depth.span
    let size =
      padding == .same ? depth.extent * strides.depth : whole - depth.low - depth.high + outputPadding.depth
    guard size >= 1 else {
      return x.fault(
        .shapeMismatch, "nothing is left of \(x.type) after padding \(depth.low) and \(depth.high)",
        remedy: "pad less: padding of a transposed convolution is cut off its result", constraint: "C8",
        location: nil)
    }
    let rows = x.withShape(Shape([x.shape[0] * x.shape[1]] + x.shape[2...]))
    // Of `same` with a span below the stride, planes nobody wrote are at the end.
    let end = Swift.max(0, depth.low + size - whole)
    let sum = (0..<depth.taps).reduce(nil as Tensor?) { sum, tap in
      if sum?.isPoisoned == true { return sum }
      let y = conv2dTranspose(
        rows, kernel.plane(tap), strides: (strides.height, strides.width), padding: padding.plane,
        outputPadding: (outputPadding.height, outputPadding.width),
        dilation: (dilation.height, dilation.width), groups: groups)
      if y.isPoisoned { return y }
      let low = tap * dilation.depth
      let spread = y.withShape(Shape(Array(x.shape[..<2]) + Array(y.shape.dropFirst()))).applying(
        Pad(
          low: [0, Dim(low), 0, 0, 0], high: [0, Dim(depth.span - 1 - low + end), 0, 0, 0],
          interior: [0, strides.depth - 1, 0, 0, 0]))
      return sum.map { $0 + spread } ?? spread
    }
    guard let sum, !sum.isPoisoned else { return .poisoned(in: x.graph) }
    return sum.sliced(axis: 1, from: Dim(depth.low), to: Dim(depth.low + size))
  }
}

/// The transposed convolution of sequences: `conv2dTranspose` on images one row high.
///
/// | operand | shape |
/// | --- | --- |
/// | x | [batch, time, features], `f32` or `f64` |
/// | kernel | [width, channels / groups, features]: what it makes comes before what it reads |
/// | result | [batch, (time - 1) s + span - left - right + output padding, channels] |
///
/// Constraints, numbered as `conv2d`'s: (C1) x and kernel have three axes; (C2) they are of one floating point type;
/// (C3) stride, dilation and groups are positive, padding is not negative; (C4) all extents but the batch are numbers;
/// (C5) `groups` divides channels and features; (C6) x has the kernel's features; (C7) padding is at most the span, and
/// none above or below; (C8) the kernel has a tap, and something is left of the result; (C9) output padding is in
/// 0..<stride.
///
/// - Parameters:
///   - x: what is spread.
///   - kernel: what each element is spread by.
///   - stride: how far apart elements of x are spread.
///   - padding: what is cut off the result; of an explicit one left and right count, top and bottom must be 0.
///   - outputPadding: what is added at the end, below the stride.
///   - dilation: from one tap of the kernel to the next.
///   - groups: blocks of channels that do not see each other.
/// - Complexity: 2 batch time features (channels / groups) width FLOPs; x and kernel read, the result written once.
public func conv1dTranspose(
  _ x: Tensor, _ kernel: Tensor, stride: Int = 1, padding: Padding2D = .valid, outputPadding: Int = 0,
  dilation: Int = 1, groups: Int = 1, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  let location = CallSite(file, line)
  if x.isPoisoned || kernel.isPoisoned { return .poisoned(in: x.graph) }
  guard x.rank == 3, kernel.rank == 3 else {
    return x.fault(
      .shapeMismatch,
      "\(x.type) and \(kernel.type) are not [batch, time, features] and [width, channels, features]",
      remedy: "reshape them to three axes", constraint: "C1", operands: [x, kernel], location: location)
  }
  if case .explicit(let top, let bottom, _, _) = padding, top != 0 || bottom != 0 {
    return x.fault(
      .invalidArgument, "padding \(top) above and \(bottom) below sequences, which have no height",
      remedy: "pad left and right: `.symmetric(0, …)`", constraint: "C7", operands: [x, kernel],
      location: location)
  }
  return x.graph.at(location) {
    let y = conv2dTranspose(
      x.inserting([1]), kernel.inserting([0]), strides: (1, stride), padding: padding,
      outputPadding: (0, outputPadding), dilation: (1, dilation), groups: groups)
    return y.isPoisoned ? y : y.withShape(y.shape.removing([1]))
  }
}

/// The first of the three axes a volume is convolved along.
private struct DepthAxis {
  let extent: Int
  let taps: Int
  let span: Int
  let low: Int
  let high: Int
  /// Of windows.
  let count: Int

  /// Nil, with the fault on record, where something is wrong with it; the other axes are `conv2d`'s to check.
  init?(
    _ what: String, _ x: Tensor, _ kernel: Tensor, _ stride: Int, _ dilation: Int, _ padding: Padding3D,
    isSpread: Bool
  ) {
    func refuse(_ code: FirnError.Code, _ message: String, _ remedy: String, _ constraint: String) {
      _ = x.fault(
        code, "\(what): \(message)", remedy: remedy, constraint: constraint, operands: [x, kernel],
        location: nil)
    }
    guard x.rank == 5, kernel.rank == 5 else {
      refuse(
        .shapeMismatch, "\(x.type) and \(kernel.type) are not volumes and their kernel",
        "give [batch, depth, height, width, channels] and [depth, height, width, channels, features]", "C1")
      return nil
    }
    guard let extent = x.shape[1].value, let taps = kernel.shape[0].value else {
      refuse(
        .shapeMismatch, "\(x.type) or \(kernel.type) has a named depth", "only the batch can be named", "C4")
      return nil
    }
    let limit = 1...SlidingWindow.limit
    guard limit.contains(stride), limit.contains(dilation) else {
      refuse(
        .invalidArgument, "a depth's stride of \(stride) and dilation of \(dilation)", "give positive ones",
        "C3")
      return nil
    }
    guard limit.contains(taps), limit.contains(extent) else {
      refuse(.shapeMismatch, "\(taps) taps for a depth of \(extent)", "give at least one of each", "C8")
      return nil
    }
    let span = (taps - 1) * dilation + 1
    let (low, high): (Int, Int)
    if isSpread, padding == .same {
      // What is beyond extent times stride is cut off, the odd plane at the end.
      let cut = Swift.max(0, span - stride)
      (low, high) = (cut / 2, cut - cut / 2)
    } else {
      (low, high) = padding.depthNumbers(extent: extent, span: span, stride: stride)
    }
    guard low >= 0, high >= 0, low <= span, high <= span else {
      refuse(
        .invalidArgument, "padding \(low) and \(high) for windows \(span) deep",
        "pad by 0 to \(span) on each side", low < 0 || high < 0 ? "C3" : "C7")
      return nil
    }
    guard isSpread || extent + low + high >= span else {
      refuse(
        .shapeMismatch, "the volume is \(extent + low + high) deep with its padding, the window \(span)",
        "feed larger volumes, or pad more", "C8")
      return nil
    }
    (self.extent, self.taps, self.span, self.low, self.high) = (extent, taps, span, low, high)
    count = isSpread ? extent : (extent + low + high - span) / stride + 1
  }
}

extension Tensor {
  /// The kernel of one tap along the depth.
  fileprivate func plane(_ tap: Int) -> Tensor {
    sliced(axis: 0, from: Dim(tap), to: Dim(tap + 1)).withShape(Shape(Array(shape.dropFirst())))
  }
}
