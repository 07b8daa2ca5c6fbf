public import FirnGraph
public import FirnOps

/// A convolution of images: `activation(conv2d(x, kernel) + bias)`.
///
///     let x = Conv2D(64, kernel: 3, padding: .same, activation: .relu, name: "conv1")(images)
///
/// Channels come last, as in Keras; PyTorch's `Conv2d` reads `[batch, channels, height, width]` and has the kernel
/// `[features, channels / groups, height, width]`, which `NameMap.pyTorch` reorders.
///
/// | | shape | role |
/// | --- | --- | --- |
/// | x | `[batch, height, width, channels]`, `f32` or `f64` as all others | |
/// | `kernel` | `[height, width, channels / groups, features]` | `kernel` |
/// | `bias` | `[features]` | `bias` |
/// | result | `[batch, ⌊(height + top + bottom - span) / stride⌋ + 1, likewise across, features]` | |
///
/// The span of a kernel is (extent - 1) dilation + 1. As many groups as channels make it depthwise.
///
/// Constraints, numbered as `conv2d`'s: (C1) x has four axes, the last a known number; (C2) it is floating point;
/// (C3) strides and dilation are positive, padding is not negative; (C4) height and width are numbers; (C5) groups
/// divide channels and features; (C6) channels are the same in every call; (C7) padding is at most the span; (C8) the
/// span is not larger than the padded image.
///
/// - Complexity: 2 · batch · rows · columns · features · channels / groups · taps FLOPs, as much again for each
///   gradient; x and kernel read, the result written once.
public final class Conv2D: Layer {
  private let kernel: (height: Int, width: Int)
  private let strides: (height: Int, width: Int)
  private let padding: Padding2D
  private let dilation: (height: Int, width: Int)
  private let groups: Int
  private var linear: LinearPart
  var scope: LayerScope

  /// A layer of `features` results a pixel, of windows that may be oblong.
  ///
  /// - Parameters:
  ///   - features: the last extent of the result; Keras's `filters`, PyTorch's `out_channels`.
  ///   - kernel: rows and columns of a window.
  ///   - strides: from window to window.
  ///   - padding: what surrounds an image; Keras's `valid` and `same`, or PyTorch's numbers by `.symmetric`.
  ///   - dilation: from one tap of a window to the next.
  ///   - groups: blocks of channels that do not see each other.
  ///   - activation: what is applied to the sum.
  ///   - usesBias: whether a bias is added; needless before a batch norm.
  ///   - initializers: first values of kernel and bias.
  ///   - trainable: false declares the variables frozen, unless a compilation thaws them; nil for as the scope says.
  ///   - name: the layer's scope.
  public init(
    _ features: Int, kernel: (height: Int, width: Int), strides: (height: Int, width: Int) = (1, 1),
    padding: Padding2D = .valid, dilation: (height: Int, width: Int) = (1, 1), groups: Int = 1,
    activation: Activation = .linear, usesBias: Bool = true,
    initializers: WeightInitializers = WeightInitializers(), trainable: Bool? = nil, name: String = "conv",
    file: StaticString = #fileID, line: UInt = #line
  ) {
    self.kernel = kernel
    self.strides = strides
    self.padding = padding
    self.dilation = dilation
    self.groups = groups
    linear = LinearPart(
      features: features, activation: activation, usesBias: usesBias, initializers: initializers,
      trainable: trainable)
    scope = LayerScope(name, otherwise: "conv", file, line)
  }

  /// A layer of `features` results a pixel, of square windows.
  ///
  /// - Parameters:
  ///   - features: the last extent of the result; Keras's `filters`, PyTorch's `out_channels`.
  ///   - kernel: rows and columns of a window.
  ///   - stride: from window to window, both ways.
  ///   - padding: what surrounds an image; Keras's `valid` and `same`, or PyTorch's numbers by `.symmetric`.
  ///   - groups: blocks of channels that do not see each other.
  ///   - activation: what is applied to the sum.
  ///   - usesBias: whether a bias is added; needless before a batch norm.
  ///   - initializers: first values of kernel and bias.
  ///   - trainable: false declares the variables frozen, unless a compilation thaws them; nil for as the scope says.
  ///   - name: the layer's scope.
  public convenience init(
    _ features: Int, kernel: Int, stride: Int = 1, padding: Padding2D = .valid, groups: Int = 1,
    activation: Activation = .linear, usesBias: Bool = true,
    initializers: WeightInitializers = WeightInitializers(), trainable: Bool? = nil, name: String = "conv",
    file: StaticString = #fileID, line: UInt = #line
  ) {
    self.init(
      features, kernel: (kernel, kernel), strides: (stride, stride), padding: padding, groups: groups,
      activation: activation, usesBias: usesBias, initializers: initializers, trainable: trainable,
      name: name,
      file: file, line: line)
  }

  /// `[batch, height, width, channels]` becomes `[batch, rows, columns, features]`; constraints are the layer's.
  public func callAsFunction(_ input: Tensor) -> Tensor {
    scope.enter(input) { graph in
      guard
        let channels = channels(
          of: input, for: "conv", rank: 4, groups: groups, features: linear.features)
      else { return .poisoned(in: graph) }
      return linear(
        in: graph, kernel: [kernel.height, kernel.width, channels / groups, linear.features],
        dtype: input.dtype
      ) {
        conv2d(
          input, $0, strides: strides, padding: padding, dilation: dilation, groups: groups)
      }
    } ?? .poisoned(in: input.graph)
  }
}

extension Conv2D: ScopedLayer {}
