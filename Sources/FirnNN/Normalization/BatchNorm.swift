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
/// step towards them: `moving ← (1 - share) · moving + share · batch`. What share a `momentum` is, and whether the
/// variance averaged is divided by n - 1 or n, is the layer's convention: PyTorch's, unless `.keras` is given. A
/// cumulative norm's averages are those of all batches so far, each of the same weight, PyTorch's `momentum=None`; their
/// number is one more variable, `batch_count`, `i32[]`, state. In inference, and in a frozen scope (rule 4), the moving
/// ones normalise and nothing moves; `keepingTrainingMode:` lets them move in a frozen scope, `keepingInferenceMode:` has
/// them normalise where the layer learns. A layer called twice moves them twice.
///
///     BatchNorm()                                   // momentum 0.1, ε 1e-5
///     BatchNorm(convention: .keras)                 // momentum 0.99, ε 1e-3
///     BatchNorm(convention: .keras, momentum: 0.9)  // moves as `BatchNorm()` does
///
/// A momentum that leaves a batch more than half of the averages is warned of when a program that trains is compiled:
/// it is most often the other convention's.
///
/// Where the members of a world train together, each normalises its own part of a batch, unless the layer is
/// `synchronised`: then mean and variance are those of all parts together, each weighed by its examples, and so are
/// their gradients; a member that has none of a batch adds nothing to them.
///
/// Constraints: (C1) the last extent of x is a number, and the same in every call; (C2) x has elements besides the
/// channels', and two or more of each channel where it trains, which is checked when it runs; (C3) momentum is in 0...1
/// and ε positive; (C4) not in the body of a loop, where nothing can move; (C5) a cumulative norm has no momentum.
///
/// Ioffe and Szegedy, ICML 2015, algorithm 1.
///
/// - Complexity: three passes over x in training, one in inference; 2 FLOPs an element in inference, about 6 in
///   training.
public final class BatchNorm: Layer {
  private let convention: BatchNormConvention
  private let momentum: Double?
  private let isCumulative: Bool
  private let epsilon: Double
  private let isSynchronised: Bool
  private let isAffine: Bool
  private let gammaInitializer: Initializer
  private let trainable: Bool?
  var scope: LayerScope
  private var variables: Variables?

  private struct Variables {
    let affine: ChannelAffine?
    let mean: Tensor
    let variance: Tensor
    /// Where averages are cumulative.
    let count: Tensor?
  }

  /// A norm of as many channels as the first call has.
  ///
  /// - Parameters:
  ///   - convention: whose momentum, moving variance and defaults these are.
  ///   - momentum: how slowly or fast the averages move, in the words of the convention; 0.1 of PyTorch's, 0.99 of
  ///     Keras's for nil.
  ///   - isCumulative: whether the averages are those of all batches so far instead; PyTorch's `momentum=None`.
  ///   - synchronised: whether statistics in training are those of all members of a world together, which takes two
  ///     small exchanges forward and two backward; by default each has its own.
  ///   - epsilon: what is added to a variance before its root is taken; the convention's for nil, 1e-5 or 1e-3.
  ///   - isAffine: whether there are gamma and beta.
  ///   - gammaInitializer: gamma's first value; `.zeros` for the last norm of a residual branch makes it begin as the
  ///     identity.
  ///   - trainable: false declares gamma and beta frozen and the averages held, unless a compilation thaws them; nil
  ///     for as the scope says.
  ///   - name: the layer's scope.
  public init(
    convention: BatchNormConvention = .pyTorch, momentum: Double? = nil, isCumulative: Bool = false,
    synchronised: Bool = false, epsilon: Double? = nil, isAffine: Bool = true,
    gammaInitializer: Initializer = .ones,
    trainable: Bool? = nil, name: String = "batch_norm",
    file: StaticString = #fileID, line: UInt = #line
  ) {
    self.convention = convention
    self.momentum = momentum
    self.isCumulative = isCumulative
    self.epsilon = epsilon ?? convention.defaultEpsilon
    isSynchronised = synchronised
    self.isAffine = isAffine
    self.gammaInitializer = gammaInitializer
    self.trainable = trainable
    scope = LayerScope(name, otherwise: "batch_norm", file, line)
  }

  /// x normalised, of its shape and type; constraints C1 to C5.
  public func callAsFunction(_ input: Tensor) -> Tensor {
    scope.enter(input) { graph in
      if let fault = fault(input, graph) { return fault }
      let variables = variables ?? makeVariables(in: graph, input)
      self.variables = variables
      let axes = Array(0..<input.rank - 1)
      let dimension = input.shape.dimensions.dropLast().reduce(1, *)
      let own = isSynchronised ? graph.extent(dimension, dtype: input.dtype) : nil
      let count = graph.sampleCount(dimension, dtype: input.dtype, of: own.map { allReduce($0) })
      func average(_ sums: Tensor) -> Tensor {
        guard let own else { return sums / count }
        return allReduce(sums / own, weight: own) / count
      }
      let batchMean = own == nil ? input.mean(axes: axes) : average(input.sum(axes: axes))
      let batchVariance = average(square(input - batchMean).sum(axes: axes))
      let mean = byMode(training: batchMean, inference: variables.mean)
      let variance = byMode(training: batchVariance, inference: variables.variance)

      let weight = cumulativeWeight(variables, used: mean)
      move(variables.mean, to: batchMean, by: weight, with: mean)
      let spread = convention == .pyTorch ? batchVariance * (count / (count - 1)) : batchVariance
      move(variables.variance, to: spread, by: weight, with: variance)

      // Two numbers a channel, so that x is read once more and no more.
      var scale = rsqrt(variance + epsilon)
      if let affine = variables.affine { scale = affine.gamma * scale }
      let shift = variables.affine.map { $0.beta - mean * scale } ?? -(mean * scale)
      return input * scale + shift
    } ?? .poisoned(in: input.graph)
  }

  /// The weight of the batch in cumulative averages, which counts it; nil where a momentum tells the weight.
  private func cumulativeWeight(_ variables: Variables, used: Tensor) -> Tensor? {
    guard let count = variables.count else { return nil }
    let next = count + 1
    used.graph.assign(next, to: count, whenTraining: used)
    return reciprocal(next.cast(to: used.dtype))
  }

  private func move(_ moving: Tensor, to batch: Tensor, by weight: Tensor?, with used: Tensor) {
    let distance = batch - moving
    let fixed = convention.batchWeight(ofMomentum: momentum ?? convention.defaultMomentum)
    let next = moving + (weight.map { distance * $0 } ?? distance * fixed)
    used.graph.assign(next, to: moving, whenTraining: used)
  }

  private func fault(_ input: Tensor, _ graph: Graph) -> Tensor? {
    if let fault = channelFault(of: input, "batch norm", variables?.mean.extent(0).value) { return fault }
    if input.rank < 2 || input.shape.dimensions.dropLast().contains(0) {
      return report(
        "batch norm: \(input.type) has no axis, or no elements, to average over",
        remedy: "give the input a batch axis", constraint: "C2", input)
    }
    if let momentum, isCumulative {
      return report(
        "batch norm: momentum \(momentum) of averages that are cumulative",
        remedy: "leave out one of both: cumulative averages give every batch the same weight",
        code: .invalidArgument, constraint: "C5", input)
    }
    if let momentum, !(0...1).contains(momentum) {
      return report(
        "batch norm: momentum \(momentum) is not in 0...1",
        remedy:
          "PyTorch's is the share of the batch in the moving averages, 0.1 by default, which Keras calls 0.9",
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
    func state(
      _ name: String, _ initializer: Initializer, shape: Shape? = nil, dtype: DType? = nil
    ) -> Tensor {
      graph.variable(
        name, shape: shape ?? Shape([input.extent(-1)]), dtype: dtype ?? input.dtype, role: name,
        initializer: initializer, trainable: trainable, kind: .state)
    }
    warnOfMomentum(in: graph)
    return Variables(
      affine: isAffine
        ? ChannelAffine(in: graph, input, gamma: gammaInitializer, trainable: trainable) : nil,
      mean: state("moving_mean", .zeros), variance: state("moving_variance", .ones),
      count: isCumulative ? state("batch_count", .zeros, shape: .scalar, dtype: .i32) : nil)
  }

  private func warnOfMomentum(in graph: Graph) {
    guard let momentum, convention.batchWeight(ofMomentum: momentum) > 0.5 else { return }
    let (own, other) = convention == .pyTorch ? ("PyTorch", "Keras") : ("Keras", "PyTorch")
    // As people write it: 1 - 0.99 is 0.01 and some bits.
    let there = ((1 - momentum) * 1e9).rounded() / 1e9
    graph.warn(
      "batch norm: a momentum of \(momentum) in \(own)'s sense leaves the last batch most of the moving averages; "
        + "\(other) would call it \(there)")
  }
}

extension BatchNorm: ScopedLayer {}
