import FirnCompiler
import FirnGraph
import FirnRuntime

/// Freeze schedules and plateaus.
extension TrainingLoop {
  /// Goes to the stage that is due, if it is another one.
  func enterDueStage(isEpochStart: Bool) throws(FirnError) {
    let stages = trainer.stages
    let due = stages.schedule.stage(
      after: state.stage, epoch: position.epoch, step: position.step, isEpochStart: isEpochStart
    ) { delta in state.stalled(trainer.monitor, delta: delta, stage: state.stage) }
    guard due != state.stage else { return }
    // The last step before may have left what no loss has shown yet; it is this program that would be repeated.
    try requireFiniteWeights()
    let before = run.program
    // What has made no step has written nothing.
    if position.step > 0 { writtenBefore.formUnion(before.writtenVariables) }
    let (program, slots) = try stages.program(of: due, in: session)
    try session.requireOwn(program)
    run.program = program
    state.stage = due
    (features, validationFeatures) = (nil, nil)
    if trainer.plateau != nil { try setRateFactor() }
    try followAverages()
    // What was kept to go back to is another program's.
    numericGuard?.reset()
    let change = StageChange(
      stage: due, epoch: position.epoch, step: position.step, difference: try before.difference(to: program),
      slots: slots)
    reporter.entered(change)
    for callback in callbacks { try callback.entered(change, in: run) }
  }

  /// Lowers the rate where the rule says so.
  func lowerRate(after record: EpochRecord) throws(FirnError) {
    guard let plateau = trainer.plateau else { return }
    _ = plateau.take(record.monitored(trainer.monitor), trainer.monitor, into: &state.plateau)
    try setRateFactor()
  }

  /// Begins with what runs before have left of the program's rates.
  func takeRateFactor() throws(FirnError) {
    let own = Set(run.program.compilation.slots.map(\.variable.name))
    for name in rateFactors where own.contains(name) {
      state.plateau.scale = min(state.plateau.scale, try session.value(of: name).scalar ?? 1)
    }
  }

  /// What is left of rates, for all optimisers: a stage may have one that was not there before.
  private func setRateFactor() throws(FirnError) {
    for name in rateFactors { try session.setValue(NDArray(scalar: state.plateau.scale), of: name) }
  }

  /// Has epochs judged by the averages that the program of the stage keeps, which may be of more than those before.
  func followAverages() throws(FirnError) {
    if trainer.validation?.averages != nil { evaluator = try Self.evaluator(of: trainer) }
  }

  /// The optimisers' memory that holds what is left of their rates.
  private var rateFactors: [String] {
    session.variables.filter { $0.kind == .slot && Path.last(of: $0.name) == Schedule.factorSlot }.map(\.name)
  }

  /// - Throws: `.invalidArgument` where a rate is to fall and no optimiser's can.
  func requireRateFactor() throws(FirnError) {
    guard trainer.plateau != nil, rateFactors.isEmpty else { return }
    throw FirnError(
      .invalidArgument, "the rate is to fall on a plateau, but no optimiser's rate can",
      remedy: "give it `learningRate: .onPlateau(…)`")
  }
}
