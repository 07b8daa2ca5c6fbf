import FirnGraph
import FirnNotation
import FirnRuntime

/// Checkpoints, and going back to the best epoch.
extension TrainingLoop {
  func save(isEpochEnd: Bool, isBest: Bool = false) throws(FirnError) {
    guard let folder else { return }
    try requireFiniteWeights()
    var notes = trainer.notes
    notes[TrainerState.key] = PlainJSON.text(state) ?? ""
    if let standardization {
      notes[Standardization.key] = PlainJSON.text(standardization)
    }
    let monitored = isEpochEnd ? state.history.epochs.last?.monitored(trainer.monitor) : nil
    try session.makeStateEqual()
    // One that is given is measured by all members, and the folder decides by it.
    let given = try metric?()
    try session.byFirstMember { () throws(FirnError) in
      let path = try folder.save(
        session, running: run.program, step: position.step, position: position,
        metric: given ?? monitored.flatMap { $0.isFinite ? $0 : nil }, besides: writtenBefore, notes: notes,
        isBest: given == nil ? isBest : nil)
      for callback in callbacks { try callback.saved(path, at: position, in: run) }
    }
  }

  /// Puts the session, the data and this loop back to where a checkpoint was made.
  func resume(from checkpoint: Checkpoint) throws(FirnError) {
    var saved = TrainerState()
    if let note = checkpoint.notes[TrainerState.key] {
      guard let state: TrainerState = PlainJSON.value(note) else {
        throw FirnError(
          .parse, "the checkpoint's record of its training cannot be read",
          remedy: "resume it with the version of Firn that wrote it, or go on with its weights alone")
      }
      saved = state
    }
    let stages = trainer.stages
    let stageCount = stages.schedule.stages.count
    guard saved.stage < stageCount else {
      throw FirnError(
        .invalidArgument,
        "the checkpoint is of stage \(saved.stage), counted from 0; the schedule has \(stageCount) stages",
        remedy: "go on with the schedule the run was begun with")
    }
    guard saved.isSound(stages: stageCount) else {
      throw FirnError(
        .parse, "the checkpoint's record of its training has counts that no run has",
        remedy: "resume from another checkpoint, or go on with its weights alone")
    }
    let start = source.start
    let found = checkpoint.position ?? start
    guard found.seed == start.seed, found.batchSize == start.batchSize,
      found.count == nil || start.count == nil || found.count == start.count
    else {
      throw FirnError(
        .invalidArgument,
        "the run stopped in \(Self.words(found)), this source has \(Self.words(start))",
        remedy: "go on with the same data in the same batches, or begin anew without `from:`")
    }
    let counts = 0...DataPosition.most
    let batches = counts.contains(found.epoch) ? source.batchCount(ofEpoch: found.epoch) : 0
    guard counts.contains(found.epoch), counts.contains(found.batch), counts.contains(found.step),
      found.batch == 0 || found.batch < batches ?? .max
    else {
      throw FirnError(
        .invalidArgument,
        "no run stopped before batch \(found.batch) of epoch \(found.epoch), after \(found.step) steps",
        remedy: "give another checkpoint")
    }
    let before = session.state
    // What is random as yet is what the checkpoint holds.
    let onWarning = session.onWarning
    session.onWarning = { _ in }
    do {
      defer { session.onWarning = onWarning }
      run.program = try stages.program(of: saved.stage, in: session).program
      try session.requireOwn(run.program)
      try requireSelection(of: checkpoint, saved.stage)
      _ = try checkpoint.resume(in: session)
      try followAverages()
    } catch {
      session.goBack(to: before)
      throw error
    }
    state = saved
    // By the rule of now, which may have more patience.
    state.isStoppedEarly = saved.isStoppedEarly && isStalled
    standardization = standardization ?? checkpoint.standardization
    position = found
    position.count = start.count ?? found.count
    // Of one that holds all it is not known which of it stages before have written.
    if checkpoint.saving == .trained || saved.stage > 0 {
      writtenBefore = Set(checkpoint.record.variables.map(\.name))
    }
    try findBest(from: before)
  }

  private static func words(_ position: DataPosition) -> String {
    "batches of \(position.batchSize) by seed \(position.seed)"
      + (position.count.map { " of \($0) examples" } ?? "")
  }

  /// - Throws: where the program of the stage freezes something else than the one that was saved: another schedule.
  private func requireSelection(of checkpoint: Checkpoint, _ stage: Int) throws(FirnError) {
    let now = run.program.selections.freezing?.description
    guard trainer.stages.schedule.stages.count > 1, now != checkpoint.freezing else { return }
    throw FirnError(
      .invalidArgument,
      "stage \(stage + 1) froze `\(checkpoint.freezing ?? "nothing")`, now it freezes `\(now ?? "nothing")`",
      remedy: "go on with the schedule the run was begun with")
  }

  /// Finds the best epoch's values again, which are in the session, or in a file of the folder.
  ///
  /// - Parameter base: the session before it was resumed: what a file leaves out may have been trained since.
  private func findBest(from base: SessionState) throws(FirnError) {
    guard trainer.earlyStopping?.restoresBest == true, let index = state.best(trainer.monitor) else { return }
    let record = state.history.epochs[index]
    if record.step == position.step, position.batch == 0 {
      best = session.state
      return
    }
    var file = try folder?.best()
    if file?.step != record.step, try folder?.steps().contains(record.step) == true {
      file = try folder?.checkpoint(ofStep: record.step)
    }
    guard let file, file.step == record.step else {
      session.onWarning(
        "the best epoch, \(record.epoch), is in no checkpoint: training ends with the best of those to come, or its last"
      )
      return
    }
    let now = session.state
    defer { session.goBack(to: now) }
    session.goBack(to: base)
    _ = try trainer.stages.program(of: record.stage, in: session)
    _ = try file.resume(in: session)
    best = session.state
  }

  /// Puts the best epoch's values and memory back.
  func restoreBest() throws(FirnError) {
    guard trainer.earlyStopping?.restoresBest == true, let best else { return }
    session.goBack(to: best, keepingRuns: true)
    isBestRestored = true
  }
}
