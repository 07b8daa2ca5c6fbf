public import FirnCompiler
public import FirnGraph
import FirnOps

/// Adam's direction at a length that goes with the weights': You et al., ICLR 2020, algorithm 2.
///
///     t' = t + 1,  m' = β₁·m + (1-β₁)·g,  v' = β₂·v + (1-β₂)·g²
///     r = (m' / (1-β₁^t')) / (√(v' / (1-β₂^t')) + ε) + weightDecay·w
///     w' = w - learningRate·(‖w‖ / ‖r‖)·r
///
/// The ratio is 1 where either norm is 0. Norms are of what is trained as one: a variable, or a trained block of it.
/// Slots: `first_moment`, `second_moment` and `step`. PyTorch has no LAMB; Keras's `Lamb` has this formula without the
/// decay, which it applies first, and an ε of 1e-7.
public struct LAMB: Optimizer {
  /// The rate, a number or a function of the steps done; 1e-3 by default.
  public var learningRate: Schedule
  /// The decay of the mean of gradients, at least 0 and below 1; 0.9 by default.
  public var beta1: Double
  /// The decay of the mean of squared gradients, at least 0 and below 1; 0.999 by default.
  public var beta2: Double
  /// What keeps the divisor from 0, positive; 1e-6 by default, as in the paper.
  public var epsilon: Double
  /// How much of the weights is in a step's direction; 0, none, by default (0.01 in the paper).
  public var weightDecay: Double
  /// What is different for some variables; none by default.
  public var groups: [ParameterGroup]
  /// The component that slots are named by.
  public var name: String
  /// The learning rate, where it never changes.
  public var fixedRate: Double? { learningRate.constant }

  /// The defaults are the paper's, but for the decay; compiling checks the numbers.
  public init(
    learningRate: Schedule = .constant(1e-3), beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-6, weightDecay: Double = 0, groups: [ParameterGroup] = [], name: String = "lamb"
  ) {
    self.learningRate = learningRate
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.weightDecay = weightDecay
    self.groups = groups
    self.name = name
  }

  /// At a fixed rate.
  public init(learningRate: Double, weightDecay: Double = 0, groups: [ParameterGroup] = []) {
    self.init(learningRate: .constant(learningRate), weightDecay: weightDecay, groups: groups)
  }

  /// - Throws: `.invalidArgument` where β₁ or β₂ is not in 0..<1, ε not positive, or rate or decay negative.
  public func validate() throws(FirnError) {
    try Hyperparameter.validate(
      learningRate.hyperparameters + [
        .init("beta1", beta1, .fraction), .init("beta2", beta2, .fraction),
        .init("epsilon", epsilon, .positive), .init("weightDecay", weightDecay, .notNegative),
      ], of: name)
  }

  /// Two moments of the part's shape and type, and its count of steps.
  public func slots(for part: TrainedPart) -> [OptimizerSlot] {
    [
      OptimizerSlot("first_moment", type: part.type), OptimizerSlot("second_moment", type: part.type),
      .step(of: part),
    ]
  }

  /// True.
  public var looksAtTypesOnly: Bool { true }

  /// The count of all steps, where the rate changes; else none.
  public var sharedSlots: [OptimizerSlot] { learningRate.sharedSlots }
  /// One step more.
  public func updateShared(_ slots: [Tensor]) -> [Tensor] { learningRate.updateShared(slots) }

  /// Adds the nodes of the formula above; norms and what is made of counts alone in `f64`.
  ///
  /// - Complexity: about 17 FLOPs for each element.
  public func update(_ update: ParameterUpdate) -> UpdatedParameter {
    let decay = update.weightDecay ?? weightDecay
    let gradient = update.gradient
    let step = update.slots[2] + 1
    let first = beta1 * update.slots[0] + (1 - beta1) * gradient
    let second = beta2 * update.slots[1] + (1 - beta2) * square(gradient)
    let count = step.cast(to: .f64)
    let correction = sqrt(1 - pow(beta2, count))
    let scale = LearningRate.tensor(correction / (1 - pow(beta1, count)))
    var direction = scale * first / (sqrt(second) + (epsilon * correction).cast(to: gradient.dtype))
    if decay != 0 { direction = direction + decay * update.value }
    let (weight, length) = (Self.norm(update.value), Self.norm(direction))
    let isRatio = greater(minimum(weight, length), 0)
    let ratio = select(
      where: isRatio, weight / select(where: isRatio, length, otherwise: length.filled(1)),
      otherwise: weight.filled(1))
    let rate = learningRate.rate(of: update) * .tensor(ratio)
    return UpdatedParameter(value: update.value - rate * direction, slots: [first, second, step])
  }

  private static func norm(_ x: Tensor) -> Tensor { sqrt(square(x).sum().cast(to: .f64)) }
}

extension LAMB: CustomStringConvertible {
  /// Name and hyperparameters, in one line.
  public var description: String {
    "\(name): rate \(learningRate), beta1 \(beta1), beta2 \(beta2), epsilon \(epsilon)"
      + (weightDecay == 0 ? "" : ", weight decay \(weightDecay)") + groups.summary
  }
}
