import FirnGraph
import FirnRuntime
import FirnWorlds

/// What the loop does where the session belongs to a world of several members.
extension TrainingLoop {
  /// Whether this member says how far the run is, and writes what is written.
  var isReporter: Bool { session.world.rank == 0 }

  /// Who is told of the run.
  var callbacks: [any TrainingCallback] { isReporter ? trainer.callbacks : [] }

  /// Whether any member is to end the run, as all then do.
  ///
  /// Members are asked at the same steps, some four times a second: rank 0 says when next. Alone it is asked after every
  /// step.
  ///
  /// - Parameter isNow: whether they are asked in any case, as at the end of an epoch.
  func agreesToStop(isNow: Bool = false) throws(FirnError) -> Bool {
    let own = run.isStopRequested || stop.isRequested
    let world = session.world
    guard world.size > 1 else { return own }
    guard isNow || position.step >= nextAsking else { return false }
    let now = ContinuousClock.now
    let (steps, seconds) = (position.step - lastAsking.step, lastAsking.time.duration(to: now) / .seconds(1))
    // Some launchers end their processes half a second after they have asked them to end.
    let rate = seconds > 0 ? Double(steps) / seconds / 4 : 0
    let wait = max(1, min(64, rate.isFinite ? Int(min(rate, 64)) : 1))
    let answers = try session.collecting([own ? 1 : 0, UInt8(wait)])
    lastAsking = (position.step, now)
    nextAsking = position.step.saturatingSum(Int(answers.first?.last ?? 1))
    return answers.contains { $0.first == 1 }
  }

  /// Whether this is so for any member; all ask at the same place.
  func isSoForAny(_ own: Bool) throws(FirnError) -> Bool {
    guard session.world.size > 1 else { return own }
    return try session.collecting([own ? 1 : 0]).contains { $0 == [1] }
  }

  /// Sees to it that all members train on the same examples in the same order, and are judged by the same: who had other
  /// ones would train some twice and others never.
  ///
  /// Examples in memory are compared by their bits, those of any other source by what it says of itself.
  func requireSameExamples() throws(FirnError) {
    guard session.world.size > 1 else { return }
    try session.requireAlike(
      Self.facts(of: source, "to train on") + Self.facts(of: trainer.validation?.source, "to judge by"))
  }

  private static func facts(of source: (any BatchSource)?, _ use: String) -> [(name: String, value: String)] {
    guard let source else { return [("the number of examples \(use)", "none")] }
    let start = source.start
    let facts = [
      (name: "the number of examples \(use)", value: start.count.map { "\($0)" } ?? "not known"),
      ("the size of batches \(use)", "\(start.batchSize)"),
      ("the seed of the order of examples \(use)", "\(start.seed)"),
    ]
    guard let data = (source as? DataBatches)?.data else { return facts }
    return facts
      + data.columns.map { column in
        var digest = BitDigest()
        column.array.withUnsafeBytes { digest.update($0) }
        return ("`\(column.name)` of the examples \(use)", "\(column.array.type) \(digest.text)")
      }
  }
}
