public import FirnGraph

/// The greatest element of each window, channel by channel.
///
/// | operand | shape |
/// | --- | --- |
/// | x | [batch, height, width, channels], channels last |
/// | result | [batch, ⌊(height + top + bottom - span) / stride⌋ + 1, likewise across, channels] |
///
/// The span of a window is (extent - 1) dilation + 1. What is beside the image is never the greatest; of a window with
/// gaps, all of whose taps are beside it, the greatest is -∞. The gradient goes to the first of equal elements in
/// row-major order; a NaN is greater than all else. Both as in PyTorch's `max_pool2d`.
///
/// Constraints: (C1) x has four axes; (C2) it is `f32` or `f64`; (C3) window, strides and dilation are positive,
/// padding is not negative; (C4) all extents but the batch are numbers; (C7) padding is smaller than the span; (C8) the
/// span is not larger than the padded image, and the image not empty.
///
/// - Parameters:
///   - x: the images.
///   - window: rows and columns of a window.
///   - strides: from window to window; the window's own size for nil.
///   - padding: what surrounds an image.
///   - dilation: from one tap of a window to the next.
///   - roundsUp: whether a last window may reach beyond the padding, as long as it begins before it does: the number of
///     windows is ⌈…⌉ instead of ⌊…⌋. PyTorch's `ceil_mode`; without effect beside `same`, which has them all.
/// - Complexity: one comparison for each tap and result; x read, the result written once. The gradient finds the
///   greatest again instead of keeping where it was.
public func maxPool2d(
  _ x: Tensor, window: (height: Int, width: Int), strides: (height: Int, width: Int)? = nil,
  padding: Padding2D = .valid, dilation: (height: Int, width: Int) = (1, 1), roundsUp: Bool = false,
  file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  if x.isPoisoned { return x }
  let size = [window.height, window.width]
  var slide = SlidingWindow(padding, on: x, window: size, strides: strides ?? window, dilation: dilation)
  if roundsUp, let image = try? x.type.image("").size { slide.padToWholeWindows(of: size, on: image) }
  return x.applying(
    MaxPool(size: size, strides: slide.strides, padding: slide.padding, dilation: slide.dilation),
    location: CallSite(file, line))
}

/// The mean of each window, channel by channel.
///
/// | operand | shape |
/// | --- | --- |
/// | x | [batch, height, width, channels], channels last |
/// | result | [batch, ⌊(height + top + bottom - span) / stride⌋ + 1, likewise across, channels] |
///
/// The span of a window is (extent - 1) dilation + 1. Only windows that reach beside the image tell PyTorch's and
/// TensorFlow's means apart; `countsPadding` chooses.
///
/// Constraints: (C1) x has four axes; (C2) it is `f32` or `f64`; (C3) window, strides and dilation are positive,
/// padding is not negative; (C4) all extents but the batch are numbers; (C7) padding is smaller than the span; (C8) the
/// span is not larger than the padded image, and the image not empty.
///
/// - Parameters:
///   - x: the images.
///   - window: rows and columns of a window.
///   - strides: from window to window; the window's own size for nil.
///   - padding: what surrounds an image.
///   - dilation: from one tap of a window to the next.
///   - countsPadding: divides by the window's size where it reaches beside the image too (PyTorch's default), not by
///     what of it is inside (TensorFlow).
///   - roundsUp: whether a last window may reach beyond the padding, as long as it begins before it does; what is there
///     never counts. PyTorch's `ceil_mode`; without effect beside `same`, which has them all.
/// - Complexity: 2 FLOPs for each tap and result; x read, the result written once. A dilated one is a sum of slices,
///   first down, then across.
public func averagePool2d(
  _ x: Tensor, window: (height: Int, width: Int), strides: (height: Int, width: Int)? = nil,
  padding: Padding2D = .valid, dilation: (height: Int, width: Int) = (1, 1), countsPadding: Bool = true,
  roundsUp: Bool = false, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  if x.isPoisoned { return x }
  let size = [window.height, window.width]
  var slide = SlidingWindow(padding, on: x, window: size, strides: strides ?? window, dilation: dilation)
  return x.graph.at(CallSite(file, line)) {
    if slide.dilation != [1, 1] {
      return x.dilatedAverage(size, slide, countsPadding: countsPadding, roundsUp: roundsUp)
    }
    let given = slide.padding
    if roundsUp, let image = try? x.type.image("").size { slide.padToWholeWindows(of: size, on: image) }
    if countsPadding, slide.padding != given, given.contains(where: { $0 != 0 }) {
      // Zeros that count, then what does not.
      let zeros = given.map { Dim($0) }
      let padded = x.padded(low: [0, zeros[0], zeros[2], 0], high: [0, zeros[1], zeros[3], 0])
      let beyond = zip(slide.padding, given).map { $0 - $1 }
      return padded.applying(
        Resample(.average(size: size, strides: slide.strides, padding: beyond, countsPadding: false)))
    }
    let counts = countsPadding && slide.padding == given
    return x.applying(
      Resample(.average(size: size, strides: slide.strides, padding: slide.padding, countsPadding: counts)))
  }
}

/// The means of as many windows as are wanted, of sizes that differ by at most two where they do not divide the image.
///
/// Row i of m is the mean of rows ⌊i height / m⌋ to ⌈(i + 1) height / m⌉, the second not included; columns likewise.
/// PyTorch's `adaptive_avg_pool2d`. [batch, height, width, channels] becomes [batch, m, m', channels], channels last.
///
/// Constraints: (C1) x has four axes; (C2) it is `f32` or `f64`; (C3) the size is positive; (C4) all extents but the
/// batch are numbers; (C8) the image is not empty.
///
/// - Parameters:
///   - x: the images.
///   - size: rows and columns of the result.
/// - Complexity: 2 FLOPs for each element of x and window it is in; x read, the result written once.
public func adaptiveAveragePool2d(
  _ x: Tensor, to size: (height: Int, width: Int), file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  if x.isPoisoned { return x }
  return x.applying(
    Resample(.adaptiveAverage(size: [size.height, size.width])), location: CallSite(file, line))
}

/// The mean over height and width of each channel: [batch, height, width, channels] becomes [batch, channels].
///
/// Height and width may be named. An image without elements gives NaN.
///
/// Constraints, those of `mean(axes:)`: (C1) x is floating point; (C2) it has axes 1 and 2.
///
/// - Complexity: 1 FLOP an element of x, which is read once.
public func globalAveragePool2d(
  _ x: Tensor, file: StaticString = #fileID, line: UInt = #line
) -> Tensor { x.mean(axes: [1, 2], file: file, line: line) }

/// The greatest element of each channel: [batch, height, width, channels] becomes [batch, channels].
///
/// Equal elements share the gradient; NaN where one is. Height and width may be named.
///
/// Constraints, those of `max(axes:)`: (C1) x is a number; (C2) it has axes 1 and 2.
///
/// - Complexity: 1 FLOP an element of x, which is read once.
public func globalMaxPool2d(
  _ x: Tensor, file: StaticString = #fileID, line: UInt = #line
) -> Tensor { x.max(axes: [1, 2], file: file, line: line) }

/// How an element between others is made: PyTorch's `interpolate` by its `mode`.
///
/// Positions are those of pixels' centres, or of the corner pixels' centres where corners are aligned.
public enum Interpolation: Hashable, Sendable {
  /// Element ⌊i n / m⌋ for result i of m, of n; each result is one element.
  case nearest
  /// Between neighbours, along both axes.
  case bilinear(alignsCorners: Bool = false)
  /// Keys's cubic polynomials through the four elements around, along both axes, with a = -¾; beyond the border its
  /// elements are repeated. Results may lie outside the range of the elements.
  case bicubic(alignsCorners: Bool = false)
}

/// Images of another size, as PyTorch's `interpolate` makes them, channel by channel.
///
/// y[n, p, q, c] = Σ a[p, h] b[q, w] x[n, h, w, c], where a and b hold the few weights of `method`
///
/// [batch, height, width, channels] becomes [batch, size.height, size.width, channels], channels last. An image that
/// shrinks is not smoothed first (`antialias` is false). An element of weight 0 is not read, also if it is NaN; a
/// bicubic result reads all 16 around, as in PyTorch.
///
/// Constraints: (C1) x has four axes; (C2) it is `f32` or `f64`; (C3) the size is positive; (C4) all extents but the
/// batch are numbers; (C8) the image is not empty.
///
/// Keys, IEEE Transactions on Acoustics, Speech, and Signal Processing 29, 1981.
///
/// - Parameters:
///   - x: the images.
///   - size: rows and columns of the result.
///   - method: the nearest element, or between four or sixteen.
/// - Complexity: 2 FLOPs for each result and element it is made of: one, four or sixteen; x read, the result written
///   once.
public func resize(
  _ x: Tensor, to size: (height: Int, width: Int), _ method: Interpolation,
  file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  if x.isPoisoned { return x }
  let size = [size.height, size.width]
  let rule: ResampleRule =
    switch method {
    case .nearest: .nearest(size: size)
    case .bilinear(let alignsCorners): .bilinear(size: size, alignsCorners: alignsCorners)
    case .bicubic(let alignsCorners): .bicubic(size: size, alignsCorners: alignsCorners)
    }
  return x.applying(Resample(rule), location: CallSite(file, line))
}

/// Images `factor` times as high and wide: Keras's `UpSampling2D`, PyTorch's `scale_factor`.
///
/// Constraints: (C1) x has four axes; (C2) it is `f32` or `f64`; (C3) the size is positive; (C4) all extents but the
/// batch are numbers; (C8) the image is not empty.
///
/// - Parameters:
///   - x: the images, [batch, height, width, channels].
///   - factor: positive whole numbers.
///   - method: the nearest element, or between four or sixteen.
/// - Complexity: 2 FLOPs for each result and element it is made of: one, four or sixteen; x read, the result written
///   once.
public func upsample(
  _ x: Tensor, by factor: (height: Int, width: Int), _ method: Interpolation = .nearest,
  file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  if x.isPoisoned { return x }
  let image = (try? x.type.image("images").size) ?? [1, 1]
  return resize(
    x, to: (image[0] &* factor.height, image[1] &* factor.width), method, file: file, line: line)
}
