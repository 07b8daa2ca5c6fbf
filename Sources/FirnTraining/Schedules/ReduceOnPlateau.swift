import FirnGraph

/// Less of a learning rate when what is monitored gets no better: PyTorch's `ReduceLROnPlateau`, with its defaults.
///
/// The optimiser's schedule must be `.onPlateau(…)`: that keeps the factor as memory of the optimiser, and the trainer
/// sets it after an epoch. A run begins with what runs before it have left of the rate, and at its whole where
/// `session.initialize(includingSlots: true)` has that memory begin anew.
public struct ReduceOnPlateau: Hashable, Sendable {
  /// What the rate is multiplied by each time; between 0 and 1.
  public var factor: Double
  /// How many epochs in a row without gain pass before the rate falls with the next one.
  public var patience: Int
  /// The share of the best value by which another must be better to count.
  public var threshold: Double
  /// Epochs after a fall in which none is counted.
  public var cooldown: Int
  /// What all falls together leave at least of the rate.
  public var minimumFactor: Double

  /// A rule; by default that of PyTorch.
  public init(
    factor: Double = 0.1, patience: Int = 10, threshold: Double = 1e-4, cooldown: Int = 0,
    minimumFactor: Double = 0
  ) {
    self.factor = factor
    self.patience = patience
    self.threshold = threshold
    self.cooldown = cooldown
    self.minimumFactor = minimumFactor
  }

  /// - Throws: `.invalidArgument` for numbers by which no rate can fall.
  func validate() throws(FirnError) {
    for (what, number, isSound) in [
      ("factor", factor, (0..<1).contains(factor)), ("threshold", threshold, (0..<1).contains(threshold)),
      ("minimum factor", minimumFactor, (0...1).contains(minimumFactor)),
    ] where !isSound {
      throw FirnError(
        .invalidArgument, "rates are to fall on a plateau with a \(what) of \(number)",
        remedy: what == "minimum factor" ? "give one from 0 to 1" : "give one of at least 0 and below 1")
    }
  }

  /// What it remembers from epoch to epoch.
  struct Memory: Hashable, Sendable, Codable {
    var best: Double?
    var waited = 0
    var cooling = 0
    var scale = 1.0
  }

  /// Takes an epoch in.
  ///
  /// - Returns: whether the rate falls.
  func take(_ value: Double, _ monitor: Monitor, into memory: inout Memory) -> Bool {
    let isBetter =
      memory.best.map { best in
        monitor.goal == .lowest ? value < best * (1 - threshold) : value > best * (1 + threshold)
      } ?? !value.isNaN
    if isBetter {
      memory.best = value
      memory.waited = 0
    } else {
      memory.waited += 1
    }
    if memory.cooling > 0 {
      memory.cooling -= 1
      memory.waited = 0
    }
    guard memory.waited > max(0, patience) else { return false }
    memory.cooling = max(0, cooldown)
    memory.waited = 0
    let scale = max(memory.scale * factor, minimumFactor)
    defer { memory.scale = scale }
    return scale != memory.scale
  }
}
