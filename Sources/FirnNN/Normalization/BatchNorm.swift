public import FirnGraph
import FirnOps

/// Batch normalisation: `(x - mean) / √(variance + ε) · gamma + beta`, by channel.
///
/// PyTorch's `BatchNorm1d` and `BatchNorm2d`, Keras's `BatchNormalization`; channels come last.
///
/// | | shape | role |
/// | --- | --- | --- |
/// | x | `[batch, …, channels]`, `f32` or `f64` as all others | |
/// | `gamma`, `beta` | `[channels]`, ones and zeros at first | `gain`, `bias` |
/// | `moving_mean`, `moving_variance` | `[channels]`, state, zeros and ones at first | `moving_mean`, `moving_variance` |
/// | result | as x | |
///
/// In training mode mean and variance are those of the batch, over all axes but the last, and the moving ones take a
/// step towards them: `moving ← (1 - momentum) · moving + momentum · batch`. `momentum` is PyTorch's, 0.1; TensorFlow's
/// and Keras's is one minus that. As in PyTorch the variance that normalises is divided by n, and the one averaged by
/// n - 1 (Keras averages the former). In inference, and in a frozen scope (rule 4), the moving ones normalise and
/// nothing moves; `keepingTrainingMode:` lets them move in a frozen scope. A layer called twice moves them twice.
///
/// Constraints: (C1) the last extent of x is a number, and the same in every call; (C2) x has elements besides the
/// channels', and two or more of each channel where it trains, which is checked when it runs; (C3) momentum is in 0...1
/// and ε positive; (C4) not in the body of a loop, where nothing can move.
///
/// Ioffe and Szegedy, ICML 2015, algorithm 1.
///
/// - Complexity: three passes over x in training, one in inference; 2 FLOPs an element in inference, about 6 in
///   training.
public final class BatchNorm: Layer {
  private let momentum: Double
  private let epsilon: Double
  private let isAffine: Bool
  private let gammaInitializer: Initializer
  private let trainable: Bool?
  var scope: LayerScope
  private var variables: Variables?

  private struct Variables {
    let affine: ChannelAffine?
    let mean: Tensor
    let variance: Tensor
  }

  /// A norm of as many channels as the first call has.
  ///
  /// - Parameters:
  ///   - momentum: the share of the batch in the moving averages, as in PyTorch; one minus Keras's `momentum`.
  ///   - epsilon: what is added to a variance before its root is taken, PyTorch's default; Keras's is 1e-3.
  ///   - isAffine: whether there are gamma and beta.
  ///   - gammaInitializer: gamma's first value; `.zeros` for the last norm of a residual branch makes it begin as the
  ///     identity.
  ///   - trainable: false declares gamma and beta frozen and the averages held, unless a compilation thaws them; nil
  ///     for as the scope says.
  ///   - name: the layer's scope.
  public init(
    momentum: Double = 0.1, epsilon: Double = 1e-5, isAffine: Bool = true,
    gammaInitializer: Initializer = .ones, trainable: Bool? = nil, name: String = "batch_norm",
    file: StaticString = #fileID, line: UInt = #line
  ) {
    self.momentum = momentum
    self.epsilon = epsilon
    self.isAffine = isAffine
    self.gammaInitializer = gammaInitializer
    self.trainable = trainable
    scope = LayerScope(name, file, line)
  }

  /// x normalised, of its shape and type; constraints C1 to C4.
  public func callAsFunction(_ input: Tensor) -> Tensor {
    scope.enter(input) { graph in
      if let fault = fault(input, graph) { return fault }
      let variables = variables ?? makeVariables(in: graph, input)
      self.variables = variables
      let axes = Array(0..<input.rank - 1)
      let count = graph.sampleCount(
        input.shape.dimensions.dropLast().reduce(1, *), dtype: input.dtype)
      let batchMean = input.mean(axes: axes)
      let batchVariance = square(input - batchMean).sum(axes: axes) / count
      let mean = byMode(training: batchMean, inference: variables.mean)
      let variance = byMode(training: batchVariance, inference: variables.variance)

      move(variables.mean, to: batchMean, with: mean)
      move(variables.variance, to: batchVariance * (count / (count - 1)), with: variance)

      // Two numbers a channel, so that x is read once more and no more.
      var scale = rsqrt(variance + epsilon)
      if let affine = variables.affine { scale = affine.gamma * scale }
      let shift = variables.affine.map { $0.beta - mean * scale } ?? -(mean * scale)
      return input * scale + shift
    } ?? .poisoned(in: input.graph)
  }

  private func move(_ moving: Tensor, to batch: Tensor, with used: Tensor) {
    let next = moving + (batch - moving) * momentum
    used.graph.assign(next, to: moving, whenTraining: used)
  }

  private func fault(_ input: Tensor, _ graph: Graph) -> Tensor? {
    if let fault = channelFault(of: input, "batch norm", variables?.mean.extent(0).value) { return fault }
    if input.rank < 2 || input.shape.dimensions.dropLast().contains(0) {
      return report(
        "batch norm: \(input.type) has no axis, or no elements, to average over",
        remedy: "give the input a batch axis", constraint: "C2", input)
    }
    if !(0...1).contains(momentum) {
      return report(
        "batch norm: momentum \(momentum) is not in 0...1",
        remedy:
          "it is the share of the batch in the moving averages; PyTorch's default is 0.1, which Keras calls 0.9",
        code: .invalidArgument, constraint: "C3", input)
    }
    if let fault = epsilonFault(of: input, "batch norm", epsilon, "C3") { return fault }
    if graph.parent != nil {
      return report(
        "batch norm: its averages cannot move in the body of a loop",
        remedy: "normalise outside the loop, or by `LayerNorm` inside", code: .invalidGraph, constraint: "C4",
        input)
    }
    return nil
  }

  private func makeVariables(in graph: Graph, _ input: Tensor) -> Variables {
    func state(_ name: String, _ initializer: Initializer) -> Tensor {
      graph.variable(
        name, shape: Shape([input.extent(-1)]), dtype: input.dtype, role: name, initializer: initializer,
        trainable: trainable, kind: .state)
    }
    return Variables(
      affine: isAffine
        ? ChannelAffine(in: graph, input, gamma: gammaInitializer, trainable: trainable) : nil,
      mean: state("moving_mean", .zeros), variance: state("moving_variance", .ones))
  }
}

extension BatchNorm: ScopedLayer {}
