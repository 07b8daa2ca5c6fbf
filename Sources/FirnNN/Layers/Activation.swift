public import FirnGraph
import FirnOps

/// What a layer applies to its result, element by element; the functions of these names say more.
public enum Activation: String, Hashable, Sendable, CaseIterable {
  /// x itself.
  case linear
  /// max(x, 0); its gradient at 0 is 0.
  case relu
  /// The hyperbolic tangent.
  case tanh
  /// 1 / (1 + e^-x).
  case sigmoid
  /// x Φ(x) by the error function, PyTorch's default; Keras's too.
  case gelu
  /// x sigmoid(x), also called swish.
  case silu
  /// x / 6 + 1 / 2, at least 0 and at most 1, with gradient 0 at both: PyTorch's `Hardsigmoid`, Keras 3's.
  case hardSigmoid = "hard_sigmoid"
  /// x / 5 + 1 / 2, at least 0 and at most 1: `hard_sigmoid` of Keras before version 3, and what its gates had where
  /// nothing was said before version 2.3.
  case keras2HardSigmoid = "keras2_hard_sigmoid"
  /// x where x > 0, else e^x - 1.
  case elu
  /// log(1 + e^x), without overflow.
  case softplus

  private static func clipped(_ x: Tensor) -> Tensor { hardTanh(x, min: 0, max: 1) }

  /// The function of each element of `x`, of x's shape and type.
  ///
  /// Constraints: (C1) x is floating point, unless the activation is `linear`.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    switch self {
    case .linear: x
    case .relu: FirnOps.relu(x)
    case .tanh: FirnOps.tanh(x)
    case .sigmoid: FirnOps.sigmoid(x)
    case .gelu: FirnOps.gelu(x)
    case .silu: FirnOps.silu(x)
    case .hardSigmoid: Self.clipped(x / 6 + 0.5)
    case .keras2HardSigmoid: Self.clipped(x * 0.2 + 0.5)
    case .elu: FirnOps.elu(x)
    case .softplus: FirnOps.softplus(x)
    }
  }
}
