import FirnCompiler
import FirnGraph
import FirnRuntime
import FirnWorlds

/// One run of a trainer.
final class TrainingLoop {
  let trainer: Trainer
  let session: Session
  let source: any BatchSource
  let epochCount: Int
  let lastStep: Int
  let folder: CheckpointFolder?
  let interval: Int?
  let run: TrainingRun
  var evaluator: Evaluator?
  let numericGuard: NumericGuard?
  let probe: NormProbe?
  let stop: StopSignal
  let reporter: TrainingProgress

  var state = TrainerState()
  var position: DataPosition
  /// The best epoch's values, where they are to be put back.
  var best: SessionState?
  var losses: [Double] = []
  var isBestRestored = false
  /// What the programs of stages before wrote: checkpoints of what is trained hold it too.
  var writtenBefore: Set<String> = []
  /// How the data was scaled; a resumed run need not be told again.
  var standardization: Standardization?
  /// The stored features of the stage's program, once they were asked for; nil in it where there are none.
  var features: CachedFeatures??
  var validationFeatures: CachedFeatures??
  /// The step after which the members of a world ask each other whether to stop, and when they did last.
  var nextAsking = 0
  var lastAsking: (step: Int, time: ContinuousClock.Instant)
  /// What checkpoints are compared by, the lowest the best; what epochs are compared by where there is none.
  var metric: (() throws(FirnError) -> Double)?
  /// Is told of each step when all that belongs to it is done, its checkpoint too.
  var settled: ((StepRecord) -> Void)?
  private var interrupts: InterruptWatcher?

  init(
    _ trainer: Trainer, source: any BatchSource, epochs: Int, lastStep: Int, folder: CheckpointFolder?,
    interval: Int?
  ) throws(FirnError) {
    _ = try trainer.program.trainedLoss
    guard epochs >= 0 else {
      throw FirnError(.invalidArgument, "\(epochs) epochs", remedy: "give a number that is not negative")
    }
    try trainer.session.requireOwn(trainer.program)
    self.trainer = trainer
    self.source = source
    self.lastStep = lastStep
    self.folder = folder
    self.interval = interval.map { max(1, $0) }
    session = trainer.session
    epochCount = epochs
    position = source.start
    run = TrainingRun(session: trainer.session, program: trainer.program, epochCount: epochs)
    evaluator = try Self.evaluator(of: trainer)
    numericGuard = trainer.guardInterval.map { NumericGuard(every: $0) }
    probe = try trainer.norms.map { (watch) throws(FirnError) in try NormProbe(watch, in: trainer.session) }
    stop = trainer.stopSignal ?? StopSignal()
    standardization = trainer.standardization
    reporter = TrainingProgress(trainer.session.world.rank == 0 ? trainer.progress : .silent)
    lastAsking = (position.step, .now)
    try requireMonitor()
    try trainer.plateau?.validate()
    try requireRateFactor()
    run.stepCount = source.batchCount(ofEpoch: 0).map { batches in
      let (steps, overflow) = epochs.multipliedReportingOverflow(by: batches)
      return min(overflow ? .max : steps, lastStep)
    }
  }

  static func evaluator(of trainer: Trainer) throws(FirnError) -> Evaluator? {
    guard let validation = trainer.validation, let loss = trainer.program.fetches.last else { return nil }
    // An epoch has one number of a name.
    guard !validation.metrics.contains(where: { $0.name == EpochRecord.trainingLossName }) else {
      throw FirnError(
        .duplicateName, "a metric is called `\(EpochRecord.trainingLossName)`, as the loss of training is",
        remedy: "give it another name by `named:`")
    }
    return try Evaluator(
      [.mean(of: loss)] + validation.metrics, in: trainer.session, underAverages: validation.averages)
  }

  /// - Throws: `.unknownName` where epochs are to be compared by what nobody measures.
  private func requireMonitor() throws(FirnError) {
    guard let name = trainer.monitor.name, name != EpochRecord.trainingLossName else { return }
    let names = evaluator?.metrics.map(\.name) ?? []
    guard !names.contains(where: { name == $0 || name.hasPrefix($0 + "/") }) else { return }
    throw FirnError(
      .unknownName, "epochs are to be compared by `\(name)`, which nothing measures",
      remedy: "there is " + ([EpochRecord.trainingLossName] + names).map { "`\($0)`" }.joined(separator: ", ")
    )
  }

  /// - Throws: `.unknownName` where the metric that epochs are to be compared by has no part of that name; `.notFinite`
  ///   where it is NaN and decides whether the run goes on.
  private func requireMonitored(in record: EpochRecord) throws(FirnError) {
    if let name = trainer.monitor.name, record[name] == nil {
      throw FirnError(
        .unknownName, "epochs are to be compared by `\(name)`, which no metric gave",
        remedy: "there is "
          + ([EpochRecord.trainingLossName] + record.validation.map(\.name)).map { "`\($0)`" }.joined(
            separator: ", "))
    }
    guard trainer.earlyStopping != nil, record.monitored(trainer.monitor).isNaN else { return }
    let name = trainer.monitor.name ?? "loss"
    throw FirnError(
      .notFinite, "\(name) is NaN after epoch \(record.epoch), and decides when training stops",
      remedy: "look for NaN in what is validated by, or compare epochs by another metric", place: name)
  }

  // MARK: The run

  func start() throws(FirnError) -> TrainingOutcome {
    if trainer.stopsOnInterrupt { interrupts = InterruptWatcher(stop, isReporter: isReporter) }
    defer { interrupts?.end() }
    try requireSameExamples()
    // A trainer may have gone through its stages before: what they thawed is frozen again, and starts fresh when it is due.
    if position.step == 0, trainer.stages.schedule.stages.count > 1 {
      run.program = try trainer.stages.program(of: 0, in: session).program
    }
    // The factor goes on as all of the optimisers' memory does.
    if trainer.plateau != nil, state.history.epochs.isEmpty { try takeRateFactor() }
    for callback in callbacks { try callback.began(run) }
    var ending = TrainingOutcome.Ending.finished
    while !state.isStoppedEarly, position.epoch < epochCount, position.step < lastStep {
      guard try runEpoch() else {
        if position.step < lastStep { ending = .interrupted }
        break
      }
    }
    if state.isStoppedEarly { ending = .stoppedEarly }
    if ending != .interrupted { try restoreBest() }
    // Whoever goes on with the session finds the same in all members of a world.
    try session.makeStateEqual()
    reporter.finish()
    let outcome = TrainingOutcome(
      ending: ending, history: state.history,
      best: state.best(trainer.monitor).map { state.history.epochs[$0] },
      stage: state.stage, program: run.program, isBestRestored: isBestRestored, position: position,
      losses: losses)
    for callback in callbacks { try callback.ended(outcome, in: run) }
    return outcome
  }

  /// - Returns: whether the epoch is over; else the run is to end within it.
  private func runEpoch() throws(FirnError) -> Bool {
    let (epoch, began) = (position.epoch, ContinuousClock.now)
    try enterDueStage(isEpochStart: position.batch == 0)
    let batches = try fedSource().batches(
      for: session, running: run.program, ofEpoch: epoch, from: position.batch)
    var next = try batches.next()
    guard next != nil || state.exampleCount > 0 else {
      throw FirnError(
        .invalidArgument,
        "epoch \(epoch) has no batches\(position.batch > 0 ? " from \(position.batch) on" : "")",
        remedy: "give a source that is not empty")
    }
    while let batch = next {
      if position.batch > 0 { try enterDueStage(isEpochStart: false) }
      let loss = try step(batch)
      next = try batches.next()
      // Not before it is known whether this was the last: a position says which batch comes next.
      if next == nil { break }
      let record = stepRecord(batch, loss, epoch)
      try report(record)
      let ends = try position.step >= lastStep ? true : agreesToStop()
      if ends {
        try save(isEpochEnd: false)
        settle(record)
        return false
      }
      if let interval, position.step.isMultiple(of: interval) { try save(isEpochEnd: false) }
      settle(record)
    }
    try finishEpoch(epoch, began)
    if try agreesToStop(isNow: true) { return state.isStoppedEarly || position.epoch >= epochCount }
    return true
  }

  /// One step, its position counted.
  private func step(_ batch: Batch) throws(FirnError) -> Double {
    try batch.requireExamples()
    numericGuard?.willStep(session, at: position)
    let measured = try probe?.begin(before: run.program, batch, at: position)
    let results = try results(of: batch)
    let loss = try results.scalar(run.program.fetches.last ?? "")
    if numericGuard != nil, !loss.isFinite { try stopAtFault(loss) }
    if let measured { try probe?.finish(measured, callbacks: callbacks, in: run) }
    losses.append(loss)
    state.lossSum += loss * Double(batch.total)
    state.exampleCount += batch.total
    position.step += 1
    position.batch += 1
    pendingStep = (batch.total, loss)
    return loss
  }

  /// The step that is done and of which nobody was told yet.
  private var pendingStep: (count: Int, loss: Double)?

  private func stepRecord(_ batch: Batch, _ loss: Double, _ epoch: Int) -> StepRecord {
    StepRecord(
      step: position.step, epoch: epoch, stage: state.stage, loss: loss, exampleCount: batch.total,
      position: position)
  }

  private func report(_ record: StepRecord) throws(FirnError) {
    pendingStep = nil
    reporter.update(record, of: run.stepCount)
    for callback in callbacks { try callback.finished(record, in: run) }
  }

  private func settle(_ record: StepRecord) { if isReporter { settled?(record) } }

  /// Whether early stopping has waited long enough.
  var isStalled: Bool {
    guard let early = trainer.earlyStopping else { return false }
    return state.stalled(trainer.monitor, delta: max(0, early.minimumDelta)) >= max(1, early.patience)
  }

  private func finishEpoch(_ epoch: Int, _ began: ContinuousClock.Instant) throws(FirnError) {
    (position.epoch, position.batch) = (epoch + 1, 0)
    let last = pendingStep.map { count, loss in
      StepRecord(
        step: position.step, epoch: epoch, stage: state.stage, loss: loss, exampleCount: count,
        position: position)
    }
    if let last { try report(last) }
    try requireFiniteWeights()
    // What members move by their own examples is what all are judged by.
    if trainer.validation != nil || trainer.earlyStopping?.restoresBest == true {
      try session.makeStateEqual()
    }
    let validation = try trainer.validation.flatMap { (validation) throws(FirnError) in
      try evaluator?.evaluate(validation.source, by: cachedValidation(validation.source))
    }
    let record = EpochRecord(
      epoch: epoch, step: position.step, stage: state.stage,
      trainingLoss: state.lossSum / Double(state.exampleCount), validation: validation?.values ?? [],
      rateFactor: state.plateau.scale, seconds: began.duration(to: .now) / .seconds(1))
    (state.lossSum, state.exampleCount) = (0, 0)
    state.history.epochs.append(record)
    try requireMonitored(in: record)
    try lowerRate(after: record)
    let isBest = state.best(trainer.monitor) == state.history.epochs.count - 1
    // With the rate that its checkpoint has, from which a resumed run takes it.
    if isBest, trainer.earlyStopping?.restoresBest == true { best = session.state }
    if isStalled { state.isStoppedEarly = true }
    reporter.finished(record)
    for callback in callbacks { try callback.finished(record, in: run) }
    try save(isEpochEnd: true, isBest: isBest)
    if let last { settle(last) }
  }
}
