public import FirnGraph
import FirnOps

/// A fully connected layer: `activation(x · kernel + bias)`.
///
/// PyTorch's `nn.Linear`, whose weight is `[out, in]`, the kernel transposed; Keras's `Dense`.
///
/// | | shape | role |
/// | --- | --- | --- |
/// | x | `[…, in]`, `f32` or `f64` as all others | |
/// | `kernel` | `[in, units]` | `kernel` |
/// | `bias` | `[units]` | `bias` |
/// | result | `[…, units]` | |
///
/// Constraints: (C1) x has two axes or more, the last a known number; (C2) x is floating point; (C3) in is the same in
/// every call.
///
/// - Complexity: 2·n·in·units FLOPs forward for n rows, as much again for each of the two gradients; n·(in + units) +
///   in·units elements moved.
public final class Dense: Layer {
  private var linear: LinearPart
  var scope: LayerScope

  /// A layer of `units` results; the first call tells how many features it reads, and makes the variables.
  ///
  /// - Parameters:
  ///   - units: the last extent of the result.
  ///   - activation: what is applied to the sum.
  ///   - usesBias: whether a bias is added; needless before a batch norm.
  ///   - initializers: first values of kernel and bias.
  ///   - trainable: false declares the variables frozen, unless a compilation thaws them; nil for as the scope says.
  ///   - name: the layer's scope.
  public init(
    _ units: Int, activation: Activation = .linear, usesBias: Bool = true,
    initializers: WeightInitializers = WeightInitializers(), trainable: Bool? = nil, name: String = "dense",
    file: StaticString = #fileID, line: UInt = #line
  ) {
    linear = LinearPart(
      features: units, activation: activation, usesBias: usesBias, initializers: initializers,
      trainable: trainable)
    scope = LayerScope(name, otherwise: "dense", file, line)
  }

  /// `[…, in]` becomes `[…, units]`; constraints C1 to C3.
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
