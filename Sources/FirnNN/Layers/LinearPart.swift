import FirnGraph
import FirnOps

/// Kernel, bias and activation: what a layer does besides its product or convolution.
struct LinearPart {
  let features: Int
  let activation: Activation
  let usesBias: Bool
  let kernelInitializer: Initializer?
  let biasInitializer: Initializer
  let trainable: Bool?
  private var variables: (kernel: Tensor, bias: Tensor?)?

  init(
    features: Int, activation: Activation, usesBias: Bool, kernelInitializer: Initializer?,
    biasInitializer: Initializer, trainable: Bool?
  ) {
    self.features = features
    self.activation = activation
    self.usesBias = usesBias
    self.kernelInitializer = kernelInitializer
    self.biasInitializer = biasInitializer
    self.trainable = trainable
  }

  /// `activation(product(kernel) + bias)`; the first call makes the variables.
  mutating func callAsFunction(
    in graph: Graph, kernel shape: [Int], dtype: DType, _ product: (Tensor) -> Tensor
  ) -> Tensor {
    let (kernel, bias) = variables ?? makeVariables(in: graph, kernel: shape, dtype: dtype)
    variables = (kernel, bias)
    let result = product(kernel)
    return activation(bias.map { result + $0 } ?? result)
  }

  private func makeVariables(
    in graph: Graph, kernel shape: [Int], dtype: DType
  ) -> (kernel: Tensor, bias: Tensor?) {
    let kernel = graph.variable(
      "kernel", shape: Shape(shape), dtype: dtype, role: "kernel", initializer: kernelInitializer,
      trainable: trainable)
    let bias =
      usesBias
      ? graph.variable(
        "bias", shape: Shape([features]), dtype: dtype, role: "bias", initializer: biasInitializer,
        trainable: trainable)
      : nil
    return (kernel, bias)
  }
}
