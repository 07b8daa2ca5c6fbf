public import FirnGraph
import FirnNotation
public import FirnRuntime

/// Training as people do it: epochs and batches, validation, early stopping, freeze schedules, checkpoints.
///
///     var trainer = Trainer(program, in: session)
///     trainer.validation = Validation(held.inBatches(of: 100), metrics: [.accuracy(logits, labels: y)])
///     trainer.earlyStopping = EarlyStopping(patience: 5)
///     let outcome = try trainer.train(on: data.inBatches(of: 32, seed: 1), epochs: 40)
///
/// What it adds to a loop of one's own over `session.run(program, feeding:)` changes no bit of the training: measuring
/// leaves weights and random numbers as they are.
public struct Trainer {
  /// Whose variables are trained.
  public let session: Session
  /// The program that trains; with a freeze schedule that of the first stage.
  public let program: Program
  let stages: StagePrograms
  /// How many stages its freeze schedule has; 1 without one.
  public var stageCount: Int { stages.schedule.stages.count }

  /// What is measured after every epoch; nothing by default.
  public var validation: Validation?
  /// By which number epochs are compared; by default the loss of the validation, or of training where there is none.
  public var monitor = Monitor()
  /// When to end before the epochs are over; never by default.
  public var earlyStopping: EarlyStopping?
  /// When to lower the learning rate; needs a schedule `.onPlateau(…)` in the optimiser.
  public var plateau: ReduceOnPlateau?
  /// How many steps apart states are kept to go back to, should a loss be NaN or infinite; nil for no guard.
  ///
  /// 16 by default. After a step whose loss is not finite, and before whatever is saved, training stops with an error
  /// that names the first node that made such a number; variables and memory are then those before the step that made
  /// it. A kept state costs a copy of what the program writes, and two are kept.
  public var guardInterval: Int? = 16
  /// What is told of the run while it goes on.
  public var callbacks: [any TrainingCallback] = []
  /// When gradients and updates are measured, scope by scope; never by default.
  public var norms: NormWatch?
  /// Whether Ctrl-C ends the run after the step that runs, with a checkpoint where there is a folder; and so `SIGTERM`,
  /// by which schedulers and launchers announce the end.
  ///
  /// A second one ends the process at once. False by default, as signals are the whole process's.
  public var stopsOnInterrupt = false
  /// Another way to end it so.
  public var stopSignal: StopSignal?
  /// Where to say how far it has come; nowhere by default.
  public var progress: ProgressStyle = .silent
  /// What is computed once for each example, in training and in validation; nothing by default.
  ///
  /// Changes no bit. The source must be a data set in batches, whose examples can be told apart. In a stage of a freeze
  /// schedule that has nothing frozen next to the data, nothing is cached.
  public var caching: Caching?
  /// How the data was scaled, to be saved with the model in every checkpoint.
  public var standardization: Standardization?
  /// What else is to be saved in every checkpoint, by kinds that are nobody else's.
  package var notes: [String: String] = [:]

  /// A trainer of one program, compiled with `minimizing:` or `updates:` by this session.
  public init(_ program: Program, in session: Session) {
    self.session = session
    self.program = program
    stages = StagePrograms(program)
  }

  /// A trainer that goes through the stages of a freeze schedule.
  ///
  ///     let trainer = try Trainer(in: session, through: .unfreezing(["layer1", "layer2", "head"])) { stage in
  ///       try session.compile(minimizing: loss, with: Adam(), freezing: stage.freezing)
  ///     }
  ///
  /// A stage's program is compiled when the stage begins, and once: stages with the same selection share it. Variables
  /// are the session's, so all stages move the same ones; optimisers' memory of what stays trained is kept, that of
  /// what is newly trained starts fresh (rule 6), where the optimisers of stages have the same name.
  ///
  /// - Parameter compile: makes the program of a stage.
  /// - Throws: what compiling the first stage throws; `.invalidSelection` for a selection of any stage that names
  ///   nothing.
  public init(
    in session: Session, through schedule: FreezeSchedule,
    compiling compile: @escaping (FreezeSchedule.Stage) throws -> Program
  ) throws(FirnError) {
    self.session = session
    for stage in schedule.stages {
      // Which variables are loaded or random by then is not known yet.
      guard let selection = stage.freezing,
        !selection.asksForValues
      else { continue }
      do throws(FirnError) {
        _ = try session.selected(selection)
      } catch {
        var error = error
        if schedule.stages.count > 1 { error.message = "stage \(stage.index + 1): \(error.message)" }
        throw error
      }
    }
    stages = StagePrograms(schedule, compile)
    program = try stages.program(of: 0, in: session).program
  }

  /// Trains; goes on from a checkpoint where one is given.
  ///
  /// Where the session belongs to a world, all members call it alike: each runs its part of every batch and of what is
  /// measured; losses, measures and what is decided by them are the same for all. The first member alone writes
  /// checkpoints, says how far the run is, and tells callbacks; a stop that any member asks for ends all of them within
  /// about a second.
  ///
  /// - Parameters:
  ///   - source: the batches, each fed by the names of its placeholders. The loss is the program's last fetch.
  ///   - epochs: passes over the source in all, those before a resumption included; not negative.
  ///   - checkpoint: where an earlier run stopped: variables, memory, stage, history and the place in the data are as
  ///     they
  ///     were then, and the run goes on to the same bits. Nil begins with the session as it is.
  ///   - lastStep: where to stop, counted from the very first step, if the epochs are not over by then.
  ///   - folder: where checkpoints go: one after every epoch and one at the end, the best epoch's kept as the best.
  ///   - interval: steps from one further checkpoint to the next; none by default.
  /// - Returns: how it ended, its history, and the losses.
  /// - Throws: `.notFinite` where the guard stops it; `.invalidArgument` where the program trains nothing, a number is
  ///   not as said, or the checkpoint is of another source or schedule; what a step, a checkpoint, a metric or a
  ///   callback throws.
  @discardableResult
  public func train(
    on source: any BatchSource, epochs: Int, from checkpoint: Checkpoint? = nil, upTo lastStep: Int = .max,
    savingTo folder: CheckpointFolder? = nil, every interval: Int? = nil
  ) throws(FirnError) -> TrainingOutcome {
    let loop = try TrainingLoop(
      self, source: source, epochs: epochs, lastStep: lastStep, folder: folder, interval: interval)
    if let checkpoint { try loop.resume(from: checkpoint) }
    return try loop.start()
  }
}

extension Program {
  /// What a training is judged by, its last fetch.
  ///
  /// - Throws: `.invalidArgument` where it trains nothing or returns nothing.
  var trainedLoss: String {
    get throws(FirnError) {
      guard !trained.isEmpty else {
        throw FirnError(
          .invalidArgument, "the program trains nothing", remedy: "compile it with `minimizing:`")
      }
      guard let loss = fetches.last else {
        throw FirnError(
          .invalidArgument, "the program returns no loss: its objectives have gradients that are given",
          remedy: "name a scalar by `fetching:` when it is compiled")
      }
      return loss
    }
  }
}
