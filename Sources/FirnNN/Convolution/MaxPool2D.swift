import FirnGraph
import FirnOps

/// The greatest element of each window, channel by channel: `maxPool2d` as a layer.
///
/// | | shape |
/// | --- | --- |
/// | x | `[batch, height, width, channels]`, channels last |
/// | result | `[batch, ⌊(height + padding - window) / stride⌋ + 1, likewise across, channels]` |
///
/// padding is that of both sides. What is beside the image is never the greatest. The gradient goes to the first of
/// equal elements in row-major order; a NaN is greater than all else. Both as in PyTorch's `MaxPool2d`.
///
/// Constraints: (C1) x has four axes; (C2) it is `f32` or `f64`; (C3) window and strides are positive, padding is not
/// negative; (C4) all extents but the batch are numbers; (C7) padding is smaller than the window; (C8) the window is
/// not larger than the padded image, and the image not empty.
///
/// - Complexity: one comparison for each tap and result; x read, the result written once.
public final class MaxPool2D: Pool2D {
  override class var defaultName: String { "max_pool" }

  override func pooled(_ images: Tensor) -> Tensor {
    maxPool2d(images, window: window, strides: strides, padding: padding)
  }
}
