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
}
