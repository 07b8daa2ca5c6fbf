public import FirnGraph
import FirnOps

/// The mean of each channel: `[batch, height, width, channels]` becomes `[batch, channels]`.
///
/// PyTorch's `AdaptiveAvgPool2d(1)` and `flatten`, Keras's `GlobalAveragePooling2D`. Height and width may be named.
///
/// Constraints: (C1) x has four axes, and is `f32` or `f64`.
///
/// - Complexity: 1 FLOP an element of x, which is read once.
public final class GlobalAveragePool2D: Layer {
  var scope: LayerScope

  /// A layer without variables; `name` is its scope.
  public init(name: String = "global_pool", file: StaticString = #fileID, line: UInt = #line) {
    scope = LayerScope(name, otherwise: "global_pool", file, line)
  }

  /// `[batch, height, width, channels]` becomes `[batch, channels]`; constraint C1.
  public func callAsFunction(_ input: Tensor) -> Tensor {
    scope.enter(input) { _ in
      guard input.rank == 4 else {
        return report(
          "global pool: \(input.type) has \(input.rank) axes, not 4",
          remedy: "give [batch, height, width, channels]", constraint: "C1", input)
      }
      return globalAveragePool2d(input)
    } ?? .poisoned(in: input.graph)
  }
}

extension GlobalAveragePool2D: ScopedLayer {}
