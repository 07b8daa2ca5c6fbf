public import FirnGraph

/// Layers one after the other, named by their places: `features/0/kernel`.
///
/// A layer's own name gives way to its place, so that scopes agree with those of PyTorch's `Sequential`.
public final class Sequential: Layer {
  public private(set) var layers: [any Layer]
  var scope: LayerScope

  public init(
    _ layers: [any Layer], name: String = "sequential", file: StaticString = #fileID, line: UInt = #line
  ) {
    self.layers = layers
    scope = LayerScope(name, file, line)
    for place in layers.indices { rename(place) }
  }

  public convenience init(
    _ layers: any Layer..., name: String = "sequential", file: StaticString = #fileID, line: UInt = #line
  ) {
    self.init(layers, name: name, file: file, line: line)
  }

  public func callAsFunction(_ input: Tensor) -> Tensor {
    scope.enter(input) { _ in layers.reduce(input) { $1($0) } } ?? .poisoned(in: input.graph)
  }

  /// From the next call on, `layer` stands at `place`.
  func replace(_ place: Int, by layer: any Layer) {
    layers[place] = layer
    rename(place)
  }

  private func rename(_ place: Int) { (layers[place] as? any ScopedLayer)?.scope.name = "\(place)" }
}

extension Sequential: ScopedLayer {}
