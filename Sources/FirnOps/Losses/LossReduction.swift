internal import FirnGraph

/// What becomes of the losses of all examples.
public enum LossReduction: Hashable, Sendable {
  /// One for each.
  case none
  /// Their sum.
  case sum
  /// Their mean: the sum divided by their number, or by the weights that count.
  case mean

  func callAsFunction(_ losses: Tensor) -> Tensor {
    switch self {
    case .none: losses
    case .sum: losses.sum()
    case .mean: losses.mean()
    }
  }
}
