public import FirnCompiler
public import FirnGraph
import FirnOps

/// Adam: Kingma & Ba, ICLR 2015, algorithm 1; with decoupled weight decay (Loshchilov & Hutter, ICLR 2019) if asked.
///
///     t' = t + 1,  m' = β₁·m + (1-β₁)·g,  v' = β₂·v + (1-β₂)·g²
///     w' = w - learningRate·( (m' / (1-β₁^t')) / (√(v' / (1-β₂^t')) + ε) + weightDecay·w )
///
/// Three slots (what an optimiser remembers of a variable): `first_moment`, `second_moment`, and `step`, which is kept
/// for each variable so that one thawed late starts with its own bias correction. A rate that changes is counted by one
/// more, `adam/step`, for the whole program.
///
/// With a decay this is PyTorch's `AdamW`, and Keras's. With `couplesDecay: true` it is PyTorch's `Adam` with a
/// `weight_decay`: g + weightDecay·w in the place of g, and no decay besides. Keras adds its ε before the correction by
/// β₂, so that it weighs more in the first steps.
///
/// With `keepsMaximum: true` it is AMSGrad (Reddi et al., ICLR 2018, algorithm 2), in PyTorch's form, as Keras's: the
/// greatest v' of all steps so far, a fourth slot `greatest_second_moment`, stands in the place of v'.
///
/// ## Lazy rows
///
/// Every row of a table moves in every step, looked up or not, since moments decay and go on moving it. With
/// `lazyRows: true` those that a step does not look up stay, with their moments, and a step costs what the rows cost
/// that it does: TensorFlow Addons' `LazyAdam` and PyTorch's `SparseAdam`. For each row r that was looked up, g[r]
/// being the sum of its gradients,
///
///     m'[r] = β₁·m[r] + (1-β₁)·g[r],  v'[r] = β₂·v[r] + (1-β₂)·g[r]²
///     w'[r] = w[r] - learningRate·( (m'[r] / (1-β₁^t')) / (√(v'[r] / (1-β₂^t')) + ε) + weightDecay·w[r] )
///
/// where t counts all steps, as theirs does; both add ε before the correction by β₂, and have no decay. This is another
/// method than Adam, not a faster way to do it. A variable that is read otherwise than by `gather` along its rows, or
/// within a loop, has a gradient for every row and is updated as by Adam.
///
/// What is made of hyperparameters and counts alone is computed in `f64` and rounded once to the variable's type: in
/// `f32`, 1 - β₂ of a β₂ of 0.99999 would be off by one part in a thousand.
public struct Adam: Optimizer {
  /// The rate, a number or a function of the steps done; 1e-3 by default, as in the paper.
  public var learningRate: Schedule
  /// The decay of the mean of gradients, at least 0 and below 1; 0.9 by default, as in the paper.
  public var beta1: Double
  /// The decay of the mean of squared gradients, at least 0 and below 1; 0.999 by default, as in the paper.
  public var beta2: Double
  /// What keeps the divisor from 0, positive; 1e-8 by default, as in the paper and PyTorch (Keras: 1e-7).
  public var epsilon: Double
  /// How much of each trained weight a step takes away, times the rate; 0, none, by default (PyTorch's `AdamW`: 0.01).
  public var weightDecay: Double
  /// Whether rows of a table that a step does not look up stay as they are; false by default.
  public var lazyRows: Bool
  /// Whether the decay is added to the gradient, an L2 penalty, as in PyTorch's `Adam`; false, decoupled, by default.
  public var couplesDecay: Bool
  /// Whether the greatest second moment so far is what steps are divided by: AMSGrad; false by default.
  public var keepsMaximum: Bool
  /// What is different for some variables; none by default.
  public var groups: [ParameterGroup]
  /// The component that slots are named by: `encoder/kernel/adam/first_moment`.
  ///
  /// Give two optimisers of one session different names where they must not share memory.
  public var name: String
  /// The learning rate, where it never changes.
  public var fixedRate: Double? { learningRate.constant }

  /// Adam at a fixed rate; the defaults are the paper's.
  ///
  /// Compiling checks the numbers, not this.
  public init(
    learningRate: Double = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
    weightDecay: Double = 0, lazyRows: Bool = false, couplesDecay: Bool = false, keepsMaximum: Bool = false,
    groups: [ParameterGroup] = [], name: String = "adam"
  ) {
    self.init(
      learningRate: .constant(learningRate), beta1: beta1, beta2: beta2, epsilon: epsilon,
      weightDecay: weightDecay, lazyRows: lazyRows, couplesDecay: couplesDecay, keepsMaximum: keepsMaximum,
      groups: groups, name: name)
  }

  /// Adam at a rate that changes from step to step.
  ///
  /// Compiling checks the numbers, not this.
  public init(
    learningRate: Schedule, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
    weightDecay: Double = 0, lazyRows: Bool = false, couplesDecay: Bool = false, keepsMaximum: Bool = false,
    groups: [ParameterGroup] = [], name: String = "adam"
  ) {
    self.learningRate = learningRate
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.weightDecay = weightDecay
    self.lazyRows = lazyRows
    self.couplesDecay = couplesDecay
    self.keepsMaximum = keepsMaximum
    self.groups = groups
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

  /// Two moments of the part's shape and type, its count of steps, and with AMSGrad a third moment.
  public func slots(for part: TrainedPart) -> [OptimizerSlot] {
    let slots = [
      OptimizerSlot("first_moment", type: part.type),
      OptimizerSlot("second_moment", type: part.type),
      .step(of: part),
    ]
    return keepsMaximum ? slots + [OptimizerSlot("greatest_second_moment", type: part.type)] : slots
  }

  /// True.
  public var looksAtTypesOnly: Bool { true }

  /// The count of all steps, where the rate changes; else none.
  public var sharedSlots: [OptimizerSlot] { learningRate.sharedSlots }
  /// One step more.
  public func updateShared(_ slots: [Tensor]) -> [Tensor] { learningRate.updateShared(slots) }

  /// Whether rows are lazy.
  public func leavesUntouchedRows(of part: TrainedPart) -> Bool { lazyRows }
  /// Whether rows are lazy.
  public var isLazy: Bool { lazyRows }

  /// Adds the nodes of the formula above.
  ///
  /// - Complexity: about 12 FLOPs for each element, 14 with decay; 3 numbers read and 3 written besides the gradient.
  public func update(_ update: ParameterUpdate) -> UpdatedParameter {
    let rate = learningRate.rate(of: update)
    let weightDecay = update.weightDecay ?? self.weightDecay
    let gradient = couplesDecay ? update.gradient(decayedBy: self.weightDecay) : update.gradient
    let step = update.slots[2] + 1
    let first = beta1 * update.slots[0] + (1 - beta1) * gradient
    let second = beta2 * update.slots[1] + (1 - beta2) * square(gradient)
    // The formula with both corrections drawn out of the fraction: two scalars, each rounded once.
    let count = step.cast(to: .f64)
    let secondCorrection = sqrt(1 - pow(beta2, count))
    let scale = rate * .tensor(secondCorrection / (1 - pow(beta1, count)))
    let leastDivisor = (epsilon * secondCorrection).cast(to: gradient.dtype)
    let greatest = keepsMaximum ? [maximum(update.slots[3], second)] : []
    var value = update.value - scale * first / (sqrt(greatest.first ?? second) + leastDivisor)
    if weightDecay != 0, !couplesDecay { value = value - (rate * weightDecay) * update.value }
    return UpdatedParameter(value: value, slots: [first, second, step] + greatest)
  }
}
