internal import FirnCompiler
internal import FirnGraph
internal import FirnNotation
internal import FirnRuntime
internal import FirnTraining

/// What `firn train` says in the end.
struct TrainReport: Encodable {
  /// Numbers by name.
  struct Measure: Encodable {
    var values: [String: Double]
    var order: [String]
    var examples: Int

    init(_ evaluation: Evaluation) {
      values = Dictionary(
        evaluation.values.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
      order = evaluation.values.map(\.name)
      examples = evaluation.exampleCount
    }

    private enum CodingKeys: CodingKey { case values, examples }
  }

  /// A stage of a freeze schedule.
  struct Stage: Encodable {
    var number: Int
    var count: Int
  }

  var ending: String
  var epochs: Int
  var steps: Int
  /// From 1; nil where no epoch is over.
  var bestEpoch: Int?
  var isBestRestored: Bool
  var trainingLoss: Double?
  /// Of the epoch whose weights were written.
  var validation: [String: Double]
  var test: Measure?
  var trained: [String]
  var trainedParameters: Int
  var parameters: Int
  /// Of the freeze schedule: the stage that the run ended in, from 1, and how many there are; nil where there is one.
  var stage: Stage?
  var folder: String
  /// What frozen kernels were held in, and what that changes in the loss of the first examples; nil where not asked for.
  var stored: StoredReport?
  private var method: String
  private var names: [String]
  private var counts: (training: Int, validation: Int, measured: Int)

  private enum CodingKeys: CodingKey {
    case ending, epochs, steps, bestEpoch, isBestRestored, trainingLoss, validation, test, trained
    case trainedParameters, parameters, stage, folder, stored
  }

  init(_ job: TrainingJob, _ outcome: TrainingOutcome, _ folder: String) {
    ending = outcome.ending.rawValue
    epochs = outcome.history.epochs.count
    steps = outcome.position.step
    bestEpoch = outcome.best.map { $0.epoch + 1 }
    isBestRestored = outcome.isBestRestored
    let shown = outcome.isBestRestored ? outcome.best : outcome.history.epochs.last
    trainingLoss = shown?.trainingLoss
    validation = Dictionary(
      (shown?.validation ?? []).map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
    names = shown?.validation.map(\.name) ?? []
    let parts = outcome.program.trainedParts
    trained = parts.map(\.description)
    trainedParameters = parts.reduce(0) { $0 + ($1.type.shape.elementCount.value ?? 0) }
    parameters = job.model.session.graph.variables.filter { $0.kind == .parameter }.reduce(0) {
      $0 + $1.elementCount
    }
    let stages = job.trainer.stageCount
    stage = stages > 1 ? Stage(number: outcome.stage + 1, count: stages) : nil
    self.folder = folder
    method = job.method
    counts = (job.training.count, job.validation?.count ?? 0, Swift.min(job.batch, job.training.count))
  }

  func write(to shell: Shell) {
    shell.paragraph(
      "trained \(NumberFormat.count(trainedParameters)) of \(NumberFormat.count(parameters)) parameters"
        + (stage.map { " in stage \($0.number) of \($0.count)" } ?? "") + " by \(method), on "
        + "\(NumberFormat.count(counts.training)) examples"
        + (counts.validation > 0 ? ", \(NumberFormat.count(counts.validation)) to judge by" : ""))
    if let stored {
      let changes = stored.deviations.map {
        "`\($0.name)` of \(NumberFormat.count(counts.measured)) examples by \(NumberFormat.short($0.relative)) of it"
      }
      shell.paragraph(
        stored.summary + (changes.isEmpty ? "" : " It changes \(changes.joined(separator: ", ")).")
          + " Weights are written as f32.")
    }
    let end =
      switch ending {
      case "stoppedEarly": ", stopped early"
      case "interrupted": ", interrupted"
      default: ""
      }
    shell.line(
      "\(epochs) epoch\(epochs == 1 ? "" : "s"), \(NumberFormat.count(steps)) steps\(end)"
        + (bestEpoch.map {
          "; the best was epoch \($0)"
            + (isBestRestored
              ? ", whose weights these are"
              : $0 == epochs || ending == "interrupted" ? "" : ", the weights are those of epoch \(epochs)")
        } ?? ""))
    let columns =
      ["loss"]
      + ((names + (test?.order ?? [])).reduce(into: [String]()) {
        if !$0.contains($1), $1 != "loss" { $0.append($1) }
      })
    var table = TextTable([.init("")] + columns.map { .init($0, .right) })
    func row(_ title: String, _ values: [String: Double]) {
      table.append(
        [title] + columns.map { name in values[name].map { NumberFormat.fixed($0, digits: 4) } ?? "" })
    }
    if let trainingLoss { row("training", ["loss": trainingLoss]) }
    if !validation.isEmpty { row("validation", validation) }
    if let test { row("test", test.values) }
    if !table.rows.isEmpty { shell.table(table) }
    if ending == "interrupted" {
      shell.line("go on with --resume: the checkpoint is in \(folder)/checkpoints")
    } else {
      shell.line("wrote \(folder)/weights.safetensors, history.csv, history.json, history.svg")
    }
  }
}
