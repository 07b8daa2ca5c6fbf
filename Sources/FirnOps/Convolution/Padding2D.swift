/// What surrounds an image, with zeros, before windows slide over it.
///
/// Of a transposed convolution it is what is cut off its result. Pools never choose what is beside the image.
public enum Padding2D: Hashable, Sendable {
  /// Nothing: only windows wholly inside the image count. PyTorch's default, Keras's `valid`.
  case valid
  /// TensorFlow's `SAME`: as many results as the extent divided by the stride, rounded up.
  ///
  /// The padding that takes is split evenly, an odd one goes to the bottom and to the right. It depends on the image's
  /// extent.
  case same
  /// So many rows and columns, as PyTorch states it; none is negative.
  case explicit(top: Int, bottom: Int, left: Int, right: Int)

  /// The same on opposite sides: PyTorch's `padding=(height, width)`.
  public static func symmetric(_ height: Int, _ width: Int) -> Padding2D {
    .explicit(top: height, bottom: height, left: width, right: width)
  }

  /// Top, bottom, left, right, for an image and windows of these extents.
  func numbers(image: (Int, Int), window: (Int, Int), strides: (Int, Int)) -> [Int] {
    func same(_ image: Int, _ window: Int, _ stride: Int) -> [Int] {
      guard stride > 0, image >= 0 else { return [0, 0] }
      let count = image / stride + (image % stride == 0 ? 0 : 1)
      let total = Swift.max(0, (count - 1) &* stride &+ window &- image)
      return [total / 2, total - total / 2]
    }
    switch self {
    case .valid: return [0, 0, 0, 0]
    case .same: return same(image.0, window.0, strides.0) + same(image.1, window.1, strides.1)
    case .explicit(let top, let bottom, let left, let right): return [top, bottom, left, right]
    }
  }
}
