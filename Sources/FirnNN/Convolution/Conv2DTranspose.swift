public import FirnGraph
public import FirnOps

/// A transposed convolution: `activation(conv2dTranspose(x, kernel) + bias)`.
///
/// | | shape | role |
/// | --- | --- | --- |
/// | x | `[batch, rows, columns, channels]` | |
/// | `kernel` | `[height, width, features / groups, channels]` | `kernel` |
/// | `bias` | `[features]` | `bias` |
/// | result | `[batch, height, width, features]`, as `conv2dTranspose` says | |
///
/// Constraints: (C1) x has four axes, the last a known number; (C2) groups divide channels and features; those of
/// `conv2dTranspose`.
///
/// - Complexity: 2 · batch · rows · columns · features · channels / groups · taps FLOPs, as much again for each gradient.
public final class Conv2DTranspose: Layer {
  private let kernel: (height: Int, width: Int)
  private let strides: (height: Int, width: Int)
  private let padding: Padding2D
  private let outputPadding: (height: Int, width: Int)
  private let groups: Int
  private var linear: LinearPart
  var scope: LayerScope

  public init(
    _ features: Int, kernel: (height: Int, width: Int), strides: (height: Int, width: Int) = (1, 1),
    padding: Padding2D = .valid, outputPadding: (height: Int, width: Int) = (0, 0), groups: Int = 1,
    activation: Activation = .linear, usesBias: Bool = true, kernelInitializer: Initializer? = nil,
    biasInitializer: Initializer = .zeros, trainable: Bool? = nil, name: String = "conv_transpose",
    file: StaticString = #fileID, line: UInt = #line
  ) {
    self.kernel = kernel
    self.strides = strides
    self.padding = padding
    self.outputPadding = outputPadding
    self.groups = groups
    linear = LinearPart(
      features: features, activation: activation, usesBias: usesBias, kernelInitializer: kernelInitializer,
      biasInitializer: biasInitializer, trainable: trainable)
    scope = LayerScope(name, file, line)
  }

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
          input, $0, strides: strides, padding: padding, outputPadding: outputPadding, groups: groups)
      }
    } ?? .poisoned(in: input.graph)
  }
}

extension Conv2DTranspose: ScopedLayer {}
