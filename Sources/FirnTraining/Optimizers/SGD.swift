public import FirnCompiler
public import FirnGraph
import FirnOps

/// Stochastic gradient descent, with momentum if asked: Polyak (1964), in the form of Sutskever et al., ICML 2013.
///
///     v' = momentum·v + g + weightDecay·w,   w' = w - learningRate·v'
///     with Nesterov's momentum:              w' = w - learningRate·(g + weightDecay·w + momentum·v')
///
/// One slot, `velocity`, where momentum is not 0; and `sgd/step` for the whole program where the rate changes.
public struct SGD: Optimizer {
  public var learningRate: Schedule
  public var momentum: Double
  /// Adds weightDecay·w to the gradient (an L2 penalty of half that factor).
  public var weightDecay: Double
  public var usesNesterov: Bool
  public var name: String

  public init(
    learningRate: Double, momentum: Double = 0, weightDecay: Double = 0, usesNesterov: Bool = false,
    name: String = "sgd"
  ) {
    self.init(
      learningRate: .constant(learningRate), momentum: momentum, weightDecay: weightDecay,
      usesNesterov: usesNesterov, name: name)
  }

  public init(
    learningRate: Schedule, momentum: Double = 0, weightDecay: Double = 0, usesNesterov: Bool = false,
    name: String = "sgd"
  ) {
    self.learningRate = learningRate
    self.momentum = momentum
    self.weightDecay = weightDecay
    self.usesNesterov = usesNesterov
    self.name = name
  }

  /// - Throws: `.invalidArgument` where momentum is not in 0..<1, or rate or decay negative.
  public func validate() throws(FirnError) {
    try Hyperparameter.validate(
      learningRate.hyperparameters + [
        .init("momentum", momentum, .fraction), .init("weightDecay", weightDecay, .notNegative),
      ], of: name)
  }

  public func slots(for part: TrainedPart) -> [OptimizerSlot] {
    momentum == 0 ? [] : [OptimizerSlot("velocity", type: part.type)]
  }

  public var sharedSlots: [OptimizerSlot] { learningRate.sharedSlots }
  public func updateShared(_ slots: [Tensor]) -> [Tensor] { learningRate.updateShared(slots) }

  public func update(_ update: ParameterUpdate) -> UpdatedParameter {
    let rate = learningRate.rate(of: update)
    let gradient = weightDecay == 0 ? update.gradient : update.gradient + weightDecay * update.value
    guard let velocity = update.slots.first else {
      return UpdatedParameter(value: update.value - rate * gradient)
    }
    let next = momentum * velocity + gradient
    let direction = usesNesterov ? gradient + momentum * next : next
    return UpdatedParameter(value: update.value - rate * direction, slots: [next])
  }
}
