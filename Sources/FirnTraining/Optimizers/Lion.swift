public import FirnCompiler
public import FirnGraph
import FirnOps

/// Steps of one size in every direction: Chen et al., NeurIPS 2023, algorithm 2.
///
///     c = β₁·m + (1-β₁)·g,  w' = w - learningRate·( sign(c) + weightDecay·w ),  m' = β₂·m + (1-β₂)·g
///
/// One slot, `momentum`. The sign of 0 is 0. The decay is decoupled. PyTorch has no Lion; Keras's has this formula,
/// with a rate of 0.001.
public struct Lion: Optimizer {
  /// The rate, a number or a function of the steps done; 1e-4 by default, as in the authors' program.
  public var learningRate: Schedule
  /// How much of the momentum is in a step's direction, at least 0 and below 1; 0.9 by default.
  public var beta1: Double
  /// The decay of the momentum, at least 0 and below 1; 0.99 by default.
  public var beta2: Double
  /// How much of each trained weight a step takes away, times the rate; 0, none, by default.
  public var weightDecay: Double
  /// What is different for some variables; none by default.
  public var groups: [ParameterGroup]
  /// The component that slots are named by.
  public var name: String
  /// The learning rate, where it never changes.
  public var fixedRate: Double? { learningRate.constant }

  /// The defaults are the authors'; compiling checks the numbers.
  public init(
    learningRate: Schedule = .constant(1e-4), beta1: Double = 0.9, beta2: Double = 0.99,
    weightDecay: Double = 0, groups: [ParameterGroup] = [], name: String = "lion"
  ) {
    self.learningRate = learningRate
    self.beta1 = beta1
    self.beta2 = beta2
    self.weightDecay = weightDecay
    self.groups = groups
    self.name = name
  }

  /// At a fixed rate.
  public init(learningRate: Double, weightDecay: Double = 0, groups: [ParameterGroup] = []) {
    self.init(learningRate: .constant(learningRate), weightDecay: weightDecay, groups: groups)
  }

  /// - Throws: `.invalidArgument` where β₁ or β₂ is not in 0..<1, or rate or decay negative.
  public func validate() throws(FirnError) {
    try Hyperparameter.validate(
      learningRate.hyperparameters + [
        .init("beta1", beta1, .fraction), .init("beta2", beta2, .fraction),
        .init("weightDecay", weightDecay, .notNegative),
      ], of: name)
  }

  /// The momentum.
  public func slots(for part: TrainedPart) -> [OptimizerSlot] { [OptimizerSlot("momentum", type: part.type)] }

  /// True.
  public var looksAtTypesOnly: Bool { true }

  /// The count of all steps, where the rate changes; else none.
  public var sharedSlots: [OptimizerSlot] { learningRate.sharedSlots }
  /// One step more.
  public func updateShared(_ slots: [Tensor]) -> [Tensor] { learningRate.updateShared(slots) }

  /// Adds the nodes of the formula above.
  ///
  /// - Complexity: 9 FLOPs for each element, 2 more with decay.
  public func update(_ update: ParameterUpdate) -> UpdatedParameter {
    let rate = learningRate.rate(of: update)
    let decay = update.weightDecay ?? weightDecay
    let (momentum, gradient) = (update.slots[0], update.gradient)
    let direction = sign(beta1 * momentum + (1 - beta1) * gradient)
    var value = update.value - rate * direction
    if decay != 0 { value = value - (rate * decay) * update.value }
    return UpdatedParameter(value: value, slots: [beta2 * momentum + (1 - beta2) * gradient])
  }
}

extension Lion: CustomStringConvertible {
  /// Name and hyperparameters, in one line.
  public var description: String {
    "\(name): rate \(learningRate), beta1 \(beta1), beta2 \(beta2)"
      + (weightDecay == 0 ? "" : ", weight decay \(weightDecay)") + groups.summary
  }
}
