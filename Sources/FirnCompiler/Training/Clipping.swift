/// How large gradients may be before an optimiser sees them.
///
/// At gradients of zero the update is that of zero: no bound divides by a norm of zero.
public enum Clipping: Hashable, Sendable {
  /// Each element to -c...c: PyTorch's `clip_grad_value_`, Keras's `clipvalue`.
  case value(Double)
  /// Each part that is trained to an l2 norm of c: g · min(c / max(‖g‖, 1e-12), 1); Keras's `clipnorm`.
  case norm(Double)
  /// All gradients of an objective together to an l2 norm of c: PyTorch's `clip_grad_norm_`, Keras's
  /// `global_clipnorm`; Pascanu et al., ICML 2013, algorithm 1.
  case globalNorm(Double)

  /// The bound.
  public var limit: Double {
    switch self {
    case .value(let limit), .norm(let limit), .globalNorm(let limit): limit
    }
  }
}
