public import FirnGraph

// Sequences are images one row high. Volumes are pooled in their planes, then along their depth: the greatest of the
// greatest, the mean of means; ties and NaN come out as of one window over all.

/// The greatest element of each window of sequences, channel by channel: `maxPool2d` on images one row high.
///
/// [batch, time, channels] becomes [batch, ⌊(time + left + right - span) / stride⌋ + 1, channels], channels last.
///
/// Constraints, those of `maxPool2d`: (C1) x has three axes; (C2) it is `f32` or `f64`; (C3) window, stride and
/// dilation are positive, padding is not negative; (C4) all extents but the batch are numbers; (C7) padding is smaller
/// than the span, and none above or below; (C8) the span is not larger than the padded time, which is not empty.
///
/// - Parameters:
///   - x: the sequences.
///   - window: steps of a window.
///   - stride: from window to window; the window's own size for nil.
///   - padding: of an explicit one left and right count; top and bottom must be 0.
///   - dilation: from one tap of a window to the next.
///   - roundsUp: whether a last window may reach beyond the padding, as long as it begins before it does.
/// - Complexity: one comparison for each tap and result.
public func maxPool1d(
  _ x: Tensor, window: Int, stride: Int? = nil, padding: Padding2D = .valid, dilation: Int = 1,
  roundsUp: Bool = false, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  x.asRows("maxPool1d", padding, file, line) { rows in
    maxPool2d(
      rows, window: (1, window), strides: (1, stride ?? window), padding: padding, dilation: (1, dilation),
      roundsUp: roundsUp)
  }
}

/// The mean of each window of sequences, channel by channel: `averagePool2d` on images one row high.
///
/// [batch, time, channels] becomes [batch, ⌊(time + left + right - span) / stride⌋ + 1, channels], channels last.
///
/// Constraints, those of `averagePool2d`: (C1) x has three axes; (C2) it is `f32` or `f64`; (C3) window, stride and
/// dilation are positive, padding is not negative; (C4) all extents but the batch are numbers; (C7) padding is smaller
/// than the span, and none above or below; (C8) the span is not larger than the padded time, which is not empty.
///
/// - Parameters:
///   - x: the sequences.
///   - window: steps of a window.
///   - stride: from window to window; the window's own size for nil.
///   - padding: of an explicit one left and right count; top and bottom must be 0.
///   - dilation: from one tap of a window to the next.
///   - countsPadding: divides by the window's size where it reaches beside the sequence too.
///   - roundsUp: whether a last window may reach beyond the padding, as long as it begins before it does.
/// - Complexity: 2 FLOPs for each tap and result.
public func averagePool1d(
  _ x: Tensor, window: Int, stride: Int? = nil, padding: Padding2D = .valid, dilation: Int = 1,
  countsPadding: Bool = true, roundsUp: Bool = false, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  x.asRows("averagePool1d", padding, file, line) { rows in
    averagePool2d(
      rows, window: (1, window), strides: (1, stride ?? window), padding: padding, dilation: (1, dilation),
      countsPadding: countsPadding, roundsUp: roundsUp)
  }
}

/// The greatest element of each window of volumes, channel by channel.
///
/// [batch, depth, height, width, channels] becomes [batch, ⌊(depth + front + back - span) / stride⌋ + 1, likewise down
/// and across, channels], channels last. The gradient goes to the first of equal elements in row-major order.
///
/// Constraints, those of `maxPool2d`: (C1) x has five axes; (C2) it is `f32` or `f64`; (C3) window, strides and
/// dilation are positive, padding is not negative; (C4) all extents but the batch are numbers; (C7) padding is smaller
/// than the span; (C8) the span is not larger than the padded volume, which is not empty.
///
/// - Parameters:
///   - x: the volumes.
///   - window: planes, rows and columns of a window.
///   - strides: from window to window; the window's own size for nil.
///   - padding: what surrounds a volume.
///   - dilation: from one tap of a window to the next.
///   - roundsUp: whether a last window may reach beyond the padding, as long as it begins before it does.
/// - Complexity: one comparison for each tap of a plane and place, and each tap of the depth and result.
public func maxPool3d(
  _ x: Tensor, window: (depth: Int, height: Int, width: Int),
  strides: (depth: Int, height: Int, width: Int)? = nil, padding: Padding3D = .valid,
  dilation: (depth: Int, height: Int, width: Int) = (1, 1, 1), roundsUp: Bool = false,
  file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  let steps = strides ?? window
  return x.asPlanes("maxPool3d", file, line) { planes in
    maxPool2d(
      planes, window: (window.height, window.width), strides: (steps.height, steps.width),
      padding: padding.plane, dilation: (dilation.height, dilation.width), roundsUp: roundsUp)
  } depth: { columns in
    maxPool2d(
      columns, window: (window.depth, 1), strides: (steps.depth, 1), padding: padding.depth,
      dilation: (dilation.depth, 1), roundsUp: roundsUp)
  }
}

/// The mean of each window of volumes, channel by channel.
///
/// [batch, depth, height, width, channels] becomes [batch, ⌊(depth + front + back - span) / stride⌋ + 1, likewise down
/// and across, channels], channels last.
///
/// Constraints, those of `averagePool2d`: (C1) x has five axes; (C2) it is `f32` or `f64`; (C3) window, strides and
/// dilation are positive, padding is not negative; (C4) all extents but the batch are numbers; (C7) padding is smaller
/// than the span; (C8) the span is not larger than the padded volume, which is not empty.
///
/// - Parameters:
///   - x: the volumes.
///   - window: planes, rows and columns of a window.
///   - strides: from window to window; the window's own size for nil.
///   - padding: what surrounds a volume.
///   - dilation: from one tap of a window to the next.
///   - countsPadding: divides by the window's size where it reaches beside the volume too.
///   - roundsUp: whether a last window may reach beyond the padding, as long as it begins before it does.
/// - Complexity: 2 FLOPs for each tap of a plane and place, and each tap of the depth and result.
public func averagePool3d(
  _ x: Tensor, window: (depth: Int, height: Int, width: Int),
  strides: (depth: Int, height: Int, width: Int)? = nil, padding: Padding3D = .valid,
  dilation: (depth: Int, height: Int, width: Int) = (1, 1, 1), countsPadding: Bool = true,
  roundsUp: Bool = false, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  let steps = strides ?? window
  return x.asPlanes("averagePool3d", file, line) { planes in
    averagePool2d(
      planes, window: (window.height, window.width), strides: (steps.height, steps.width),
      padding: padding.plane, dilation: (dilation.height, dilation.width), countsPadding: countsPadding,
      roundsUp: roundsUp)
  } depth: { columns in
    averagePool2d(
      columns, window: (window.depth, 1), strides: (steps.depth, 1), padding: padding.depth,
      dilation: (dilation.depth, 1), countsPadding: countsPadding, roundsUp: roundsUp)
  }
}

/// (Σ |x|^p)^(1 / p) over each window, channel by channel: ONNX's `LpPool`, PyTorch's `LPPool2d` for x ≥ 0.
///
/// What is beside the image counts as 0. Where a window is all 0 its gradient is 0.
///
/// Constraints, those of `averagePool2d`: (C1) x has four axes; (C2) it is `f32` or `f64`; (C3) window, strides and
/// dilation are positive, padding is not negative, `p` is positive; (C4) all extents but the batch are numbers; (C7)
/// padding is smaller than the span; (C8) the span is not larger than the padded image, and the image not empty.
///
/// - Parameters:
///   - x: the images.
///   - p: the order of the norm.
///   - window: rows and columns of a window.
///   - strides: from window to window; the window's own size for nil.
///   - padding: what surrounds an image.
///   - dilation: from one tap of a window to the next.
///   - roundsUp: whether a last window may reach beyond the padding, as long as it begins before it does.
/// - Complexity: 2 FLOPs for each tap and result, and 4 an element.
public func lpPool2d(
  _ x: Tensor, p: Double = 2, window: (height: Int, width: Int), strides: (height: Int, width: Int)? = nil,
  padding: Padding2D = .valid, dilation: (height: Int, width: Int) = (1, 1), roundsUp: Bool = false,
  file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  guard p > 0, p.isFinite else {
    return x.fault(
      .invalidArgument, "lpPool2d: an order of \(p)", remedy: "give a positive number", constraint: "C3",
      location: CallSite(file, line))
  }
  return x.composing(file, line) { x in
    let powers = p == 2 ? square(x) : pow(abs(x), p)
    var slide = SlidingWindow(
      padding, on: x, window: [window.height, window.width], strides: strides ?? window, dilation: dilation)
    // A mean whose divisor is the whole window is the sum but for a factor; zeros beside the image change no sum.
    if roundsUp, let image = try? x.type.image("").size {
      slide.padToWholeWindows(of: [window.height, window.width], on: image)
    }
    let means = averagePool2d(
      powers, window: window, strides: strides,
      padding: .explicit(
        top: slide.padding[0], bottom: slide.padding[1], left: slide.padding[2], right: slide.padding[3]),
      dilation: dilation)
    return means.isPoisoned ? means : (means * Double(window.height * window.width)).root(p)
  }
}

extension Tensor {
  /// `pool` of sequences as images one row high.
  fileprivate func asRows(
    _ what: String, _ padding: Padding2D, _ file: StaticString, _ line: UInt, _ pool: (Tensor) -> Tensor
  ) -> Tensor {
    if isPoisoned { return self }
    guard rank == 3 else {
      return fault(
        .shapeMismatch, "\(what): \(type) is not [batch, time, channels]", remedy: "reshape it to three axes",
        constraint: "C1", location: CallSite(file, line))
    }
    if case .explicit(let top, let bottom, _, _) = padding, top != 0 || bottom != 0 {
      return fault(
        .invalidArgument, "\(what): padding \(top) above and \(bottom) below sequences, which have no height",
        remedy: "pad left and right: `.symmetric(0, …)`", constraint: "C7", location: CallSite(file, line))
    }
    return composing(file, line) { x in
      let y = pool(x.inserting([1]))
      return y.isPoisoned ? y : y.withShape(y.shape.removing([1]))
    }
  }

  /// One pool of the planes of volumes, then one along the depth, of images one column wide.
  fileprivate func asPlanes(
    _ what: String, _ file: StaticString, _ line: UInt, _ pool: (Tensor) -> Tensor,
    depth: (Tensor) -> Tensor
  ) -> Tensor {
    if isPoisoned { return self }
    guard rank == 5 else {
      return fault(
        .shapeMismatch, "\(what): \(type) is not [batch, depth, height, width, channels]",
        remedy: "reshape it to five axes", constraint: "C1", location: CallSite(file, line))
    }
    return composing(file, line) { x in
      let planes = pool(x.withShape(Shape([shape[0] * shape[1]] + shape[2...])))
      if planes.isPoisoned { return planes }
      let place = planes.shape.dropFirst()
      let columns = depth(planes.withShape([shape[0], shape[1], 1, place.reduce(Dim(1)) { $0 * $1 }]))
      return columns.isPoisoned
        ? columns : columns.withShape(Shape([shape[0], columns.shape[1]] + place))
    }
  }
}
