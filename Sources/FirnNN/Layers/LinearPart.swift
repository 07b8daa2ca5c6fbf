import FirnGraph
import FirnOps

/// Kernel, bias and activation: what a layer does besides its product or convolution.
struct LinearPart {
  let features: Int
  let activation: Activation
  let usesBias: Bool
  let initializers: WeightInitializers
  let trainable: Bool?
  private(set) var variables: (kernel: Tensor, bias: Tensor?)?

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
    initializers.reportUnused(besides: usesBias ? [\.bias] : [], in: graph)
    let kernel = graph.variable(
      "kernel", shape: Shape(shape), dtype: dtype, role: "kernel", initializer: initializers.kernel,
      trainable: trainable)
    let bias =
      usesBias
      ? graph.variable(
        "bias", shape: Shape([features]), dtype: dtype, role: "bias",
        initializer: initializers.bias ?? .zeros,
        trainable: trainable)
      : nil
    return (kernel, bias)
  }
}
