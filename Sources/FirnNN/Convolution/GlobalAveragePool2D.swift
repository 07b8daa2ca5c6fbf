public import FirnGraph
import FirnOps

/// The mean of each channel: `[batch, height, width, channels]` becomes `[batch, channels]`.
///
/// Constraints: (C1) x has four axes.
public final class GlobalAveragePool2D: Layer {
  var scope: LayerScope

  public init(name: String = "global_pool", file: StaticString = #fileID, line: UInt = #line) {
    scope = LayerScope(name, file, line)
  }

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
