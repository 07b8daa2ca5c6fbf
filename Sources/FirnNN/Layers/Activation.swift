public import FirnGraph
import FirnOps

/// What a layer applies to its result, element by element.
public enum Activation: String, Hashable, Sendable, CaseIterable {
  case linear
  case relu
  case tanh
  case sigmoid
  case gelu
  case silu
  case elu
  case softplus

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
