extension Schedule: CustomStringConvertible {
  /// In words: `0.001`, `0.1 times 0.5 every 100 steps`, `0.1 to 0.0 over 100 steps, warmed up over 10`.
  public var description: String {
    var (schedule, warmUps) = (self, [String]())
    while true {
      if case .warmUp(let over, let next) = schedule {
        schedule = next
        warmUps.append(", warmed up over \(over)")
      } else if case .onPlateau(let next) = schedule {
        schedule = next
        warmUps.append(", less on a plateau")
      } else {
        break
      }
    }
    return schedule.ownDescription + warmUps.reversed().joined()
  }

  private var ownDescription: String {
    switch self {
    case .constant(let rate): "\(rate)"
    case .steps(let initial, let factor, let every): "\(initial) times \(factor) every \(every) steps"
    case .cosine(let initial, let final, let over): "\(initial) to \(final) over \(over) steps"
    case .exponential(let initial, let factor): "\(initial) times \(factor) every step"
    case .polynomial(let initial, let final, let power, let over):
      "\(initial) to \(final) over \(over) steps by the power \(power)"
    case .cosineRestarts(let initial, let final, let first, let multiplier):
      "\(initial) to \(final) over \(first) steps, again and again"
        + (multiplier == 1 ? "" : ", each \(multiplier) times as long")
    case .oneCycle(let peak, let over, _, _, _): "one cycle up to \(peak) over \(over) steps"
    case .table(let rates): "a table of \(rates.count) rates"
    case .warmUp, .onPlateau: ""
    }
  }
}
