import FirnGraph
import FirnOps

/// What the variables of convolutions have in common.
struct KernelFactory {
  let kernelInitializer: Initializer?
  let biasInitializer: Initializer
  let usesBias: Bool
  let trainable: Bool?

  /// Kernel and bias for `input`; nil, with the fault on record, where it does not fit.
  ///
  /// - Parameter shape: the kernel's, for so many channels.
  func make(
    _ what: String, _ graph: Graph, _ input: Tensor, rank: Int, groups: Int, features: Int,
    shape: (Int) -> [Int]
  ) -> (kernel: Tensor, bias: Tensor?)? {
    guard input.rank == rank, let channels = input.extent(-1).value else {
      _ = report(
        "\(what): \(input.type) is not \(rank) axes, the last a known number of channels",
        remedy: rank == 4 ? "give [batch, height, width, channels]" : "give [batch, time, channels]",
        constraint: "C1", input)
      return nil
    }
    guard groups > 0, channels.isMultiple(of: groups), features.isMultiple(of: groups) else {
      _ = report(
        "\(what): \(groups) groups do not divide \(channels) channels and \(features) features",
        remedy: "choose a common divisor", code: .invalidArgument, constraint: "C2", input)
      return nil
    }
    let kernel = graph.variable(
      "kernel", shape: Shape(shape(channels)), dtype: input.dtype, role: "kernel",
      initializer: kernelInitializer, trainable: trainable)
    let bias =
      usesBias
      ? graph.variable(
        "bias", shape: Shape([features]), dtype: input.dtype, role: "bias", initializer: biasInitializer,
        trainable: trainable) : nil
    return (kernel, bias)
  }
}
