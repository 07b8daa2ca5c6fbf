public import FirnCompiler
public import FirnGraph
import FirnOps

/// Adam: Kingma & Ba, ICLR 2015, algorithm 1; with decoupled weight decay (Loshchilov & Hutter, ICLR 2019) if asked.
///
///     t' = t + 1,  m' = β₁·m + (1-β₁)·g,  v' = β₂·v + (1-β₂)·g²
///     w' = w - learningRate·( (m' / (1-β₁^t')) / (√(v' / (1-β₂^t')) + ε) + weightDecay·w )
///
/// Three slots: `first_moment`, `second_moment`, and `step`, which is kept for each variable so that one thawed late
/// starts with its own bias correction. A rate that changes is counted by one more, `adam/step`, for the whole program.
public struct Adam: Optimizer {
  public var learningRate: Schedule
  public var beta1: Double
  public var beta2: Double
  public var epsilon: Double
  public var weightDecay: Double
  public var name: String

  public init(
    learningRate: Double = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
    weightDecay: Double = 0, name: String = "adam"
  ) {
    self.init(
      learningRate: .constant(learningRate), beta1: beta1, beta2: beta2, epsilon: epsilon,
      weightDecay: weightDecay, name: name)
  }

  public init(
    learningRate: Schedule, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
    weightDecay: Double = 0, name: String = "adam"
  ) {
    self.learningRate = learningRate
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.weightDecay = weightDecay
    self.name = name
  }

  /// - Throws: `.invalidArgument` where β₁ or β₂ is not in 0..<1, ε not positive, or rate or decay negative.
  public func validate() throws(FirnError) {
    try Hyperparameter.validate(
      learningRate.hyperparameters + [
        .init("beta1", beta1, .fraction), .init("beta2", beta2, .fraction),
        .init("epsilon", epsilon, .positive), .init("weightDecay", weightDecay, .notNegative),
      ], of: name)
  }

  public func slots(for part: TrainedPart) -> [OptimizerSlot] {
    [
      OptimizerSlot("first_moment", type: part.type),
      OptimizerSlot("second_moment", type: part.type),
      OptimizerSlot("step", type: TensorType(part.type.dtype, .scalar)),
    ]
  }

  public var sharedSlots: [OptimizerSlot] { learningRate.sharedSlots }
  public func updateShared(_ slots: [Tensor]) -> [Tensor] { learningRate.updateShared(slots) }

  public func update(_ update: ParameterUpdate) -> UpdatedParameter {
    let rate = learningRate.rate(of: update)
    let gradient = update.gradient
    let step = update.slots[2] + 1
    let first = beta1 * update.slots[0] + (1 - beta1) * gradient
    let second = beta2 * update.slots[1] + (1 - beta2) * square(gradient)
    // Scalars first, so that each correction is one factor: the scale of m, and the scale of √v.
    let firstScale = rate / (1 - pow(beta1, step))
    let secondScale = rsqrt(1 - pow(beta2, step))
    var value = update.value - firstScale * first / (sqrt(second) * secondScale + epsilon)
    if weightDecay != 0 { value = value - (rate * weightDecay) * update.value }
    return UpdatedParameter(value: value, slots: [first, second, step])
  }
}
