import FirnCompiler
import FirnGraph
import FirnOps

/// A learning rate as a function of the number of steps done before.
///
/// It is part of the program, computed from a count the optimiser keeps as a slot of its own (`adam/step`): one
/// compilation serves all rates, and a resumed run goes on where it stopped. The count belongs to the optimiser, not to
/// a variable: one that is thawed late gets the rate the others have.
///
/// Rates and factors are finite and not negative, `every` is at least 1, `over` at least 0, and schedules nest at most
/// 64 deep: compiling checks it.
public indirect enum Schedule: Hashable, Sendable {
  /// The same at every step.
  case constant(Double)
  /// `initial · factor^⌊step / every⌋`.
  case steps(initial: Double, factor: Double, every: Int)
  /// `initial · factor^step`.
  case exponential(initial: Double, factor: Double)
  /// `final + (initial − final) · (1 − step / over)^power` up to `over` steps, then `final`.
  case polynomial(initial: Double, final: Double = 0, power: Double = 1, over: Int)
  /// Half a cosine again and again, each `multiplier` times as long as the one before: Loshchilov & Hutter, ICLR 2017,
  /// equation 5. `multiplier` is a whole number of at least 1.
  case cosineRestarts(initial: Double, final: Double = 0, first: Int, multiplier: Int = 1)
  /// From `peak / start` by half a cosine to `peak` at the share `rising` of the steps, from there by half a cosine to
  /// `peak / start / end`, reached at the last of `over` steps and kept: Smith & Topin (2017), as PyTorch's
  /// `OneCycleLR`.
  case oneCycle(peak: Double, over: Int, rising: Double = 0.3, start: Double = 25, end: Double = 1e4)
  /// A rate for each step, the last one kept; ``function(over:_:)`` makes it.
  case table([Double])
  /// A schedule times a factor that a trainer lowers when nothing gets better; see ``ReduceOnPlateau``.
  case onPlateau(Schedule)
  /// From `initial` along half a cosine to `final`, reached after `over` steps and kept: Loshchilov & Hutter, ICLR
  /// 2017, equation 5, without restarts.
  case cosine(initial: Double, final: Double = 0, over: Int)
  /// A rate that grows by equal amounts over some steps to where another schedule begins, which then starts:
  /// `next(0) · (step + 1) / over`, Goyal et al. (2017), section 2.2.
  case warmUp(over: Int, then: Schedule)

  /// A rate that a function says of each step, counted from 0.
  ///
  /// - Parameters:
  ///   - steps: for how many steps it is asked, now; at least 1 is taken. Later steps have the last one's rate.
  public static func function(over steps: Int, _ rate: (_ step: Int) -> Double) -> Schedule {
    .table((0..<max(1, steps)).map(rate))
  }

  /// The rate of the step that `step` others came before, before any plateau; below 0 that of the first.
  public func rate(at step: Int) -> Double {
    var step = max(0, step)
    var schedule = self
    // Level by level rather than by recursion: what is too deep to compile can still be asked.
    while true {
      if case .onPlateau(let next) = schedule {
        schedule = next
      } else if case .warmUp(let over, let next) = schedule, step >= over {
        (schedule, step) = (next, step - max(0, over))
      } else {
        break
      }
    }
    var share = 1.0
    while let next = schedule.inner {
      guard case .warmUp(let over, _) = schedule else {
        schedule = next
        continue
      }
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
      Self.half(initial, final, Self.share(of: step, over))
    case .exponential(let initial, let factor): initial * RealMath.power(factor, Double(step))
    case .polynomial(let initial, let final, let power, let over):
      final + (initial - final)
        * RealMath.power(1 - Self.share(of: step, over), power)
    case .cosineRestarts(let initial, let final, let first, let multiplier):
      Self.half(initial, final, CosinePeriods(first: first, multiplier: multiplier).share(at: step))
    case .oneCycle(let peak, let over, let rising, let start, let end):
      OneCycle(peak: peak, over: over, rising: rising, start: start, end: end).rate(at: step)
    case .table(let rates): rates.isEmpty ? 0 : rates[min(step, rates.count - 1)]
    case .warmUp, .onPlateau: 1
    }
  }

  /// The schedule in this one, if it holds one.
  private var inner: Schedule? {
    switch self {
    case .warmUp(_, let next), .onPlateau(let next): next
    default: nil
    }
  }

  /// How much of so many steps is done; all of none.
  private static func share(of step: Int, _ over: Int) -> Double {
    over < 1 ? 1 : min(Double(step) / Double(over), 1)
  }

  private static func share(of step: Tensor, _ over: Int) -> Tensor {
    over < 1 ? step.filled(1) : minimum(step / Double(over), 1)
  }

  /// The point of half a cosine from one rate to another.
  private static func half(_ initial: Double, _ final: Double, _ share: Double) -> Double {
    final + (initial - final) * 0.5 * (1 + RealMath.cosine(Double.pi * share))
  }

  /// How many schedules it is, one in the other, counted no further than the limit.
  private var depth: Int {
    var (depth, schedule) = (1, self)
    while let next = schedule.inner, depth <= Nesting.limit {
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
      let part = Self.share(of: step, over)
      return final + (initial - final) * 0.5 * (1 + FirnOps.cos(Double.pi * part))
    case .exponential(let initial, let factor):
      return initial * FirnOps.pow(step.graph.constant(factor, dtype: .f64), step)
    case .polynomial(let initial, let final, let power, let over):
      let rest = 1 - Self.share(of: step, over)
      return final + (initial - final) * FirnOps.pow(rest, step.graph.constant(power, dtype: .f64))
    case .cosineRestarts(let initial, let final, let first, let multiplier):
      let share = CosinePeriods(first: first, multiplier: multiplier).share(at: step)
      return final + (initial - final) * 0.5 * (1 + FirnOps.cos(Double.pi * share))
    case .oneCycle(let peak, let over, let rising, let start, let end):
      return OneCycle(peak: peak, over: over, rising: rising, start: start, end: end).rate(at: step)
    case .table(let rates):
      let table = step.graph.constant(NDArray(rates))
      // Not beyond the last: the count may be larger than an `i32` holds.
      let index = minimum(step, Double(rates.count - 1)).cast(to: .i32)
      return gather(table, indices: index, axis: 0)
    case .onPlateau(let next): return next.rate(at: step)
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
    case .exponential(let initial, let factor):
      [.init("initial", initial, .notNegative), .init("factor", factor, .notNegative)]
    case .polynomial(let initial, let final, let power, let over):
      [
        .init("initial", initial, .notNegative), .init("final", final, .notNegative),
        .init("power", power, .notNegative), .init("over", Double(over), .notNegative),
      ]
    case .cosineRestarts(let initial, let final, let first, let multiplier):
      [
        .init("initial", initial, .notNegative), .init("final", final, .notNegative),
        .init("first", Double(first), .positive), .init("multiplier", Double(multiplier), .positive),
      ]
    case .oneCycle(let peak, let over, let rising, let start, let end):
      [
        .init("peak", peak, .notNegative), .init("over", Double(over), .positive),
        .init("rising", rising, .fraction), .init("start", start, .positive), .init("end", end, .positive),
      ]
    case .table(let rates):
      [.init("rates", rates.isEmpty ? -1 : rates.min() ?? 0, .notNegative)]
        + rates.filter { !$0.isFinite }.prefix(1).map { .init("rate", $0, .notNegative) }
    case .onPlateau(let next): next.hyperparameters
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
    guard constant == nil else { return [] }
    let step = OptimizerSlot("step", type: TensorType(.f64, .scalar))
    let factor = OptimizerSlot(
      Self.factorSlot, type: TensorType(.f64, .scalar), initializer: .ones)
    return hasFactor ? [step, factor] : [step]
  }

  /// The last component of the path of a factor that a trainer lowers.
  static let factorSlot = "rate_factor"

  private var hasFactor: Bool {
    var schedule = self
    while true {
      if case .onPlateau = schedule { return true }
      guard let next = schedule.inner else { return false }
      schedule = next
    }
  }

  func updateShared(_ slots: [Tensor]) -> [Tensor] {
    slots.enumerated().map { $0.offset == 0 ? $0.element + 1 : $0.element }
  }

  /// The rate of an update.
  func rate(of update: ParameterUpdate) -> LearningRate {
    if case .fixed(let rate)? = update.rate { return .constant(rate) }
    let rate: LearningRate =
      if let step = update.sharedSlots.first {
        .tensor(
          hasFactor && update.sharedSlots.count > 1
            ? self.rate(at: step) * update.sharedSlots[1] : self.rate(at: step))
      } else {
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
