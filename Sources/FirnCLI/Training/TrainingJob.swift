internal import FirnCompiler
internal import FirnGraph
internal import FirnNotation
internal import FirnRuntime
internal import FirnTraining
internal import FirnWorlds

/// All that a training needs, read and checked before anything is written.
struct TrainingJob {
  let model: TrainedModel
  /// Goes through all stages; its program is that of the first.
  let trainer: Trainer
  let loss: String
  let metrics: [Metric]
  let standardization: Standardization?
  /// By placeholder, which columns of a table it takes; empty where the data is no table.
  let columns: [String: [String]]
  /// What the command says of columns.
  let dataColumns: DataColumns
  /// The files of examples as they were read.
  private let files: [NamedExamples]
  let training: DataSet
  let validation: DataSet?
  let test: DataSet?
  let batch: Int
  let epochs: Int
  let seed: UInt64
  /// How weights move, in words.
  let method: String
  /// All that says how weights move, as the line has it; what a run that is resumed is held against.
  let settings: String

  /// - Parameter resumed: by placeholder, which columns of its table the run took that is to go on, and the words of its
  ///   classes.
  init(
    _ arguments: ParsedArguments,
    goingOnFrom resumed: (columns: [String: [String]], words: [String: [String]]),
    world: World = .alone, in shell: Shell
  ) throws {
    let isResumed = arguments.flag("resume")
    if arguments.text("validation") != nil {
      try arguments.refuse(["validation-split"], beside: "validation")
    }
    batch = arguments.integer("batch") ?? 32
    epochs = arguments.integer("epochs") ?? 10
    seed = UInt64(arguments.integer("seed") ?? 0)
    let split = arguments.number("validation-split") ?? 0.2
    guard (0..<1).contains(split) else {
      throw UsageError(
        "firn train", "--validation-split is \(split)", remedy: "give a part of 1, or 0 for none")
    }
    var columns = try DataColumns(arguments)
    let question = try GraphQuestion(arguments, in: shell)
    let plan = try TrainingPlan(arguments, question)
    loss = plan.loss
    let measured = try MetricOption.metrics(arguments, of: question.graph)
    metrics = plan.metrics + measured.map(\.metric)
    let needed = question.graph.placeholders(
      of: plan.objectives.map(\.loss)
        + measured.flatMap(\.tensors).compactMap { question.graph.value(named: $0) })
    model = try TrainedModel(question, arguments, needsWeights: false, world: world, in: shell)

    columns = try columns.knowing(resumed.words, isBound: true)
    let file = try DataOptions.file(arguments, in: shell)
    let begun = resumed.columns.isEmpty ? model.columns : resumed.columns
    let words = model.words
    func examples() throws(FirnError) -> (data: DataSet, columns: [String: [String]]) {
      do throws(FirnError) {
        return try columns.data(in: file, for: needed, trainedOn: begun)
      } catch {
        guard error.code == .parse, !words.isEmpty else { throw error }
        // No numbers: the words, then, of the classes that the weights were trained with.
        columns = try columns.knowing(words, isBound: false)
        return try columns.data(in: file, for: needed, trainedOn: begun)
      }
    }
    let (all, names) = try examples()
    self.columns = names
    dataColumns = columns
    let known = columns
    var files = [NamedExamples(file, all)]
    func read(_ file: DataFile) throws(FirnError) -> DataSet {
      let data = try known.data(in: file, for: needed, trainedOn: names).data
      files.append(NamedExamples(file, data))
      return data
    }
    var (training, validation) = (all, DataSet?.none)
    if let name = arguments.text("validation") {
      validation = try read(try DataFile(name, in: shell))
    } else if split > 0 {
      let parts: DataSplit
      do throws(FirnError) {
        parts = try all.split(validation: split, seed: seed)
      } catch {
        var error = error
        error.remedy =
          "give another --validation-split, a file to --validation, or --validation-split 0 for none"
        throw error
      }
      (training, validation) = (parts.training, parts.validation)
    }
    var test = try arguments.text("test").map { try read(try DataFile($0, in: shell)) }

    if let names = try arguments.names("standardize") {
      if model.standardization != nil {
        throw UsageError(
          "firn train", "the weights say how their data is scaled already", remedy: "leave --standardize out")
      }
      let scaling = try Standardization(of: training, columns: names)
      training = try scaling.applied(to: training)
      validation = try validation.map { data throws(FirnError) in try scaling.applied(to: data) }
      test = try test.map { data throws(FirnError) in try scaling.applied(to: data) }
      standardization = scaling
    } else {
      standardization = model.standardization
      training = try model.scaled(training)
      validation = try validation.map(model.scaled)
      test = try test.map(model.scaled)
    }
    (self.training, self.validation, self.test, self.files) = (training, validation, test, files)

    let steps = epochs.multipliedReportingOverflow(by: (training.count + batch - 1) / batch)
    let options = try OptimizerOptions(arguments, steps: steps.overflow ? .max : steps.partialValue)
    method = options.words
    settings = plan.words(options, steps: steps.overflow ? .max : steps.partialValue)
    // The run that goes on has said them, and what is random as yet is what its checkpoint holds.
    let session = model.session
    let onWarning = session.onWarning
    if isResumed { session.onWarning = { _ in } }
    defer { session.onWarning = onWarning }
    trainer = try plan.trainer(in: session, options)
  }

  /// Runs the examples that are looked at after epochs and in the end once before the run, so that what is wrong with
  /// them, or with what is measured of them, is known.
  func checkJudging() throws {
    let judging = [validation, test].compactMap(\.self)
    guard !judging.isEmpty else { return }
    try locating { () throws(FirnError) in
      let judge = try Evaluator([.mean(of: loss)] + metrics, in: model.session)
      for data in judging { _ = try judge.evaluate(data.inBatches(of: batch)) }
    }
  }

  /// Does what runs examples; an error about an index in one of them gets its file and line.
  func locating<Result>(_ body: () throws(FirnError) -> Result) throws(FirnError) -> Result {
    try files.locating(
      in: model.session, fetching: [loss] + metrics.flatMap { $0.fetches.map(\.tensorName) }, body)
  }

  /// What frozen kernels are held in, measured on the first examples; nil where that was not asked for.
  ///
  /// - Parameter program: that of the last stage.
  func stored(_ program: Program) throws(FirnError) -> StoredReport? {
    guard program.frozenReport.stored?.variables.isEmpty == false else { return nil }
    let first = try training.feeds(0..<Swift.min(batch, training.count))
    return try model.session.frozenReport(of: program, measuredOn: first).stored
  }
}
