import FirnGraph
public import FirnOps

/// The greatest element of each window, channel by channel: `maxPool2d` as a layer.
///
/// | | shape |
/// | --- | --- |
/// | x | `[batch, height, width, channels]`, channels last |
/// | result | `[batch, ⌊(height + padding - span) / stride⌋ + 1, likewise across, channels]` |
///
/// padding is that of both sides; the span of a window is (extent - 1) dilation + 1. What is beside the image is never
/// the greatest. The gradient goes to the first of equal elements in row-major order; a NaN is greater than all else.
/// Both as in PyTorch's `MaxPool2d`.
///
/// Constraints: (C1) x has four axes; (C2) it is `f32` or `f64`; (C3) window, strides and dilation are positive, padding
/// is not negative; (C4) all extents but the batch are numbers; (C7) padding is smaller than the span; (C8) the span is
/// not larger than the padded image, and the image not empty.
///
/// - Complexity: one comparison for each tap and result; x read, the result written once.
public final class MaxPool2D: Pool2D {
  override class var defaultName: String { "max_pool" }

  private let dilation: (height: Int, width: Int)
  private let roundsUp: Bool

  /// A pool of windows that may be oblong.
  ///
  /// - Parameters:
  ///   - window: rows and columns of a window.
  ///   - strides: from window to window; the window's own size for nil.
  ///   - padding: what surrounds an image; Keras's `valid` and `same`, or PyTorch's numbers by `.symmetric`.
  ///   - dilation: from one tap of a window to the next.
  ///   - roundsUp: whether a last window may reach beyond the padding, as long as it begins before it does; PyTorch's
  ///     `ceil_mode`.
  ///   - name: the layer's scope; nil for `max_pool`.
  public init(
    window: (height: Int, width: Int), strides: (height: Int, width: Int)? = nil, padding: Padding2D = .valid,
    dilation: (height: Int, width: Int) = (1, 1), roundsUp: Bool = false, name: String? = nil,
    file: StaticString = #fileID, line: UInt = #line
  ) {
    self.dilation = dilation
    self.roundsUp = roundsUp
    super.init(window: window, strides: strides, padding: padding, name: name, file: file, line: line)
  }

  /// A pool of square windows.
  ///
  /// - Parameters:
  ///   - window: rows and columns of a window.
  ///   - stride: from window to window, both ways; the window's own size for nil.
  ///   - padding: what surrounds an image; Keras's `valid` and `same`, or PyTorch's numbers by `.symmetric`.
  ///   - dilation: from one tap of a window to the next, both ways.
  ///   - roundsUp: whether a last window may reach beyond the padding, as long as it begins before it does; PyTorch's
  ///     `ceil_mode`.
  ///   - name: the layer's scope; nil for `max_pool`.
  public convenience init(
    _ window: Int, stride: Int? = nil, padding: Padding2D = .valid, dilation: Int = 1, roundsUp: Bool = false,
    name: String? = nil, file: StaticString = #fileID, line: UInt = #line
  ) {
    self.init(
      window: (window, window), strides: stride.map { ($0, $0) }, padding: padding,
      dilation: (dilation, dilation), roundsUp: roundsUp, name: name, file: file, line: line)
  }

  override func pooled(_ images: Tensor) -> Tensor {
    maxPool2d(
      images, window: window, strides: strides, padding: padding, dilation: dilation, roundsUp: roundsUp)
  }
}
