public import FirnGraph

/// Layers one after the other, named by their places: `features/0/kernel`.
///
/// A layer whose first call is here is named by its place, so that scopes agree with those of PyTorch's `Sequential`. As
/// there, a layer that stands at two places has its variables once, under the first of them; one that was called before
/// keeps the name it has. Keras's `Sequential` names by layer instead: give layers names and call them one by one for
/// that.
///
/// Constraints: (C1) a layer whose first call is here was given no name, which would have no effect; those of the
/// layers.
public final class Sequential: Layer {
  /// The layers in their order; `model.layers[0]` is the first.
  public private(set) var layers: [any Layer]
  var scope: LayerScope

  /// The layers one after the other in the scope `name`.
  public init(
    _ layers: [any Layer], name: String = "sequential", file: StaticString = #fileID, line: UInt = #line
  ) {
    self.layers = layers
    scope = LayerScope(name, otherwise: "sequential", file, line)
  }

  /// The layers one after the other in the scope `name`, written out: `Sequential(Dense(8), Apply(.relu))`.
  public convenience init(
    _ layers: any Layer..., name: String = "sequential", file: StaticString = #fileID, line: UInt = #line
  ) {
    self.init(layers, name: name, file: file, line: line)
  }

  /// What the last layer makes of `input`; constraints are the layers'.
  public func callAsFunction(_ input: Tensor) -> Tensor {
    scope.enter(input) { graph in
      reportNames(in: graph)
      return layers.enumerated().reduce(input) { input, layer in
        // Counts in the first call only, whatever contains the layer besides.
        (layer.element as? any ScopedLayer)?.scope.name = "\(layer.offset)"
        return layer.element(input)
      }
    } ?? .poisoned(in: input.graph)
  }

  /// Puts on record every name that a layer was given in vain.
  private func reportNames(in graph: Graph) {
    for (place, layer) in layers.enumerated() {
      guard let scope = (layer as? any ScopedLayer)?.scope, scope.isNamed, !scope.isOpened,
        scope.name != "\(place)"
      else { continue }
      graph.report(
        FirnError(
          .invalidArgument,
          "sequential: layer \(place) is named `\(scope.name)`, but layers here are named by place",
          remedy: "leave the name out, or call the layers one by one in `graph.scope` to name them",
          constraint: "C1", place: Path.joined(graph.fullScopePath, "\(place)"), location: scope.location))
    }
  }

  /// From the next call on, `layer` stands at `place`.
  func replace(_ place: Int, by layer: any Layer) { layers[place] = layer }
}

extension Sequential: ScopedLayer {}
