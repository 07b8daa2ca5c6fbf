import FirnGraph

/// Layers one after the other in a scope, by their own names.
final class Block: ScopedLayer {
  private let layers: [any Layer]
  var scope: LayerScope

  init(_ layers: [any Layer], name: String = "block") {
    self.layers = layers
    scope = LayerScope(name, #fileID, #line)
  }

  func callAsFunction(_ input: Tensor) -> Tensor {
    scope.enter(input) { _ in layers.reduce(input) { $1($0) } } ?? .poisoned(in: input.graph)
  }
}
