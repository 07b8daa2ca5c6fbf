public import FirnGraph
import FirnOps

/// `[batch, …]` as `[batch, features]`, in row-major order.
///
/// Of images channels vary fastest, as in Keras; PyTorch's `flatten` of `[batch, channels, height, width]` has columns
/// varying fastest, so the rows of a dense kernel behind it come in another order.
///
/// Constraints: (C1) there is a batch axis, and the extents of all others are numbers.
///
/// - Complexity: nothing is done; the result is a view.
public final class Flatten: Layer {
  var scope: LayerScope

  /// A layer without variables; `name` is its scope.
  public init(name: String = "flatten", file: StaticString = #fileID, line: UInt = #line) {
    scope = LayerScope(name, otherwise: "flatten", file, line)
  }

  /// `[batch, …]` becomes `[batch, features]`, of x's type; constraint C1.
  public func callAsFunction(_ input: Tensor) -> Tensor {
    scope.enter(input) { _ in
      let extents = input.shape.dimensions.dropFirst().compactMap(\.value)
      guard input.rank >= 1, extents.count == input.rank - 1 else {
        return report(
          "flatten: \(input.type) has no batch axis followed by axes of fixed extents",
          remedy: "fix the extents that are to be flattened", constraint: "C1", input)
      }
      return input.reshaped(to: Shape([input.extent(0), Dim(extents.reduce(1, *))]))
    } ?? .poisoned(in: input.graph)
  }
}

extension Flatten: ScopedLayer {}
