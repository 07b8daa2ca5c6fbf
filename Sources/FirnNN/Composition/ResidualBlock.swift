public import FirnGraph
import FirnOps

/// `activation(body(x) + shortcut(x))`.
///
/// The variables of the layers stand in the block's own scope, by the layers' names, the body's before the shortcut's.
///
/// Constraints: (C1) both have one shape and type; those of the layers.
///
/// He et al., CVPR 2016, equation 1.
public final class ResidualBlock: Layer {
  private let body: [any Layer]
  private let shortcut: (any Layer)?
  private let activation: Activation
  var scope: LayerScope

  /// A block of a body and a shortcut round it.
  ///
  /// - Parameters:
  ///   - body: layers one after the other.
  ///   - shortcut: what x takes round the body; itself for nil.
  ///   - activation: what is applied to the sum.
  ///   - name: the block's scope.
  public init(
    _ body: [any Layer], shortcut: (any Layer)? = nil, activation: Activation = .relu,
    name: String = "block", file: StaticString = #fileID, line: UInt = #line
  ) {
    self.body = body
    self.shortcut = shortcut
    self.activation = activation
    scope = LayerScope(name, otherwise: "block", file, line)
  }

  /// `activation(body(input) + shortcut(input))`; constraint C1.
  public func callAsFunction(_ input: Tensor) -> Tensor {
    scope.enter(input) { _ in
      let inner = body.reduce(input) { $1($0) }
      let outer = shortcut?(input) ?? input
      if !inner.isPoisoned, !outer.isPoisoned, inner.type != outer.type {
        return report(
          "residual block: the body gives \(inner.type), the shortcut \(outer.type)",
          remedy: "give the shortcut the body's stride and channels", constraint: "C1", inner, outer)
      }
      return activation(inner + outer)
    } ?? .poisoned(in: input.graph)
  }
}

extension ResidualBlock: ScopedLayer {}
