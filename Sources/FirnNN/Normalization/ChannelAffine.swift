import FirnGraph
import FirnOps

/// The scale and shift by channel that end a normalisation.
struct ChannelAffine {
  let gamma: Tensor
  let beta: Tensor

  init(in graph: Graph, _ input: Tensor, gamma initializer: Initializer = .ones, trainable: Bool?) {
    let shape = Shape([input.extent(-1)])
    gamma = normVariable(
      "gamma", shape, "gain", initializer, in: graph, dtype: input.dtype, trainable: trainable)
    beta = normVariable("beta", shape, "bias", .zeros, in: graph, dtype: input.dtype, trainable: trainable)
  }

  var width: Int? { gamma.extent(0).value }

  func callAsFunction(_ x: Tensor) -> Tensor { x * gamma + beta }
}

/// A gain or an offset of a normalisation.
func normVariable(
  _ name: String, _ shape: Shape, _ role: String, _ initializer: Initializer, in graph: Graph, dtype: DType,
  trainable: Bool?
) -> Tensor {
  graph.variable(
    name, shape: shape, dtype: dtype, role: role, initializer: initializer, trainable: trainable)
}

/// What is wrong with the channels of `input` (C1), on record; nil where nothing is.
func channelFault(of input: Tensor, _ what: String, _ known: Int?) -> Tensor? {
  guard input.rank >= 1, let channels = input.extent(-1).value else {
    return report(
      "\(what): the last axis of \(input.type) is not a known number of channels",
      remedy: "give the input a last axis of a fixed extent", constraint: "C1", input)
  }
  if let known, known != channels {
    return report(
      "\(what): the input has \(channels) channels, the layer \(known)",
      remedy: "make one layer for each width", constraint: "C1", input)
  }
  return nil
}

/// That `epsilon` does not keep a variance of 0 from being divided by, on record; nil where it does.
func epsilonFault(of input: Tensor, _ what: String, _ epsilon: Double, _ constraint: String) -> Tensor? {
  if epsilon > 0, epsilon.isFinite { return nil }
  return report(
    "\(what): epsilon \(epsilon) is not a positive number",
    remedy: "it keeps a variance of 0 from being divided by; 1e-5 is usual", code: .invalidArgument,
    constraint: constraint, input)
}
