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
  private let features: Int
  private let kernel: (height: Int, width: Int)
  private let strides: (height: Int, width: Int)
  private let padding: Padding2D
  private let outputPadding: (height: Int, width: Int)
  private let groups: Int
  private let activation: Activation
  private let factory: KernelFactory
  private var variables: (kernel: Tensor, bias: Tensor?)?
  var scope: LayerScope

  public init(
    _ features: Int, kernel: (height: Int, width: Int), strides: (height: Int, width: Int) = (1, 1),
    padding: Padding2D = .valid, outputPadding: (height: Int, width: Int) = (0, 0), groups: Int = 1,
    activation: Activation = .linear, usesBias: Bool = true, kernelInitializer: Initializer? = nil,
    biasInitializer: Initializer = .zeros, trainable: Bool? = nil, name: String = "conv_transpose",
    file: StaticString = #fileID, line: UInt = #line
  ) {
    self.features = features
    self.kernel = kernel
    self.strides = strides
    self.padding = padding
    self.outputPadding = outputPadding
    self.groups = groups
    self.activation = activation
    factory = KernelFactory(
      kernelInitializer: kernelInitializer, biasInitializer: biasInitializer, usesBias: usesBias,
      trainable: trainable)
    scope = LayerScope(name, file, line)
  }

  public func callAsFunction(_ input: Tensor) -> Tensor {
    scope.enter(input) { graph in
      let made =
        variables
        ?? factory.make(
          "conv transpose", graph, input, rank: 4, groups: groups, features: features,
          shape: { [kernel.height, kernel.width, features / groups, $0] })
      guard let made else { return .poisoned(in: graph) }
      variables = made
      var result = conv2dTranspose(
        input, made.kernel, strides: strides, padding: padding, outputPadding: outputPadding, groups: groups)
      if let bias = made.bias { result = result + bias }
      return activation(result)
    } ?? .poisoned(in: input.graph)
  }
}

extension Conv2DTranspose: ScopedLayer {}
