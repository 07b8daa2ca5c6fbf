public import FirnGraph
public import FirnOps

/// A convolution of images: `activation(conv2d(x, kernel) + bias)`.
///
/// | | shape | role |
/// | --- | --- | --- |
/// | x | `[batch, height, width, channels]` | |
/// | `kernel` | `[height, width, channels / groups, features]` | `kernel` |
/// | `bias` | `[features]` | `bias` |
/// | result | `[batch, rows, columns, features]`, as `conv2d` says | |
///
/// As many groups as channels make it depthwise.
///
/// Constraints: (C1) x has four axes, the last a known number; (C2) groups divide channels and features; those of `conv2d`.
///
/// - Complexity: 2 · batch · rows · columns · features · channels / groups · taps FLOPs, as much again for each gradient.
public final class Conv2D: Layer {
  private let kernel: (height: Int, width: Int)
  private let strides: (height: Int, width: Int)
  private let padding: Padding2D
  private let dilation: (height: Int, width: Int)
  private let groups: Int
  private var linear: LinearPart
  var scope: LayerScope

  /// - Parameter groups: blocks of channels that do not see each other.
  public init(
    _ features: Int, kernel: (height: Int, width: Int), strides: (height: Int, width: Int) = (1, 1),
    padding: Padding2D = .valid, dilation: (height: Int, width: Int) = (1, 1), groups: Int = 1,
    activation: Activation = .linear, usesBias: Bool = true, kernelInitializer: Initializer? = nil,
    biasInitializer: Initializer = .zeros, trainable: Bool? = nil, name: String = "conv",
    file: StaticString = #fileID, line: UInt = #line
  ) {
    self.kernel = kernel
    self.strides = strides
    self.padding = padding
    self.dilation = dilation
    self.groups = groups
    linear = LinearPart(
      features: features, activation: activation, usesBias: usesBias, kernelInitializer: kernelInitializer,
      biasInitializer: biasInitializer, trainable: trainable)
    scope = LayerScope(name, file, line)
  }

  /// Square windows.
  public convenience init(
    _ features: Int, kernel: Int, stride: Int = 1, padding: Padding2D = .valid, groups: Int = 1,
    activation: Activation = .linear, usesBias: Bool = true, kernelInitializer: Initializer? = nil,
    trainable: Bool? = nil, name: String = "conv", file: StaticString = #fileID, line: UInt = #line
  ) {
    self.init(
      features, kernel: (kernel, kernel), strides: (stride, stride), padding: padding, groups: groups,
      activation: activation, usesBias: usesBias, kernelInitializer: kernelInitializer, trainable: trainable,
      name: name, file: file, line: line)
  }

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
