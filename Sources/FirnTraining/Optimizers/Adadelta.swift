public import FirnCompiler
public import FirnGraph
import FirnOps

/// Adadelta: Zeiler (2012), algorithm 1.
///
///     s' = smoothing·s + (1-smoothing)·g²,  δ = g·√(d + ε) / √(s' + ε),  d' = smoothing·d + (1-smoothing)·δ²
///     w' = w - learningRate·δ
///
/// Slots: `mean_square` s and `mean_square_step` d. The decay is added to the gradient. The formula is PyTorch's and
/// Keras's; Keras's smoothing is 0.95, its rate 0.001 and its ε 1e-7.
public struct Adadelta: Optimizer {
  /// The rate, a number or a function of the steps done; 1 by default, as in the paper and PyTorch.
  public var learningRate: Schedule
  /// The decay of both means, at least 0 and below 1; 0.9 by default, PyTorch's `rho`.
  public var smoothing: Double
  /// What is below both roots, positive; 1e-6 by default.
  public var epsilon: Double
  /// Adds weightDecay·w to the gradient; 0, none, by default.
  public var weightDecay: Double
  /// What is different for some variables; none by default.
  public var groups: [ParameterGroup]
  /// The component that slots are named by.
  public var name: String
  /// The learning rate, where it never changes.
  public var fixedRate: Double? { learningRate.constant }

  /// The defaults are PyTorch's; compiling checks the numbers.
  public init(
    learningRate: Schedule = .constant(1), smoothing: Double = 0.9, epsilon: Double = 1e-6,
    weightDecay: Double = 0, groups: [ParameterGroup] = [], name: String = "adadelta"
  ) {
    self.learningRate = learningRate
    self.smoothing = smoothing
    self.epsilon = epsilon
    self.weightDecay = weightDecay
    self.groups = groups
    self.name = name
  }

  /// At a fixed rate.
  public init(learningRate: Double, weightDecay: Double = 0, groups: [ParameterGroup] = []) {
    self.init(learningRate: .constant(learningRate), weightDecay: weightDecay, groups: groups)
  }

  /// - Throws: `.invalidArgument` where smoothing is not in 0..<1, ε not positive, or rate or decay negative.
  public func validate() throws(FirnError) {
    try Hyperparameter.validate(
      learningRate.hyperparameters + [
        .init("smoothing", smoothing, .fraction), .init("epsilon", epsilon, .positive),
        .init("weightDecay", weightDecay, .notNegative),
      ], of: name)
  }

  /// The means of squared gradients and of squared steps.
  public func slots(for part: TrainedPart) -> [OptimizerSlot] {
    [
      OptimizerSlot("mean_square", type: part.type), OptimizerSlot("mean_square_step", type: part.type),
    ]
  }

  /// True.
  public var looksAtTypesOnly: Bool { true }

  /// The count of all steps, where the rate changes; else none.
  public var sharedSlots: [OptimizerSlot] { learningRate.sharedSlots }
  /// One step more.
  public func updateShared(_ slots: [Tensor]) -> [Tensor] { learningRate.updateShared(slots) }

  /// Adds the nodes of the formula above.
  ///
  /// - Complexity: 16 FLOPs for each element.
  public func update(_ update: ParameterUpdate) -> UpdatedParameter {
    let gradient = update.gradient(decayedBy: weightDecay)
    let squares = smoothing * update.slots[0] + (1 - smoothing) * square(gradient)
    let step = gradient * sqrt(update.slots[1] + epsilon) / sqrt(squares + epsilon)
    let steps = smoothing * update.slots[1] + (1 - smoothing) * square(step)
    let rate = learningRate.rate(of: update)
    return UpdatedParameter(value: update.value - rate * step, slots: [squares, steps])
  }
}

extension Adadelta: CustomStringConvertible {
  /// Name and hyperparameters, in one line.
  public var description: String {
    "\(name): rate \(learningRate), smoothing \(smoothing), epsilon \(epsilon)"
      + (weightDecay == 0 ? "" : ", weight decay \(weightDecay)") + groups.summary
  }
}
