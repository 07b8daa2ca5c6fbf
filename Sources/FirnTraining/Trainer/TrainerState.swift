/// What a run keeps besides the session, to go on from: in checkpoints, under ``key``.
struct TrainerState: Codable {
  static let key = "trainer"

  /// The stage that trains.
  var stage = 0
  var history = TrainingHistory()
  var plateau = ReduceOnPlateau.Memory()
  /// Of the epoch that is not over: its losses, each times its examples, and the examples.
  var lossSum = 0.0
  var exampleCount = 0
  /// Whether early stopping has ended it.
  var isStoppedEarly = false

  /// Whether a run can have had it: it goes on by adding to these counts, and divides by them.
  ///
  /// - Parameter stages: how many there are.
  func isSound(stages: Int) -> Bool {
    let counts = 0...DataPosition.most
    return counts.contains(exampleCount) && counts.contains(plateau.waited)
      && counts.contains(plateau.cooling)
      && (0..<stages).contains(stage)
      && history.epochs.allSatisfy {
        counts.contains($0.epoch) && counts.contains($0.step) && (0..<stages).contains($0.stage)
      }
  }

  /// The place in the history of the best epoch; of equal ones the first.
  func best(_ monitor: Monitor) -> Int? {
    var best: Int?
    for index in history.epochs.indices {
      let value = history.epochs[index].monitored(monitor)
      if monitor.isBetter(value, than: best.map { history.epochs[$0].monitored(monitor) }) { best = index }
    }
    return best
  }

  /// For how many epochs, up to now, nothing got better by more than `delta`.
  ///
  /// - Parameter stage: of this stage's epochs alone.
  func stalled(_ monitor: Monitor, delta: Double, stage: Int? = nil) -> Int {
    var best: Double?
    var waited = 0
    for epoch in history.epochs where stage == nil || epoch.stage == stage {
      let value = epoch.monitored(monitor)
      if monitor.isBetter(value, than: best, by: delta) { (best, waited) = (value, 0) } else { waited += 1 }
    }
    return waited
  }
}

extension EpochRecord {
  /// The number epochs are compared by; NaN where there is none of its name.
  func monitored(_ monitor: Monitor) -> Double {
    if let name = monitor.name { return self[name] ?? .nan }
    return self["loss"] ?? trainingLoss
  }
}
