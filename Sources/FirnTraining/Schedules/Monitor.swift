/// The number of an epoch that decides about the run: which epoch is best, when to stop, to thaw or to slow down.
public struct Monitor: Hashable, Sendable {
  /// Which way is better.
  public enum Goal: String, Hashable, Sendable, Codable {
    /// Lower is better.
    case lowest
    /// Higher is better.
    case highest
  }

  /// The name of a value of the validation; nil for its loss, or the training loss where nothing is validated.
  public var name: String?
  /// Which way is better.
  public var goal: Goal

  /// By default the loss of the validation, or that of training where there is none.
  public init(_ name: String? = nil, goal: Goal = .lowest) {
    self.name = name
    self.goal = goal
  }

  /// Whether a value is better than another by more than `delta`; NaN is better than nothing.
  func isBetter(_ value: Double, than other: Double?, by delta: Double = 0) -> Bool {
    guard !value.isNaN else { return false }
    guard let other, !other.isNaN else { return true }
    return goal == .lowest ? value < other - delta : value > other + delta
  }
}
