public import FirnGraph
import FirnOps

/// Layer normalisation: `(x - mean) / √(variance + ε) · gamma + beta`, each example by its own statistics.
///
/// | | shape | role |
/// | --- | --- | --- |
/// | x | `[…, features]`, `f32` or `f64` as all others | |
/// | `gamma`, `beta` | `[features]`, ones and zeros at first | `gain`, `bias` |
/// | result | as x | |
///
/// PyTorch's `LayerNorm` of one axis, Keras's `LayerNormalization`. Mean and variance (divided by n) are over the last
/// axis; training and inference are the same.
///
/// Constraints: (C1) the last extent of x is a number, and the same in every call; (C2) ε is positive.
///
/// Ba, Kiros and Hinton, 2016, equation 4.
///
/// - Complexity: three passes over x, about 8 FLOPs an element.
public final class LayerNorm: Layer {
  private let epsilon: Double
  private let trainable: Bool?
  private var affine: ChannelAffine?
  var scope: LayerScope

  /// A norm of as many features as the first call has.
  ///
  /// - Parameters:
  ///   - epsilon: what is added to a variance before its root is taken, PyTorch's default; Keras's is 1e-3.
  ///   - trainable: false declares the variables frozen, unless a compilation thaws them; nil for as the scope says.
  ///   - name: the layer's scope.
  public init(
    epsilon: Double = 1e-5, trainable: Bool? = nil, name: String = "layer_norm", file: StaticString = #fileID,
    line: UInt = #line
  ) {
    self.epsilon = epsilon
    self.trainable = trainable
    scope = LayerScope(name, otherwise: "layer_norm", file, line)
  }

  /// x normalised, of its shape and type; constraints C1 and C2.
  public func callAsFunction(_ input: Tensor) -> Tensor {
    scope.enter(input) { graph in
      if let fault = channelFault(of: input, "layer norm", affine?.width) { return fault }
      if let fault = epsilonFault(of: input, "layer norm", epsilon, "C2") { return fault }
      let affine = affine ?? ChannelAffine(in: graph, input, trainable: trainable)
      self.affine = affine
      return affine(normalized(input, over: [-1], epsilon: epsilon))
    } ?? .poisoned(in: input.graph)
  }
}

extension LayerNorm: ScopedLayer {}
