import FirnGraph
import FirnOps

/// The mean of each window, channel by channel: `averagePool2d` as a layer.
///
/// | | shape |
/// | --- | --- |
/// | x | `[batch, height, width, channels]`, channels last |
/// | result | `[batch, ⌊(height + padding - window) / stride⌋ + 1, likewise across, channels]` |
///
/// padding is that of both sides; it counts as zeros, so that sums are divided by the window's size everywhere, as in
/// PyTorch's `AvgPool2d`. Keras divides by what of a window is inside: `averagePool2d` with `countsPadding: false`.
///
/// Constraints: (C1) x has four axes; (C2) it is `f32` or `f64`; (C3) window and strides are positive, padding is not
/// negative; (C4) all extents but the batch are numbers; (C7) padding is smaller than the window; (C8) the window is
/// not larger than the padded image, and the image not empty.
///
/// - Complexity: 2 FLOPs for each tap and result; x read, the result written once.
public final class AveragePool2D: Pool2D {
  override class var defaultName: String { "average_pool" }

  override func pooled(_ images: Tensor) -> Tensor {
    averagePool2d(images, window: window, strides: strides, padding: padding)
  }
}
