public import FirnCompiler
public import FirnGraph
import FirnOps

/// Stochastic gradient descent, with momentum if asked: Polyak (1964), in the form of Sutskever et al., ICML 2013.
///
///     v' = momentum·v + g + weightDecay·w,   w' = w - learningRate·v'
///     with Nesterov's momentum:              w' = w - learningRate·(g + weightDecay·w + momentum·v')
///
/// One slot (what an optimiser remembers of a variable), `velocity`, where momentum is not 0; and `sgd/step` for the
/// whole program where the rate changes. With dampening, g + weightDecay·w enters the velocity times 1 - dampening, but
/// for the first step, and a slot more, `step`, tells which that is.
///
/// The form is PyTorch's. Keras has no dampening, and its velocity holds the rate too, so that a rate that changes acts
/// later there.
public struct SGD: Optimizer {
  /// The rate, a number or a function of the steps done; without default, as none fits all.
  public var learningRate: Schedule
  /// How much of the last step's velocity stays, at least 0 and below 1; 0, no memory, by default.
  public var momentum: Double
  /// Adds weightDecay·w to the gradient (an L2 penalty of half that factor); 0, none, by default.
  public var weightDecay: Double
  /// Whether the step looks ahead along the velocity (Nesterov 1983); false by default, and an error at momentum 0.
  public var usesNesterov: Bool
  /// How much of the gradient does not enter the velocity; 0 by default, and 0 with Nesterov's momentum.
  public var dampening: Double
  /// What is different for some variables; none by default.
  public var groups: [ParameterGroup]
  /// The component that slots are named by: `encoder/kernel/sgd/velocity`.
  ///
  /// Give two optimisers of one session different names where they must not share memory.
  public var name: String
  /// The learning rate, where it never changes.
  public var fixedRate: Double? { learningRate.constant }

  /// Descent at a fixed rate.
  ///
  /// Compiling checks the numbers, not this.
  public init(
    learningRate: Double, momentum: Double = 0, weightDecay: Double = 0, usesNesterov: Bool = false,
    dampening: Double = 0, groups: [ParameterGroup] = [], name: String = "sgd"
  ) {
    self.init(
      learningRate: .constant(learningRate), momentum: momentum, weightDecay: weightDecay,
      usesNesterov: usesNesterov, dampening: dampening, groups: groups, name: name)
  }

  /// Descent at a rate that changes from step to step.
  ///
  /// Compiling checks the numbers, not this.
  public init(
    learningRate: Schedule, momentum: Double = 0, weightDecay: Double = 0, usesNesterov: Bool = false,
    dampening: Double = 0, groups: [ParameterGroup] = [], name: String = "sgd"
  ) {
    self.learningRate = learningRate
    self.momentum = momentum
    self.weightDecay = weightDecay
    self.usesNesterov = usesNesterov
    self.dampening = dampening
    self.groups = groups
    self.name = name
  }

  /// - Throws: `.invalidArgument` where momentum or dampening is not in 0..<1, rate or decay negative, Nesterov's
  ///   momentum is asked for without any or with dampening, or dampening without momentum.
  public func validate() throws(FirnError) {
    if usesNesterov, momentum == 0 {
      throw FirnError(
        .invalidArgument, "`\(name)` looks ahead along a velocity, but its momentum is 0",
        remedy: "give a momentum, or leave `usesNesterov` out", place: name)
    }
    if dampening != 0, usesNesterov || momentum == 0 {
      throw FirnError(
        .invalidArgument,
        "`\(name)` has dampening, but \(usesNesterov ? "looks ahead" : "no momentum") that it could be of",
        remedy: "leave `dampening` out", place: name)
    }
    try Hyperparameter.validate(
      learningRate.hyperparameters + [
        .init("momentum", momentum, .fraction), .init("weightDecay", weightDecay, .notNegative),
        .init("dampening", dampening, .fraction),
      ], of: name)
  }

  /// A velocity of the part's shape and type, with dampening a count of steps; none without momentum.
  public func slots(for part: TrainedPart) -> [OptimizerSlot] {
    if momentum == 0 { return [] }
    let velocity = OptimizerSlot("velocity", type: part.type)
    return dampening == 0 ? [velocity] : [velocity, .step(of: part)]
  }

  /// True.
  public var looksAtTypesOnly: Bool { true }

  /// The count of all steps, where the rate changes; else none.
  public var sharedSlots: [OptimizerSlot] { learningRate.sharedSlots }
  /// One step more.
  public func updateShared(_ slots: [Tensor]) -> [Tensor] { learningRate.updateShared(slots) }

  /// True without momentum and decay: then w' = w where g is 0, and a table costs what the rows cost that were looked
  /// up.
  public func leavesUntouchedRows(of part: TrainedPart) -> Bool {
    momentum == 0 && weightDecay == 0 && !groups.contains { ($0.weightDecay ?? 0) != 0 }
  }

  /// Adds the nodes of the formula above.
  ///
  /// - Complexity: 2 FLOPs for each element, 4 with momentum, 6 with Nesterov's, 2 more with decay.
  public func update(_ update: ParameterUpdate) -> UpdatedParameter {
    let rate = learningRate.rate(of: update)
    let gradient = update.gradient(decayedBy: weightDecay)
    guard let velocity = update.slots.first else {
      return UpdatedParameter(value: update.value - rate * gradient)
    }
    if dampening != 0 {
      let step = update.slots[1]
      let share = select(where: less(step, 1), step.filled(1), otherwise: step.filled(1 - dampening))
      let next = momentum * velocity + share * gradient
      return UpdatedParameter(value: update.value - rate * next, slots: [next, step + 1])
    }
    let next = momentum * velocity + gradient
    let direction = usesNesterov ? gradient + momentum * next : next
    return UpdatedParameter(value: update.value - rate * direction, slots: [next])
  }
}
