public import FirnGraph
public import FirnOps

/// A convolution of sequences: `activation(conv1d(x, kernel) + bias)`.
///
/// | | shape | role |
/// | --- | --- | --- |
/// | x | `[batch, time, channels]` | |
/// | `kernel` | `[width, channels / groups, features]` | `kernel` |
/// | `bias` | `[features]` | `bias` |
/// | result | `[batch, steps, features]`, as `conv1d` says | |
///
/// Constraints: (C1) x has three axes, the last a known number; (C2) groups divide channels and features; those of `conv1d`.
///
/// - Complexity: 2 · batch · steps · features · channels / groups · width FLOPs, as much again for each gradient.
public final class Conv1D: Layer {
  private let width: Int
  private let stride: Int
  private let padding: Padding2D
  private let dilation: Int
  private let groups: Int
  private var linear: LinearPart
  var scope: LayerScope

  public init(
    _ features: Int, kernel width: Int, stride: Int = 1, padding: Padding2D = .valid, dilation: Int = 1,
    groups: Int = 1, activation: Activation = .linear, usesBias: Bool = true,
    kernelInitializer: Initializer? = nil, biasInitializer: Initializer = .zeros, trainable: Bool? = nil,
    name: String = "conv", file: StaticString = #fileID, line: UInt = #line
  ) {
    self.width = width
    self.stride = stride
    self.padding = padding
    self.dilation = dilation
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
