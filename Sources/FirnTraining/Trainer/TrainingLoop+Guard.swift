import FirnGraph
import FirnRuntime
import FirnWorlds

/// What stops a run that has lost its numbers.
extension TrainingLoop {
  /// - Throws: `.notFinite` where a variable, or an optimiser's memory, is not finite; the session is then as it was
  ///   before the step that made it so.
  func requireFiniteWeights() throws(FirnError) {
    guard numericGuard != nil, numericGuard?.good != nil else { return }
    let isFaulty = try !session.holdsFiniteNumbers(in: run.program.writtenVariables)
    if try isSoForAny(isFaulty) { try stopAtFault(nil) }
  }

  /// Goes back to what is known to be good, and on from there with every number looked at, to the step that fails.
  ///
  /// - Parameter loss: what the last step returned; nil where it was finite and the weights are not.
  func stopAtFault(_ loss: Double?) throws(FirnError) -> Never {
    guard let good = numericGuard?.good else { firnBug("trainer", "a fault before the first step") }
    let failed = position.step
    session.goBack(to: good.state)
    let checked = session.checksNumerics
    session.checksNumerics = true
    defer { session.checksNumerics = checked }
    // Whoever meets it first ends all members of a world, and is the one to say where.
    let describes = session.describesFault
    defer { session.describesFault = describes }
    var place = good.position
    // A fault of the weights is one of the last step that is done, one of the loss of the step after it.
    let last = loss == nil ? failed - 1 : failed
    while place.step <= last {
      let batches = try source.batches(
        for: session, running: run.program, ofEpoch: place.epoch, from: place.batch)
      while place.step <= last, let batch = try batches.next() {
        let now = place
        session.describesFault = { Self.fault($0, at: now) }
        do throws(FirnError) {
          _ = try session.run(run.program, feeding: batch.feeds, counts: batch.isCounted)
        } catch {
          // In a world that has been said already.
          throw session.world.size > 1 ? error : Self.fault(error, at: place)
        }
        place.step += 1
        place.batch += 1
      }
      (place.epoch, place.batch) = (place.epoch + 1, 0)
    }
    session.goBack(to: good.state)
    throw FirnError(
      .notFinite,
      loss.map { "the loss of step \(failed + 1) is \($0)" }
        ?? "step \(failed) left weights that are not finite",
      remedy:
        "the weights are those before step \(good.position.step + 1); going on from there did not fail again")
  }

  private static func fault(_ error: FirnError, at place: DataPosition) -> FirnError {
    guard error.code == .notFinite else { return error }
    return FirnError(
      .notFinite,
      "training stopped at step \(place.step + 1) (epoch \(place.epoch), batch \(place.batch)): \(error.message)",
      remedy: "the weights are those before that step; lower the rate, clip gradients, or look at that batch",
      place: error.place, operands: error.operands, causes: [error])
  }
}
