public import FirnGraph
public import FirnOps

/// A transposed convolution, which enlarges images: `activation(conv2dTranspose(x, kernel) + bias)`.
///
/// Channels come last, and the kernel's features before what it reads, both as in Keras; PyTorch's `ConvTranspose2d`
/// reads `[batch, channels, rows, columns]` and has the kernel `[channels, features / groups, height, width]`.
///
/// | | shape | role |
/// | --- | --- | --- |
/// | x | `[batch, rows, columns, channels]`, `f32` or `f64` as all others | |
/// | `kernel` | `[height, width, features / groups, channels]` | `kernel` |
/// | `bias` | `[features]` | `bias` |
/// | result | `[batch, (rows - 1) stride + span - top - bottom + output padding, likewise across, features]` | |
///
/// The span of a kernel is (extent - 1) dilation + 1. `same` gives rows · stride.
///
/// Constraints, numbered as `conv2dTranspose`'s: (C1) x has four axes, the last a known number; (C2) it is floating
/// point; (C3) strides and dilation are positive, padding is not
/// negative; (C4) rows and columns are numbers; (C5) groups divide
/// channels and features; (C6) channels are the same in every call; (C7) padding is at most the span;
/// (C8) something is left of the result; (C9) output padding is in 0..<stride, and 0 beside `same`.
///
/// - Complexity: 2 · batch · rows · columns · features · channels / groups · taps FLOPs, as much again for each
///   gradient; x and kernel read, the result written once.
public final class Conv2DTranspose: Layer {
  private let kernel: (height: Int, width: Int)
  private let strides: (height: Int, width: Int)
  private let padding: Padding2D
  private let outputPadding: (height: Int, width: Int)
  private let dilation: (height: Int, width: Int)
  private let groups: Int
  private var linear: LinearPart
  var scope: LayerScope

  /// A layer of `features` results a pixel.
  ///
  /// - Parameters:
  ///   - features: the last extent of the result; Keras's `filters`, PyTorch's `out_channels`.
  ///   - kernel: rows and columns that an element of x spreads over.
  ///   - strides: how far apart elements of x are spread.
  ///   - padding: what is cut off the result.
  ///   - outputPadding: rows and columns added at the bottom and right, below the stride: which of several images with
  ///     as many windows is meant.
  ///   - dilation: from one tap of the kernel to the next.
  ///   - groups: blocks of channels that do not see each other.
  ///   - activation: what is applied to the sum.
  ///   - usesBias: whether a bias is added; needless before a batch norm.
  ///   - initializers: first values of kernel and bias.
  ///   - trainable: false declares the variables frozen, unless a compilation thaws them; nil for as the scope says.
  ///   - name: the layer's scope.
  public init(
    _ features: Int, kernel: (height: Int, width: Int), strides: (height: Int, width: Int) = (1, 1),
    padding: Padding2D = .valid, outputPadding: (height: Int, width: Int) = (0, 0),
    dilation: (height: Int, width: Int) = (1, 1), groups: Int = 1,
    activation: Activation = .linear, usesBias: Bool = true,
    initializers: WeightInitializers = WeightInitializers(), trainable: Bool? = nil,
    name: String = "conv_transpose", file: StaticString = #fileID, line: UInt = #line
  ) {
    self.kernel = kernel
    self.strides = strides
    self.padding = padding
    self.outputPadding = outputPadding
    self.dilation = dilation
    self.groups = groups
    linear = LinearPart(
      features: features, activation: activation, usesBias: usesBias, initializers: initializers,
      trainable: trainable)
    scope = LayerScope(name, otherwise: "conv_transpose", file, line)
  }

  /// `[batch, rows, columns, channels]` becomes `[batch, height, width, features]`; constraints are the layer's.
  public func callAsFunction(_ input: Tensor) -> Tensor {
    scope.enter(input) { graph in
      guard
        let channels = channels(
          of: input, for: "conv transpose", rank: 4, groups: groups, features: linear.features)
      else { return .poisoned(in: graph) }
      return linear(
        in: graph, kernel: [kernel.height, kernel.width, linear.features / groups, channels],
        dtype: input.dtype
      ) {
        conv2dTranspose(
          input, $0, strides: strides, padding: padding, outputPadding: outputPadding,
          dilation: dilation, groups: groups)
      }
    } ?? .poisoned(in: input.graph)
  }
}

extension Conv2DTranspose: ScopedLayer {}
