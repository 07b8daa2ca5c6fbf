internal import FirnCompiler
internal import FirnFormats
internal import FirnGraph
internal import FirnNotation
internal import FirnRuntime
internal import FirnTraining
internal import FirnWorlds
internal import Foundation

/// `firn train`: trains a graph file on a file of examples.
enum TrainCommand {
  static let declaration = ArgumentParser.Command(
    name: "train", summary: "train a graph file on data, with part of it frozen; weights and curves come out",
    positionals: [GraphQuestion.file],
    options: [
      DataOptions.data,
      .init(
        name: "validation", value: .text(placeholder: "FILE"),
        help: "examples to judge every epoch by (default: a part of the data)"),
      .init(
        name: "validation-split", value: .number, help: "which part of the data judges epochs; 0 for none",
        defaultValue: "0.2"),
      .init(
        name: "test", value: .text(placeholder: "FILE"),
        help: "examples to measure by in the end; run once before, to find faults"),
    ] + DataColumns.options + [
      .init(
        name: "standardize", value: .text(placeholder: "NAMES"),
        help:
          "scale these placeholders by mean and deviation of what is trained on; the weights file says how"),
      MetricOption.option,
    ] + GraphQuestion.options(weights: "begin with the values in this file of weights or checkpoint") + [
      GraphQuestion.storing, GraphQuestion.recompute,
    ] + TrainingPlan.options
      + OptimizerOptions.options + [
        .init(
          name: "epochs", value: .integer(0...1_000_000_000), help: "passes over the data", defaultValue: "10"
        ),
        DataOptions.batch,
        .init(
          name: "seed", value: .integer(0...Int.max), help: "decides weights, split and order",
          defaultValue: "0"),
        .init(
          name: "patience", value: .integer(1...1_000_000_000),
          help: "stop after so many epochs without a better one, and go back to the best"),
        .init(
          name: "out", value: .text(placeholder: "DIR"),
          help: "weights.safetensors, history.csv, .json and .svg, and checkpoints go there"),
        .init(name: "events", value: .text(placeholder: "DIR"), help: "event files for TensorBoard too"),
        .flag("resume", help: "go on from the last checkpoint in DIR, to the same bits"), .json,
      ],
    examples: [
      .init(
        line: "firn train model.firn --data train.csv --column y=kind --freeze encoder --out run",
        meaning: "train the rest on a table; a fifth of its rows judges each epoch"),
      .init(
        line:
          "firn train model.firn --data train.npz --weights old.safetensors --epochs 40 --patience 5 --out run",
        meaning: "go on from other weights, as long as it gets better"),
      .init(
        line: "firn train model.firn --data train.csv --column y=kind --freeze encoder --out run --resume",
        meaning: "go on where it was stopped"),
      .init(
        line:
          "firn train model.firn --data train.csv --freeze 'layer1 | layer2' --freeze-after 2=layer1 --freeze-after 4= --out run",
        meaning: "unfreeze step by step: the head alone for two epochs, then the second layer too, then all"),
      .init(
        line: "mpiexec -n 4 firn train model.firn --data train.csv --column y=kind --batch 128 --out run",
        meaning: "four processes, each with its part of every batch of 128"),
    ])

  static func run(_ arguments: ParsedArguments, in shell: Shell) throws -> Int32 {
    guard let out = arguments.text("out") else {
      throw UsageError(
        "firn train", "there is no '--out'", remedy: "name a folder for weights and curves: --out run")
    }
    // Started by a launcher of MPI, the process is one of several that train together.
    let world = try World.mpi()
    let members = Members(world)
    let shell = members.shell(shell)
    let begun = arguments.flag("resume") ? Self.notes(ofRunIn: shell.resolved(out)) : [:]
    func said(_ key: String) -> [String: [String]] { begun[key].map(Self.lists) ?? [:] }
    let job = try TrainingJob(
      arguments, goingOnFrom: (said(DataColumns.key), said(DataColumns.wordsKey)), world: world, in: shell)
    try job.checkJudging()
    // What others look for before it is there, or find because it is, would be taken for another run's.
    let place = try members.byFirst {
      try RunFolder(shell.resolved(out), named: out, resuming: arguments.flag("resume"))
    } orElse: {
      RunFolder(joining: shell.resolved(out), named: out)
    }
    defer { withExtendedLifetime(place) {} }
    do {
      let code = try run(job, place, arguments, in: shell)
      // Whoever ends first would end the others, should it end with another status than 0, as after Ctrl-C.
      try world.leave()
      return code
    } catch {
      if world.rank == 0 { place.removeIfEmpty() }
      throw error
    }
  }

  /// How weights moved.
  private static let settingsKey = "firn.settings"

  /// What the run noted that is to go on; empty where nothing says, which is found fault with later.
  private static func notes(ofRunIn path: String) -> [String: String] {
    let checkpoints = path + "/checkpoints"
    guard FileManager.default.fileExists(atPath: checkpoints),
      let folder = try? CheckpointFolder(checkpoints, keepingLast: 2)
    else { return [:] }
    folder.onWarning = { _ in }
    return (try? folder.latest())?.notes ?? [:]
  }

  /// Names by placeholder, as a note says them.
  private static func lists(_ note: String) -> [String: [String]] {
    (try? JSONDecoder().decode([String: [String]].self, from: Data(note.utf8))) ?? [:]
  }

  private static func run(
    _ job: TrainingJob, _ place: RunFolder, _ arguments: ParsedArguments, in shell: Shell
  ) throws -> Int32 {
    let folder = try CheckpointFolder(place.checkpoints, keepingLast: 2)
    folder.onWarning = { shell.errors($0 + "\n") }
    var start: Checkpoint?
    if arguments.flag("resume") {
      start = try folder.latest()
      guard start != nil else {
        throw FirnError(
          .invalidArgument, "'\(place.name)' has no checkpoint to go on from", remedy: "leave --resume out",
          place: place.name)
      }
      if let position = start?.position,
        position.batchSize != job.batch || position.seed != job.seed
          || position.count ?? job.training.count != job.training.count
      {
        throw FirnError(
          .invalidArgument,
          "the run in '\(place.name)' goes through \(position.count.map { "\($0) examples" } ?? "its examples") in batches of "
            + "\(position.batchSize) by seed \(position.seed), this is \(job.training.count) in batches of \(job.batch) "
            + "by seed \(job.seed)",
          remedy: "give --batch \(position.batchSize) --seed \(position.seed) and the same data",
          place: place.name)
      }
      if start?.standardization != job.standardization {
        throw FirnError(
          .invalidArgument, "the run in '\(place.name)' scaled its data otherwise",
          remedy: "give the --standardize or --weights that it was begun with", place: place.name)
      }
      if let note = start?.notes[DataColumns.key] {
        guard job.dataColumns.goOn(from: Self.lists(note), with: job.columns) else {
          throw FirnError(
            .invalidArgument, "the run in '\(place.name)' took other columns of its table: \(note)",
            remedy: "give a table that has these, or say by --column what stands for them",
            place: place.name)
        }
      }
    }
    var trainer = job.trainer
    trainer.validation = job.validation.map { Validation($0.inBatches(of: job.batch), metrics: job.metrics) }
    trainer.earlyStopping = arguments.integer("patience").map { EarlyStopping(patience: $0) }
    trainer.standardization = job.standardization
    trainer.notes = try job.dataColumns.notes(job.columns)
    trainer.notes[Self.settingsKey] = job.settings
    if let begun = start?.notes[Self.settingsKey], begun != job.settings {
      shell.errors("the run was begun otherwise:\n  \(begun)\nand goes on by\n  \(job.settings)\n")
    }
    trainer.stopsOnInterrupt = true
    let isFirst = job.model.session.world.rank == 0
    if Terminal.current(.standardError).isInteractive, !arguments.flag("json") {
      trainer.progress = .automatic
    } else {
      trainer.callbacks.append(EpochLines(write: { shell.errors($0 + "\n") }))
    }
    if isFirst, let events = arguments.text("events") {
      trainer.callbacks.append(try EventLog(shell.resolved(events), graph: trainer.program.graph))
    }
    let outcome = try job.locating { () throws(FirnError) in
      try trainer.train(
        on: job.training.inBatches(of: job.batch, seed: job.seed), epochs: job.epochs, from: start,
        savingTo: folder)
    }
    if isFirst { try outcome.history.write(to: place.path) }
    if isFirst, outcome.ending != .interrupted {
      try TrainedModel.write(
        job.model.session, job.standardization, try job.dataColumns.notes(job.columns), to: place.weights)
    }
    var report = TrainReport(job, outcome, place.name)
    report.stored = try job.stored(outcome.program)
    // Measured by all, each some of the batches.
    if let test = job.test, outcome.ending != .interrupted {
      let judge = try Evaluator([.mean(of: job.loss)] + job.metrics, in: job.model.session)
      report.test = TrainReport.Measure(try judge.evaluate(test.inBatches(of: job.batch)))
    }
    if isFirst {
      if arguments.flag("json") {
        try shell.json(report, nonFinite: true)
      } else {
        report.write(to: shell)
      }
    }
    return outcome.ending == .interrupted ? 130 : 0
  }
}

/// Options that commands over data share.
enum DataOptions {
  static let data = ArgumentParser.Option(
    name: "data", value: .text(placeholder: "FILE"),
    help: "examples: a table (.csv, .tsv), or arrays by name (.npz, .safetensors)")
  static let batch = ArgumentParser.Option(
    name: "batch", value: .integer(1...1_000_000_000), help: "examples a step", defaultValue: "32")

  /// - Throws: `UsageError` where no data is given.
  static func file(_ arguments: ParsedArguments, in shell: Shell) throws -> DataFile {
    guard let name = arguments.text("data") else {
      throw UsageError(
        "firn \(arguments.command ?? "")", "there is no '--data'", remedy: "name a file of examples")
    }
    return try DataFile(name, in: shell)
  }
}

/// A line for every epoch, where no bar is drawn.
private struct EpochLines: TrainingCallback {
  let write: (String) -> Void

  func entered(_ stage: StageChange, in run: TrainingRun) throws(FirnError) {
    let (thawed, frozen) = (stage.difference.thawed, stage.difference.frozen)
    let words =
      (thawed.isEmpty ? [] : ["thaws " + thawed.joined(separator: ", ")])
      + (frozen.isEmpty ? [] : ["freezes " + frozen.joined(separator: ", ")])
    write(
      "stage \(stage.stage + 1), from epoch \(stage.epoch + 1): "
        + (words.isEmpty ? "no change" : words.joined(separator: "; ")))
  }

  func finished(_ epoch: EpochRecord, in run: TrainingRun) throws(FirnError) {
    let values =
      ["training loss \(NumberFormat.fixed(epoch.trainingLoss, digits: 4))"]
      + epoch.validation.map { "\($0)" }
    write("epoch \(epoch.epoch + 1) of \(run.epochCount): " + values.joined(separator: ", "))
  }
}

/// What TensorBoard is told of a run.
private struct EventLog: TrainingCallback {
  private let events: EventWriter

  init(_ folder: String, graph: GraphDef) throws(FirnError) {
    events = try EventWriter(folder)
    try events.write(graph: graph)
  }

  func finished(_ step: StepRecord, in run: TrainingRun) throws(FirnError) {
    try events.write("training/loss of a batch", step.loss, step: step.step)
  }

  func finished(_ epoch: EpochRecord, in run: TrainingRun) throws(FirnError) {
    try events.write("training/loss", epoch.trainingLoss, step: epoch.step)
    for value in epoch.validation {
      try events.write("validation/\(value.name)", value.value, step: epoch.step)
    }
    for part in run.program.trained {
      try events.write(histogram: part.name, try run.session.value(of: part.name), step: epoch.step)
    }
  }
}
