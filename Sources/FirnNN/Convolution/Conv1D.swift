public import FirnGraph
public import FirnOps

/// A convolution of sequences: `activation(conv1d(x, kernel) + bias)`.
///
/// Channels come last, as in Keras; PyTorch's `Conv1d` reads `[batch, channels, time]` and has the kernel `[features,
/// channels / groups, width]`.
///
/// | | shape | role |
/// | --- | --- | --- |
/// | x | `[batch, time, channels]`, `f32` or `f64` as all others | |
/// | `kernel` | `[width, channels / groups, features]` | `kernel` |
/// | `bias` | `[features]` | `bias` |
/// | result | `[batch, ⌊(time + left + right - span) / stride⌋ + 1, features]`, span = (width - 1) dilation + 1 | |
///
/// Constraints, numbered as `conv1d`'s: (C1) x has three axes, the last a known number; (C2) it is floating point;
/// (C3) stride and dilation are positive, padding is not negative; (C4) time is a number; (C5) groups divide channels
/// and features; (C6) channels are the same in every call; (C7) padding is at most the span, and none above or below;
/// (C8) the span is not larger than the padded time.
///
/// - Complexity: 2 · batch · steps · features · channels / groups · width FLOPs, as much again for each gradient; x and
///   kernel read, the result written once.
public final class Conv1D: Layer {
  private let width: Int
  private let stride: Int
  private let padding: Padding2D
  private let dilation: Int
  private let groups: Int
  private var linear: LinearPart
  var scope: LayerScope

  /// A layer of `features` results a step; the first call tells how many channels it reads, and makes the variables.
  ///
  /// - Parameters:
  ///   - features: the last extent of the result; Keras's `filters`, PyTorch's `out_channels`.
  ///   - width: steps a window reads.
  ///   - stride: steps from window to window.
  ///   - padding: what surrounds a sequence; an explicit one by `.symmetric(0, …)`.
  ///   - dilation: steps from one tap of a window to the next.
  ///   - groups: blocks of channels that do not see each other.
  ///   - activation: what is applied to the sum.
  ///   - usesBias: whether a bias is added; needless before a batch norm.
  ///   - initializers: first values of kernel and bias.
  ///   - trainable: false declares the variables frozen, unless a compilation thaws them; nil for as the scope says.
  ///   - name: the layer's scope.
  public init(
    _ features: Int, kernel width: Int, stride: Int = 1, padding: Padding2D = .valid, dilation: Int = 1,
    groups: Int = 1, activation: Activation = .linear, usesBias: Bool = true,
    initializers: WeightInitializers = WeightInitializers(), trainable: Bool? = nil, name: String = "conv",
    file: StaticString = #fileID, line: UInt = #line
  ) {
    self.width = width
    self.stride = stride
    self.padding = padding
    self.dilation = dilation
    self.groups = groups
    linear = LinearPart(
      features: features, activation: activation, usesBias: usesBias, initializers: initializers,
      trainable: trainable)
    scope = LayerScope(name, otherwise: "conv", file, line)
  }

  /// `[batch, time, channels]` becomes `[batch, steps, features]`; constraints are the layer's.
  public func callAsFunction(_ input: Tensor) -> Tensor {
    scope.enter(input) { graph in
      guard
        let channels = channels(
          of: input, for: "conv", rank: 3, groups: groups, features: linear.features)
      else { return .poisoned(in: graph) }
      return linear(in: graph, kernel: [width, channels / groups, linear.features], dtype: input.dtype) {
        conv1d(
          input, $0, stride: stride, padding: padding, dilation: dilation, groups: groups)
      }
    } ?? .poisoned(in: input.graph)
  }
}

extension Conv1D: ScopedLayer {}
