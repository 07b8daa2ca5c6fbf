public import FirnCompiler
public import FirnGraph
import FirnOps

/// RMSprop: Tieleman & Hinton, lecture 6.5 of *Neural Networks for Machine Learning*, 2012; in PyTorch's form.
///
///     s' = smoothing·s + (1-smoothing)·g²,  d = √s' + ε
///     w' = w - learningRate·g / d;  with momentum  b' = momentum·b + g / d,  w' = w - learningRate·b'
///
/// Centred (Graves, 2013, equation 40), d = √max(s' - a'², 0) + ε where a' = smoothing·a + (1-smoothing)·g: at a
/// constant gradient the difference is 0, and may be rounded to less. Slots: `mean_square`, with momentum `velocity`,
/// centred `mean`. The decay is added to the gradient.
///
/// Keras's smoothing, `rho`, is 0.9, its rate 0.001 and its ε 1e-7, added below the root; its velocity holds the rate.
public struct RMSprop: Optimizer {
  /// The rate, a number or a function of the steps done; 0.01 by default, as in PyTorch.
  public var learningRate: Schedule
  /// The decay of the means, at least 0 and below 1; 0.99 by default, PyTorch's `alpha`.
  public var smoothing: Double
  /// What keeps the divisor from 0, positive; 1e-8 by default.
  public var epsilon: Double
  /// How much of the last step's velocity stays, at least 0 and below 1; 0, none, by default.
  public var momentum: Double
  /// Adds weightDecay·w to the gradient; 0, none, by default.
  public var weightDecay: Double
  /// Whether the divisor is the deviation from the mean; false by default.
  public var isCentred: Bool
  /// What is different for some variables; none by default.
  public var groups: [ParameterGroup]
  /// The component that slots are named by.
  public var name: String
  /// The learning rate, where it never changes.
  public var fixedRate: Double? { learningRate.constant }

  /// The defaults are PyTorch's; compiling checks the numbers.
  public init(
    learningRate: Schedule = .constant(0.01), smoothing: Double = 0.99, epsilon: Double = 1e-8,
    momentum: Double = 0, weightDecay: Double = 0, isCentred: Bool = false, groups: [ParameterGroup] = [],
    name: String = "rmsprop"
  ) {
    self.learningRate = learningRate
    self.smoothing = smoothing
    self.epsilon = epsilon
    self.momentum = momentum
    self.weightDecay = weightDecay
    self.isCentred = isCentred
    self.groups = groups
    self.name = name
  }

  /// At a fixed rate.
  public init(
    learningRate: Double, momentum: Double = 0, weightDecay: Double = 0, isCentred: Bool = false,
    groups: [ParameterGroup] = []
  ) {
    self.init(
      learningRate: .constant(learningRate), momentum: momentum, weightDecay: weightDecay,
      isCentred: isCentred, groups: groups)
  }

  /// - Throws: `.invalidArgument` where smoothing or momentum is not in 0..<1, ε not positive, or rate or decay
  ///   negative.
  public func validate() throws(FirnError) {
    try Hyperparameter.validate(
      learningRate.hyperparameters + [
        .init("smoothing", smoothing, .fraction), .init("epsilon", epsilon, .positive),
        .init("momentum", momentum, .fraction), .init("weightDecay", weightDecay, .notNegative),
      ], of: name)
  }

  /// The mean of squares, and what momentum and centring need.
  public func slots(for part: TrainedPart) -> [OptimizerSlot] {
    [OptimizerSlot("mean_square", type: part.type)]
      + (momentum == 0 ? [] : [OptimizerSlot("velocity", type: part.type)])
      + (isCentred ? [OptimizerSlot("mean", type: part.type)] : [])
  }

  /// True.
  public var looksAtTypesOnly: Bool { true }

  /// The count of all steps, where the rate changes; else none.
  public var sharedSlots: [OptimizerSlot] { learningRate.sharedSlots }
  /// One step more.
  public func updateShared(_ slots: [Tensor]) -> [Tensor] { learningRate.updateShared(slots) }

  /// Adds the nodes of the formula above.
  ///
  /// - Complexity: 8 FLOPs for each element, 2 more with momentum, 6 more centred.
  public func update(_ update: ParameterUpdate) -> UpdatedParameter {
    let rate = learningRate.rate(of: update)
    let gradient = update.gradient(decayedBy: weightDecay)
    let squares = smoothing * update.slots[0] + (1 - smoothing) * square(gradient)
    var slots = [squares]
    var variance = squares
    var means: [Tensor] = []
    if isCentred, let old = update.slots.last {
      let mean = smoothing * old + (1 - smoothing) * gradient
      variance = maximum(squares - square(mean), 0)
      means = [mean]
    }
    var direction = gradient / (sqrt(variance) + epsilon)
    if momentum != 0 {
      direction = momentum * update.slots[1] + direction
      slots.append(direction)
    }
    return UpdatedParameter(value: update.value - rate * direction, slots: slots + means)
  }
}

extension RMSprop: CustomStringConvertible {
  /// Name and hyperparameters, in one line.
  public var description: String {
    "\(name): rate \(learningRate), smoothing \(smoothing), epsilon \(epsilon)"
      + (isCentred ? ", centred" : "") + (momentum == 0 ? "" : ", momentum \(momentum)")
      + (weightDecay == 0 ? "" : ", weight decay \(weightDecay)") + groups.summary
  }
}
