extension Schedule: CustomStringConvertible {
  /// In words: `0.001`, `0.1 times 0.5 every 100 steps`, `0.1 to 0.0 over 100 steps, warmed up over 10`.
  public var description: String {
    var (schedule, warmUps) = (self, [String]())
    while case .warmUp(let over, let next) = schedule {
      schedule = next
      warmUps.append(", warmed up over \(over)")
    }
    return schedule.ownDescription + warmUps.reversed().joined()
  }

  private var ownDescription: String {
    switch self {
    case .constant(let rate): "\(rate)"
    case .steps(let initial, let factor, let every): "\(initial) times \(factor) every \(every) steps"
    case .cosine(let initial, let final, let over): "\(initial) to \(final) over \(over) steps"
    case .warmUp: ""
    }
  }
}
