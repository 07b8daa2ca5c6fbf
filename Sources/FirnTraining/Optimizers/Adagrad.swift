public import FirnCompiler
public import FirnGraph
import FirnOps

/// Adagrad: Duchi et al., JMLR 2011, in PyTorch's form.
///
///     s' = s + g²,  w' = w - learningRate / (1 + t·rateDecay) · g / (√s' + ε)
///
/// where t steps were made before. Slots: `sum_of_squares`, which starts at `initialSum`, and with a rate decay `step`.
/// The decay is added to the gradient. Keras starts sums at 0.1, has a rate of 0.001, an ε of 1e-7, below the root, and
/// no rate decay.
public struct Adagrad: Optimizer {
  /// The rate, a number or a function of the steps done; 0.01 by default, as in PyTorch.
  public var learningRate: Schedule
  /// By how much the rate falls with the steps, not negative; 0 by default.
  public var rateDecay: Double
  /// What sums of squares start at, not negative; 0 by default.
  public var initialSum: Double
  /// What keeps the divisor from 0, positive; 1e-10 by default, as in PyTorch.
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
    learningRate: Schedule = .constant(0.01), rateDecay: Double = 0, initialSum: Double = 0,
    epsilon: Double = 1e-10, weightDecay: Double = 0, groups: [ParameterGroup] = [], name: String = "adagrad"
  ) {
    self.learningRate = learningRate
    self.rateDecay = rateDecay
    self.initialSum = initialSum
    self.epsilon = epsilon
    self.weightDecay = weightDecay
    self.groups = groups
    self.name = name
  }

  /// At a fixed rate.
  public init(learningRate: Double, weightDecay: Double = 0, groups: [ParameterGroup] = []) {
    self.init(learningRate: .constant(learningRate), weightDecay: weightDecay, groups: groups)
  }

  /// - Throws: `.invalidArgument` where ε is not positive, or another number negative.
  public func validate() throws(FirnError) {
    try Hyperparameter.validate(
      learningRate.hyperparameters + [
        .init("rateDecay", rateDecay, .notNegative), .init("initialSum", initialSum, .notNegative),
        .init("epsilon", epsilon, .positive), .init("weightDecay", weightDecay, .notNegative),
      ], of: name)
  }

  /// The sum of squares, and with a rate decay the count of steps.
  public func slots(for part: TrainedPart) -> [OptimizerSlot] {
    [OptimizerSlot("sum_of_squares", type: part.type, initializer: .constant(initialSum))]
      + (rateDecay == 0 ? [] : [.step(of: part)])
  }

  /// True.
  public var looksAtTypesOnly: Bool { true }

  /// The count of all steps, where the rate changes; else none.
  public var sharedSlots: [OptimizerSlot] { learningRate.sharedSlots }
  /// One step more.
  public func updateShared(_ slots: [Tensor]) -> [Tensor] { learningRate.updateShared(slots) }

  /// True without decays: where g is 0, neither sum nor weight moves.
  public func leavesUntouchedRows(of part: TrainedPart) -> Bool {
    weightDecay == 0 && !groups.contains { ($0.weightDecay ?? 0) != 0 }
  }

  /// Adds the nodes of the formula above.
  ///
  /// - Complexity: 6 FLOPs for each element.
  public func update(_ update: ParameterUpdate) -> UpdatedParameter {
    var rate = learningRate.rate(of: update)
    let gradient = update.gradient(decayedBy: weightDecay)
    let sum = update.slots[0] + square(gradient)
    var slots = [sum]
    if rateDecay != 0 {
      rate = rate * .tensor(1 / (1 + rateDecay * update.slots[1].cast(to: .f64)))
      slots.append(update.slots[1] + 1)
    }
    return UpdatedParameter(value: update.value - rate * gradient / (sqrt(sum) + epsilon), slots: slots)
  }
}

extension Adagrad: CustomStringConvertible {
  /// Name and hyperparameters, in one line.
  public var description: String {
    "\(name): rate \(learningRate), epsilon \(epsilon)"
      + (rateDecay == 0 ? "" : ", rate decay \(rateDecay)")
      + (initialSum == 0 ? "" : ", initial sum \(initialSum)")
      + (weightDecay == 0 ? "" : ", weight decay \(weightDecay)") + groups.summary
  }
}
