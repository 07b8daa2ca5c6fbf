public import FirnGraph
import FirnOps

/// A fully connected layer: `activation(x · kernel + bias)`.
///
/// | | shape | role |
/// | --- | --- | --- |
/// | x | `[…, in]` | |
/// | `kernel` | `[in, units]` | `kernel` |
/// | `bias` | `[units]` | `bias` |
/// | result | `[…, units]` | |
///
/// Constraints: (C1) the last extent of x is a number, and the same in every call.
///
/// - Complexity: 2·n·in·units FLOPs forward for n rows, as much again for each of the two gradients.
public final class Dense: Layer {
  private let units: Int
  private let activation: Activation
  private let usesBias: Bool
  private let kernelInitializer: Initializer?
  private let biasInitializer: Initializer
  private let trainable: Bool?
  var scope: LayerScope
  private var variables: (kernel: Tensor, bias: Tensor?)?

  public init(
    _ units: Int, activation: Activation = .linear, usesBias: Bool = true,
    kernelInitializer: Initializer? = nil,
    biasInitializer: Initializer = .zeros, trainable: Bool? = nil, name: String = "dense",
    file: StaticString = #fileID, line: UInt = #line
  ) {
    self.units = units
    self.activation = activation
    self.usesBias = usesBias
    self.kernelInitializer = kernelInitializer
    self.biasInitializer = biasInitializer
    self.trainable = trainable
    scope = LayerScope(name, file, line)
  }

  public func callAsFunction(_ input: Tensor) -> Tensor {
    scope.enter(input) { graph in
      guard input.rank >= 1, let features = input.extent(-1).value else {
        return report(
          "dense: the last axis of \(input.type) is not a known number of features",
          remedy: "give the input at least one axis, the last of a fixed extent", constraint: "C1", input)
      }
      let variables = variables ?? makeVariables(in: graph, features: features, dtype: input.dtype)
      self.variables = variables
      var result = matmul(input, variables.kernel)
      if let bias = variables.bias { result = result + bias }
      return activation(result)
    } ?? .poisoned(in: input.graph)
  }

  private func makeVariables(in graph: Graph, features: Int, dtype: DType) -> (kernel: Tensor, bias: Tensor?)
  {
    let kernel = graph.variable(
      "kernel", shape: Shape([features, units]), dtype: dtype, role: "kernel", initializer: kernelInitializer,
      trainable: trainable)
    let bias =
      usesBias
      ? graph.variable(
        "bias", shape: Shape([units]), dtype: dtype, role: "bias", initializer: biasInitializer,
        trainable: trainable)
      : nil
    return (kernel, bias)
  }
}

extension Dense: ScopedLayer {}
