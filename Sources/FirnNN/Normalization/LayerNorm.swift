public import FirnGraph
import FirnOps

/// Layer normalisation: `(x - mean) / √(variance + ε) · gamma + beta`, each example by its own statistics.
///
/// | | shape | role |
/// | --- | --- | --- |
/// | x | `[…, features]` | |
/// | `gamma`, `beta` | `[features]` | `gain`, `bias` |
/// | result | as x | |
///
/// Mean and variance (divided by n) are over the last axis; training and inference are the same.
///
/// Constraints: (C1) the last extent of x is a number, and the same in every call; (C2) ε is positive.
///
/// Ba, Kiros and Hinton, 2016, equation 4.
///
/// - Complexity: three passes over x.
public final class LayerNorm: Layer {
  private let epsilon: Double
  private let trainable: Bool?
  private var affine: ChannelAffine?
  var scope: LayerScope

  public init(
    epsilon: Double = 1e-5, trainable: Bool? = nil, name: String = "layer_norm", file: StaticString = #fileID,
    line: UInt = #line
  ) {
    self.epsilon = epsilon
    self.trainable = trainable
    scope = LayerScope(name, file, line)
  }

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
