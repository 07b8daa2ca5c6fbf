public import FirnGraph
import FirnOps

/// A fully connected layer: `activation(x · kernel + bias)`.
///
/// | | shape | role |
/// | --- | --- | --- |
/// | x | `[…, in]` | |
/// | `kernel` | `[in, units]` | `kernel` |
/// | `bias` | `[units]` | `bias` |
/// | result | `[…, units]` | |
///
/// Constraints: (C1) the last extent of x is a number, and the same in every call.
///
/// - Complexity: 2·n·in·units FLOPs forward for n rows, as much again for each of the two gradients.
public final class Dense: Layer {
  private var linear: LinearPart
  var scope: LayerScope

  public init(
    _ units: Int, activation: Activation = .linear, usesBias: Bool = true,
    kernelInitializer: Initializer? = nil,
    biasInitializer: Initializer = .zeros, trainable: Bool? = nil, name: String = "dense",
    file: StaticString = #fileID, line: UInt = #line
  ) {
    linear = LinearPart(
      features: units, activation: activation, usesBias: usesBias, kernelInitializer: kernelInitializer,
      biasInitializer: biasInitializer, trainable: trainable)
    scope = LayerScope(name, file, line)
  }

  public func callAsFunction(_ input: Tensor) -> Tensor {
    scope.enter(input) { graph in
      guard input.rank >= 1, let features = input.extent(-1).value else {
        return report(
          "dense: the last axis of \(input.type) is not a known number of features",
          remedy: "give the input at least one axis, the last of a fixed extent", constraint: "C1", input)
      }
      return linear(in: graph, kernel: [features, linear.features], dtype: input.dtype) { matmul(input, $0) }
    } ?? .poisoned(in: input.graph)
  }
}

extension Dense: ScopedLayer {}
