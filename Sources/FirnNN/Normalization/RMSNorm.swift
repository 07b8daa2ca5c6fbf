public import FirnGraph
import FirnOps

/// Root mean square normalisation: `x / √(mean x² + ε) · gamma`, each example by its own mean.
///
/// | | shape | role |
/// | --- | --- | --- |
/// | x | `[…, features]`, `f32` or `f64` as all others | |
/// | `gamma` | `[features]`, ones at first | `gain` |
/// | result | as x | |
///
/// PyTorch's `RMSNorm`, Keras's `RMSNormalization`. Nothing is subtracted, and there is no beta; training and inference
/// are the same.
///
/// Constraints: (C1) the last extent of x is a number, and the same in every call; (C2) ε is positive.
///
/// Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019, equation 4.
///
/// - Complexity: two passes over x, about 5 FLOPs an element.
public final class RMSNorm: Layer {
  private let epsilon: Double
  private let trainable: Bool?
  private var gamma: Tensor?
  var scope: LayerScope

  /// A norm over as many features as the first call has.
  ///
  /// - Parameters:
  ///   - epsilon: what is added to the mean before its root is taken; PyTorch's default is the element type's own,
  ///     about 1.2e-7, Keras's 1e-6.
  ///   - trainable: false declares the variable frozen, unless a compilation thaws it; nil for as the scope says.
  ///   - name: the layer's scope.
  public init(
    epsilon: Double = 1e-6, trainable: Bool? = nil, name: String = "rms_norm", file: StaticString = #fileID,
    line: UInt = #line
  ) {
    self.epsilon = epsilon
    self.trainable = trainable
    scope = LayerScope(name, otherwise: "rms_norm", file, line)
  }

  /// x normalised, of its shape and type; constraints C1 and C2.
  public func callAsFunction(_ input: Tensor) -> Tensor {
    scope.enter(input) { graph in
      if let fault = channelFault(of: input, "rms norm", gamma?.extent(0).value) { return fault }
      if let fault = epsilonFault(of: input, "rms norm", epsilon, "C2") { return fault }
      let gamma =
        gamma
        ?? normVariable(
          "gamma", Shape([input.extent(-1)]), "gain", .ones, in: graph, dtype: input.dtype,
          trainable: trainable)
      self.gamma = gamma
      return rootMeanSquareNormalized(input, epsilon: epsilon) * gamma
    } ?? .poisoned(in: input.graph)
  }
}

extension RMSNorm: ScopedLayer {}
