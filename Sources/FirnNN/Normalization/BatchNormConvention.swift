/// Whose batch normalisation it is: what a `momentum` means, which variance is averaged, and the defaults.
///
/// | | `.pyTorch` | `.keras` |
/// | --- | --- | --- |
/// | `epsilon` | 1e-5 | 1e-3 |
/// | `momentum` is the share of | the batch, 0.1 | the average so far, 0.99 |
/// | the variance that is averaged is divided by | n - 1 | n |
///
/// The variance that normalises a batch is divided by n in both. `.keras` is Keras's and TensorFlow's layer, whose fused
/// kernel of TensorFlow 2 divides by n - 1 as PyTorch does.
public enum BatchNormConvention: String, Hashable, Sendable, CaseIterable {
  /// As `torch.nn.BatchNorm1d` and `BatchNorm2d`.
  case pyTorch
  /// As `keras.layers.BatchNormalization`.
  case keras

  var defaultMomentum: Double { self == .pyTorch ? 0.1 : 0.99 }

  var defaultEpsilon: Double { self == .pyTorch ? 1e-5 : 1e-3 }

  /// The weight of the batch in the moving averages.
  func batchWeight(ofMomentum momentum: Double) -> Double { self == .pyTorch ? momentum : 1 - momentum }
}
