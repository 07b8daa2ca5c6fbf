public import FirnGraph

/// The greatest element of each window, channel by channel.
///
/// | operand | shape |
/// | --- | --- |
/// | x | [batch, height, width, channels] |
/// | result | [batch, ⌊(height + top + bottom - window) / stride⌋ + 1, likewise across, channels] |
///
/// What is beside the image is never the greatest; padding is smaller than the window. The gradient goes to the first of
/// equal elements in row-major order; a NaN is greater than all else. Both as in PyTorch.
///
/// - Parameter strides: from window to window; the window's own size for nil.
/// - Complexity: one comparison for each tap and result.
public func maxPool2d(
  _ x: Tensor, window: (height: Int, width: Int), strides: (height: Int, width: Int)? = nil,
  padding: Padding2D = .valid, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  if x.isPoisoned { return x }
  let slide = SlidingWindow(
    padding, on: x, window: [window.height, window.width], strides: strides ?? window)
  return x.applying(
    MaxPool(size: [window.height, window.width], strides: slide.strides, padding: slide.padding),
    location: CallSite(file, line))
}

/// The mean of each window, channel by channel.
///
/// - Parameters:
///   - strides: from window to window; the window's own size for nil.
///   - countsPadding: divides by the window's size where it reaches beside the image too (PyTorch's default), not by what of it is
///     inside (TensorFlow).
/// - Complexity: 2 FLOPs for each tap and result.
public func averagePool2d(
  _ x: Tensor, window: (height: Int, width: Int), strides: (height: Int, width: Int)? = nil,
  padding: Padding2D = .valid, countsPadding: Bool = true, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  if x.isPoisoned { return x }
  let size = [window.height, window.width]
  let slide = SlidingWindow(padding, on: x, window: size, strides: strides ?? window)
  return x.applying(
    Resample(
      .average(size: size, strides: slide.strides, padding: slide.padding, countsPadding: countsPadding)),
    location: CallSite(file, line))
}

/// The means of as many windows as are wanted, of sizes that differ by at most two where they do not divide the image.
///
/// Row i of m is the mean of rows ⌊i height / m⌋ to ⌈(i + 1) height / m⌉, the second not included; columns likewise.
public func adaptiveAveragePool2d(
  _ x: Tensor, to size: (height: Int, width: Int), file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  if x.isPoisoned { return x }
  return x.applying(
    Resample(.adaptiveAverage(size: [size.height, size.width])), location: CallSite(file, line))
}

/// The mean over height and width of each channel: [batch, channels].
public func globalAveragePool2d(
  _ x: Tensor, file: StaticString = #fileID, line: UInt = #line
) -> Tensor { x.mean(axes: [1, 2], file: file, line: line) }

/// The greatest element of each channel: [batch, channels].
///
/// Equal elements share the gradient.
public func globalMaxPool2d(
  _ x: Tensor, file: StaticString = #fileID, line: UInt = #line
) -> Tensor { x.max(axes: [1, 2], file: file, line: line) }

/// How images are enlarged.
public enum Upsampling: Hashable, Sendable {
  /// Element ⌊i n / m⌋ for result i of m.
  case nearest
  /// Between neighbours; positions are those of pixels' centres, or of the corner pixels' centres where these are aligned.
  case bilinear(alignsCorners: Bool = false)
}

/// Images of another size, as PyTorch's `interpolate` makes them.
///
/// - Complexity: 2 FLOPs for each result and element it is made of: one, or four.
public func upsample(
  _ x: Tensor, to size: (height: Int, width: Int), _ method: Upsampling = .nearest,
  file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  if x.isPoisoned { return x }
  let size = [size.height, size.width]
  let rule: ResampleRule =
    switch method {
    case .nearest: .nearest(size: size)
    case .bilinear(let alignsCorners): .bilinear(size: size, alignsCorners: alignsCorners)
    }
  return x.applying(Resample(rule), location: CallSite(file, line))
}

/// Images `factor` times as high and wide.
public func upsample(
  _ x: Tensor, by factor: (height: Int, width: Int), _ method: Upsampling = .nearest,
  file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  if x.isPoisoned { return x }
  let image = (try? x.type.image("images").size) ?? [1, 1]
  return upsample(
    x, to: (image[0] &* factor.height, image[1] &* factor.width), method, file: file, line: line)
}
