import FirnCompiler
import FirnGraph
import FirnOps

/// A learning rate as a function of the number of steps done before.
///
/// It is part of the program, computed from a count the optimiser keeps as a slot of its own (`adam/step`): one
/// compilation serves all rates, and a resumed run goes on where it stopped. The count belongs to the optimiser, not to
/// a variable: one that is thawed late gets the rate the others have.
///
/// Rates and factors are finite and not negative, `every` is at least 1, `over` at least 0, and schedules nest at most 64
/// deep: compiling checks it.
public indirect enum Schedule: Hashable, Sendable {
  /// The same at every step.
  case constant(Double)
  /// `initial · factor^⌊step / every⌋`.
  case steps(initial: Double, factor: Double, every: Int)
  /// From `initial` along half a cosine to `final`, reached after `over` steps and kept: Loshchilov & Hutter, ICLR
  /// 2017, equation 5, without restarts.
  case cosine(initial: Double, final: Double = 0, over: Int)
  /// A rate that grows by equal amounts over some steps to where another schedule begins, which then starts:
  /// `next(0) · (step + 1) / over`, Goyal et al. (2017), section 2.2.
  case warmUp(over: Int, then: Schedule)

  /// The rate of the step that `step` others came before; below 0 that of the first.
  public func rate(at step: Int) -> Double {
    var step = max(0, step)
    var schedule = self
    // Level by level rather than by recursion: what is too deep to compile can still be asked.
    while case .warmUp(let over, let next) = schedule, step >= over {
      (schedule, step) = (next, step - max(0, over))
    }
    var share = 1.0
    while case .warmUp(let over, let next) = schedule {
      // Only the first level may lie beyond the step: the schedules after it begin anew.
      share *= step < over ? Double(step + 1) / Double(over) : 1
      (schedule, step) = (next, 0)
    }
    return share * schedule.ownRate(at: step)
  }

  /// The rate of a schedule that holds no other.
  private func ownRate(at step: Int) -> Double {
    switch self {
    case .constant(let rate): rate
    case .steps(let initial, let factor, let every):
      initial * RealMath.power(factor, Double(step / max(1, every)))
    case .cosine(let initial, let final, let over):
      final + (initial - final) * 0.5
        * (1 + RealMath.cosine(Double.pi * min(Double(step) / Double(max(1, over)), 1)))
    case .warmUp: 1
    }
  }

  /// How many schedules it is, one in the other, counted no further than the limit.
  private var depth: Int {
    var (depth, schedule) = (1, self)
    while case .warmUp(_, let next) = schedule, depth <= Nesting.limit {
      (depth, schedule) = (depth + 1, next)
    }
    return depth
  }

  /// The same in a program.
  ///
  /// - Parameter step: `f64[]`, so that steps are counted exactly and rates do not depend on the type that is trained.
  func rate(at step: Tensor) -> Tensor {
    switch self {
    case .constant(let rate): return step.graph.constant(rate, dtype: .f64)
    case .steps(let initial, let factor, let every):
      let count = floor(step / Double(max(1, every)))
      return initial * FirnOps.pow(step.graph.constant(factor, dtype: .f64), count)
    case .cosine(let initial, let final, let over):
      let part = minimum(step / Double(max(1, over)), 1)
      return final + (initial - final) * 0.5 * (1 + FirnOps.cos(Double.pi * part))
    case .warmUp(let over, let next):
      let share = minimum((step + 1) / Double(max(1, over)), 1)
      return share * next.rate(at: maximum(step - Double(max(0, over)), 0))
    }
  }

  /// What compiling checks.
  var hyperparameters: [Hyperparameter] {
    let depth = depth
    if depth > Nesting.limit { return [.init("schedule nested", Double(depth), .nesting)] }
    return switch self {
    case .constant(let rate):
      [.init("learningRate", rate, .notNegative)]
    case .steps(let initial, let factor, let every):
      [
        .init("initial", initial, .notNegative), .init("factor", factor, .notNegative),
        .init("every", Double(every), .positive),
      ]
    case .cosine(let initial, let final, let over):
      [
        .init("initial", initial, .notNegative), .init("final", final, .notNegative),
        .init("over", Double(over), .notNegative),
      ]
    case .warmUp(let over, let next):
      [.init("over", Double(over), .notNegative)] + next.hyperparameters
    }
  }

  /// The rate where it never changes.
  var constant: Double? { if case .constant(let rate) = self { rate } else { nil } }
}

/// A schedule's part in an optimiser: the count, and the rate each update reads.
extension Schedule {
  /// One count for the whole program, where the rate changes.
  var sharedSlots: [OptimizerSlot] {
    constant == nil ? [OptimizerSlot("step", type: TensorType(.f64, .scalar))] : []
  }

  func updateShared(_ slots: [Tensor]) -> [Tensor] { slots.map { $0 + 1 } }

  /// The rate of an update.
  func rate(of update: ParameterUpdate) -> LearningRate {
    if case .fixed(let rate)? = update.rate { return .constant(rate) }
    let rate: LearningRate =
      if let step = update.sharedSlots.first { .tensor(self.rate(at: step)) } else {
        .constant(constant ?? self.rate(at: 0))
      }
    if case .times(let factor)? = update.rate { return rate * factor }
    return rate
  }
}

/// A number known when a program is compiled, or one that it computes; `f64` until it meets what it scales.
enum LearningRate {
  case constant(Double)
  /// `f64[]`.
  case tensor(Tensor)

  static func * (rate: LearningRate, factor: Double) -> LearningRate {
    switch rate {
    case .constant(let value): .constant(value * factor)
    case .tensor(let value): .tensor(value * factor)
    }
  }

  /// With a factor that the program computes, `f64[]`.
  static func * (rate: LearningRate, factor: LearningRate) -> LearningRate {
    switch (rate, factor) {
    case (_, .constant(let number)): rate * number
    case (.constant(let number), _): factor * number
    case (.tensor(let left), .tensor(let right)): .tensor(left * right)
    }
  }

  /// The operand scaled, in its own type.
  static func * (rate: LearningRate, operand: Tensor) -> Tensor {
    switch rate {
    case .constant(let value): value * operand
    case .tensor(let value): value.cast(to: operand.dtype) * operand
    }
  }
}
