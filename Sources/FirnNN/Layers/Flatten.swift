public import FirnGraph
import FirnOps

/// `[batch, …]` as `[batch, features]`, in row-major order.
///
/// Constraints: (C1) there is a batch axis, and the extents of all others are numbers.
public final class Flatten: Layer {
  var scope: LayerScope

  public init(name: String = "flatten", file: StaticString = #fileID, line: UInt = #line) {
    scope = LayerScope(name, file, line)
  }

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
