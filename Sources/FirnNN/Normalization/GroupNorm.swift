public import FirnGraph
import FirnOps

/// Group normalisation: channels in groups, each example's group by its own statistics.
///
/// | | shape | role |
/// | --- | --- | --- |
/// | x | `[batch, …, channels]`, `f32` or `f64` as all others; channels come last | |
/// | `gamma`, `beta` | `[channels]`, ones and zeros at first | `gain`, `bias` |
/// | result | as x | |
///
/// PyTorch's `GroupNorm`, Keras's `GroupNormalization`. `y = (x - mean) / √(variance + ε) · gamma + beta`, training and
/// inference alike. Mean and variance (divided by n) of a group are over all axes but the batch's. One group is layer
/// norm over the whole example; as many groups as channels is instance norm.
///
/// Constraints: (C1) the last extent of x is a number, and the same in every call; (C2) groups divide the channels;
/// (C3) ε is positive.
///
/// Wu and He, ECCV 2018, equation 7.
///
/// - Complexity: three passes over x, about 8 FLOPs an element.
public final class GroupNorm: Layer {
  private let groups: Int
  private let epsilon: Double
  private let trainable: Bool?
  private var affine: ChannelAffine?
  var scope: LayerScope

  /// A norm of as many channels as the first call has.
  ///
  /// - Parameters:
  ///   - groups: how many groups of neighbouring channels there are.
  ///   - epsilon: what is added to a variance before its root is taken, PyTorch's default; Keras's is 1e-3.
  ///   - trainable: false declares the variables frozen, unless a compilation thaws them; nil for as the scope says.
  ///   - name: the layer's scope.
  public init(
    groups: Int, epsilon: Double = 1e-5, trainable: Bool? = nil, name: String = "group_norm",
    file: StaticString = #fileID, line: UInt = #line
  ) {
    self.groups = groups
    self.epsilon = epsilon
    self.trainable = trainable
    scope = LayerScope(name, otherwise: "group_norm", file, line)
  }

  /// x normalised, of its shape and type; constraints C1 to C3.
  public func callAsFunction(_ input: Tensor) -> Tensor {
    scope.enter(input) { graph in
      if let fault = channelFault(of: input, "group norm", affine?.width) { return fault }
      if let fault = epsilonFault(of: input, "group norm", epsilon, "C3") { return fault }
      let channels = input.extent(-1).value ?? 0
      guard input.rank >= 2, groups > 0, channels.isMultiple(of: groups) else {
        return report(
          "group norm: \(groups) groups do not divide the \(channels) channels of \(input.type)",
          remedy: "choose a divisor of \(channels), and give the input a batch axis", constraint: "C2", input)
      }
      let affine = affine ?? ChannelAffine(in: graph, input, trainable: trainable)
      self.affine = affine
      let dimensions = input.shape.dimensions
      let grouped = input.reshaped(
        to: Shape(dimensions.dropLast() + [Dim(groups), Dim(channels / groups)]))
      let axes = Array(1..<input.rank - 1) + [input.rank]
      return affine(standardized(grouped, axes: axes, epsilon: epsilon).reshaped(to: input.shape))
    } ?? .poisoned(in: input.graph)
  }
}

extension GroupNorm: ScopedLayer {}
