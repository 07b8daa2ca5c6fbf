public import FirnCompiler
public import FirnGraph
import FirnOps

/// Adam with Nesterov's momentum: Dozat, ICLR workshop 2016, in PyTorch's form.
///
///     t' = t + 1,  m' = β₁·m + (1-β₁)·g,  v' = β₂·v + (1-β₂)·g²
///     μ(t) = β₁·(1 - 0.5·0.96^(t·momentumDecay)),  p' = p·μ(t')
///     w' = w - learningRate·( (1-μ(t'))·g / (1-p') + μ(t'+1)·m' / (1-p'·μ(t'+1)) ) / (√(v' / (1-β₂^t')) + ε)
///
/// Four slots: `first_moment`, `second_moment`, `step`, and the product of all μ so far, `momentum_product`. The decay
/// is added to the gradient, as in PyTorch's `NAdam`; with `decouplesDecay: true` w is multiplied by
/// 1 - learningRate·weightDecay first.
///
/// Keras's `Nadam` has a momentum decay of 1 where PyTorch has 0.004, a rate of 0.001 and an ε of 1e-7.
public struct NAdam: Optimizer {
  /// The rate, a number or a function of the steps done; 2e-3 by default, as in PyTorch.
  public var learningRate: Schedule
  /// The decay of the mean of gradients, at least 0 and below 1; 0.9 by default.
  public var beta1: Double
  /// The decay of the mean of squared gradients, at least 0 and below 1; 0.999 by default.
  public var beta2: Double
  /// What keeps the divisor from 0, positive; 1e-8 by default.
  public var epsilon: Double
  /// How fast the momentum warms up, not negative; 0.004 by default, as in PyTorch.
  public var momentumDecay: Double
  /// The weight decay; 0, none, by default.
  public var weightDecay: Double
  /// Whether the decay acts on the weights and not on the gradient; false by default.
  public var decouplesDecay: Bool
  /// What is different for some variables; none by default.
  public var groups: [ParameterGroup]
  /// The component that slots are named by.
  public var name: String
  /// The learning rate, where it never changes.
  public var fixedRate: Double? { learningRate.constant }

  /// The defaults are PyTorch's; compiling checks the numbers.
  public init(
    learningRate: Schedule = .constant(2e-3), beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-8, momentumDecay: Double = 4e-3, weightDecay: Double = 0,
    decouplesDecay: Bool = false, groups: [ParameterGroup] = [], name: String = "nadam"
  ) {
    self.learningRate = learningRate
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.momentumDecay = momentumDecay
    self.weightDecay = weightDecay
    self.decouplesDecay = decouplesDecay
    self.groups = groups
    self.name = name
  }

  /// At a fixed rate.
  public init(learningRate: Double, weightDecay: Double = 0, groups: [ParameterGroup] = []) {
    self.init(learningRate: .constant(learningRate), weightDecay: weightDecay, groups: groups)
  }

  /// - Throws: `.invalidArgument` where β₁ or β₂ is not in 0..<1, ε not positive, or another number negative.
  public func validate() throws(FirnError) {
    try Hyperparameter.validate(
      learningRate.hyperparameters + [
        .init("beta1", beta1, .fraction), .init("beta2", beta2, .fraction),
        .init("epsilon", epsilon, .positive), .init("momentumDecay", momentumDecay, .notNegative),
        .init("weightDecay", weightDecay, .notNegative),
      ], of: name)
  }

  /// Two moments, the count of steps, and the product of momenta, which starts as 1.
  public func slots(for part: TrainedPart) -> [OptimizerSlot] {
    [
      OptimizerSlot("first_moment", type: part.type), OptimizerSlot("second_moment", type: part.type),
      .step(of: part),
      OptimizerSlot("momentum_product", type: TensorType(.f64, .scalar), initializer: .ones),
    ]
  }

  /// True.
  public var looksAtTypesOnly: Bool { true }

  /// The count of all steps, where the rate changes; else none.
  public var sharedSlots: [OptimizerSlot] { learningRate.sharedSlots }
  /// One step more.
  public func updateShared(_ slots: [Tensor]) -> [Tensor] { learningRate.updateShared(slots) }

  /// Adds the nodes of the formula above; what is made of counts alone in `f64`.
  ///
  /// - Complexity: about 15 FLOPs for each element.
  public func update(_ update: ParameterUpdate) -> UpdatedParameter {
    let rate = learningRate.rate(of: update)
    let decay = update.weightDecay ?? weightDecay
    let gradient = decouplesDecay ? update.gradient : update.gradient(decayedBy: weightDecay)
    let first = beta1 * update.slots[0] + (1 - beta1) * gradient
    let second = beta2 * update.slots[1] + (1 - beta2) * square(gradient)
    let step = update.slots[2] + 1
    let count = step.cast(to: .f64)
    func momentum(_ count: Tensor) -> Tensor { beta1 * (1 - 0.5 * pow(0.96, count * momentumDecay)) }
    let (now, next) = (momentum(count), momentum(count + 1))
    let product = update.slots[3] * now
    let correction = sqrt(1 - pow(beta2, count))
    // Both fractions times the correction of the divisor, drawn out of it.
    let byGradient = rate * .tensor((1 - now) / (1 - product) * correction)
    let byMoment = rate * .tensor(next / (1 - product * next) * correction)
    let divisor = sqrt(second) + (epsilon * correction).cast(to: gradient.dtype)
    var value = update.value
    if decouplesDecay, decay != 0 { value = value - (rate * decay) * value }
    value = value - (byGradient * gradient + byMoment * first) / divisor
    return UpdatedParameter(value: value, slots: [first, second, step, product])
  }
}

extension NAdam: CustomStringConvertible {
  /// Name and hyperparameters, in one line.
  public var description: String {
    "\(name): rate \(learningRate), beta1 \(beta1), beta2 \(beta2), epsilon \(epsilon), "
      + "momentum decay \(momentumDecay)"
      + (weightDecay == 0 ? "" : ", \(decouplesDecay ? "decoupled " : "")weight decay \(weightDecay)")
      + groups.summary
  }
}
