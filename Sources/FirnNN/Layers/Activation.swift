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
  /// x where x > 0, else e^x - 1.
  case elu
  /// log(1 + e^x), without overflow.
  case softplus

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
    case .elu: FirnOps.elu(x)
    case .softplus: FirnOps.softplus(x)
    }
  }
}
