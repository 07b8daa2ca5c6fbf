internal import FirnCompiler
internal import FirnGraph
internal import FirnNotation
internal import FirnRuntime
internal import FirnTraining

/// Which losses train what, and what is frozen when.
struct TrainingPlan {
  static let options = [
    ArgumentParser.Option(
      name: "objective", value: .text(placeholder: "LOSS=SELECTION"),
      help:
        "a loss and what it alone trains, in the place of --loss; several train in one step, and the last judges epochs",
      repeats: true),
    ArgumentParser.Option(
      name: "freeze-after", value: .text(placeholder: "EPOCHS=SELECTION"),
      help:
        "after so many epochs freeze this in the place of what --freeze says; nothing, where no selection is given",
      repeats: true),
  ]

  /// The losses in the order of the line, and what each trains; nil for all that is not frozen.
  let objectives: [(loss: Value, name: String, selection: Selection?)]
  let schedule: FreezeSchedule
  private let question: GraphQuestion
  private let recomputing: [String]

  /// The loss that epochs are judged by.
  let loss: String

  /// - Throws: `UsageError` for what is written otherwise; `.unknownName`, `.notScalar` for what is no loss.
  init(_ arguments: ParsedArguments, _ question: GraphQuestion) throws {
    self.question = question
    recomputing = arguments.texts("recompute")
    let written = arguments.texts("objective")
    if written.isEmpty {
      let loss = try question.loss()
      objectives = [(loss, question.graph.name(of: loss), nil)]
    } else {
      guard arguments.text("loss") == nil else {
        throw UsageError(
          "firn train", "--loss and --objective both say what is minimised",
          remedy: "leave --loss out: the last --objective is what epochs are judged by")
      }
      objectives = try written.map { text in
        let (name, selection) = try Self.sides(of: text, option: "objective", example: "actor_loss=actor")
        guard let selection = try Self.selection(selection) else {
          throw UsageError(
            "firn train", "--objective '\(text)' does not say what it trains",
            remedy: "write --objective \(name)=SELECTION")
        }
        guard !name.contains("(") else {
          throw UsageError(
            "firn train", "--objective '\(name)' adds a loss, and objectives are of those that the model has",
            remedy: "give the model its losses as outputs, or train by one loss: --loss '\(name)'")
        }
        return (try LossSearch(question.graph).loss(named: name), name, selection)
      }
    }
    loss = objectives.last?.name ?? ""
    var stages: [(start: FreezeSchedule.Start, freezing: Selection?)] = [(.epoch(0), question.freezing)]
    var last = 0
    for text in arguments.texts("freeze-after") {
      let (number, selection) = try Self.sides(of: text, option: "freeze-after", example: "3=encoder/layer_0")
      guard let epoch = Int(number), epoch > last else {
        throw UsageError(
          "firn train", "--freeze-after '\(text)' does not begin with a number of epochs above \(last)",
          remedy: "write the stages in the order in which they come: --freeze-after 3=body --freeze-after 5=")
      }
      last = epoch
      stages.append((.epoch(epoch), try Self.selection(selection)))
    }
    schedule = FreezeSchedule(stages)
  }

  private static func sides(
    of text: String, option: String, example: String
  ) throws(UsageError) -> (String, String) {
    let sides = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard sides.count == 2, !sides[0].isEmpty else {
      throw UsageError(
        "firn train", "--\(option) '\(text)' has no `=` with something before it",
        remedy: "write --\(option) \(example)")
    }
    return (sides[0].filter { $0 != " " }, sides[1])
  }

  private static func selection(_ text: String) throws(FirnError) -> Selection? {
    text.allSatisfy(\.isWhitespace) ? nil : try Selection(text)
  }

  /// What moves what, how, and when, in words.
  func words(_ options: OptimizerOptions, steps: Int) -> String {
    var parts = [options.words(over: steps)]
    if let thawing = question.thawing { parts.append("thawing \(thawing)") }
    if let kept = question.keepingTrainingMode { parts.append("keeping \(kept) in training mode") }
    if let kept = question.keepingInferenceMode { parts.append("keeping \(kept) in inference mode") }
    parts += schedule.stages.compactMap { stage in
      let selection = stage.freezing?.description ?? "nothing"
      guard case .epoch(let epoch) = stage.start, epoch > 0 else {
        return stage.freezing == nil ? nil : "freezing \(selection)"
      }
      return "after \(epoch) epochs freezing \(selection)"
    }
    parts += objectives.map { "minimising \($0.name)" + ($0.selection.map { " by \($0)" } ?? "") }
    return parts.joined(separator: ", ")
  }

  /// The other losses, as metrics.
  ///
  /// The one that is judged by is called `loss`, so another of that name is called otherwise.
  var metrics: [Metric] {
    var known: Set<String> = []
    return objectives.dropLast().map(\.name).filter { known.insert($0).inserted }.map {
      .mean(of: $0, named: $0 == "loss" ? "loss of objective `loss`" : $0)
    }
  }

  /// A trainer that goes through the stages; what is wrong with any of them is said now.
  ///
  /// - Throws: what compiling the first stage throws, and for a later one what is wrong with its selection, or that it
  ///   leaves nothing to train.
  func trainer(in session: Session, _ options: OptimizerOptions) throws(FirnError) -> Trainer {
    for stage in schedule.stages.dropFirst() { try requireSomeTrained(in: stage, options) }
    return try Trainer(in: session, through: schedule) { [question, objectives, recomputing] stage in
      try session.compile(
        updates: objectives.map {
          .minimize(
            $0.name, training: $0.selection, with: options.optimizer,
            clipping: options.clippingNorm.map { .globalNorm($0) })
        }, freezing: stage.freezing, thawing: question.thawing,
        keepingTrainingMode: question.keepingTrainingMode,
        keepingInferenceMode: question.keepingInferenceMode, storingFrozen: question.storingFrozen,
        recomputing: recomputing)
    }
  }

  private func requireSomeTrained(
    in stage: FreezeSchedule.Stage, _ options: OptimizerOptions
  ) throws(FirnError) {
    // By their places: two may be of one loss.
    func name(_ number: Int) -> String { "objective_\(number)" }
    let goals = objectives.enumerated().map {
      CompilationRequest.Goal(
        source: .loss($1.loss), name: name($0), selection: $1.selection, optimizer: options.optimizer)
    }
    var request = CompilationRequest(
      graph: question.graph, fetches: [], training: .init(goals: goals), freezing: stage.freezing,
      thawing: question.thawing, keepingTrainingMode: question.keepingTrainingMode,
      keepingInferenceMode: question.keepingInferenceMode)
    request.values.loaded = question.weights?.loaded ?? []
    let explanation: Explanation
    do throws(FirnError) {
      explanation = try Explanation(request)
    } catch {
      var error = error
      error.message = "stage \(stage.index + 1): \(error.message)"
      throw error
    }
    for number in objectives.indices {
      let status = try explanation.objective(name(number)).status
      guard !status.variables.contains(where: { [.trained, .partly].contains($0.status) }) else { continue }
      throw FirnError(
        .noGradient,
        "stage \(stage.index + 1) leaves `\(objectives[number].name)` nothing to train: it freezes `\(stage.freezing?.description ?? "nothing")`",
        remedy: "freeze less by --freeze-after", place: objectives[number].name)
    }
  }
}
