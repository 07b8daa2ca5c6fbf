internal import FirnGraph
internal import FirnNotation
internal import FirnTraining
internal import FirnWorlds

/// `firn evaluate`: measures a trained graph on a file of examples.
enum EvaluateCommand {
  static let declaration = ArgumentParser.Command(
    name: "evaluate", summary: "measure a graph file with trained weights on data",
    positionals: [GraphQuestion.file],
    options: [DataOptions.data] + DataColumns.options + [MetricOption.option]
      + GraphQuestion.options(
        ["loss", "weights", "map", "into", "input"],
        weights: "measure with the values in this file of weights or checkpoint") + [
        DataOptions.batch, .json,
      ],
    examples: [
      .init(
        line:
          "firn evaluate model.firn --weights run/weights.safetensors --data test.csv --metric 'accuracy(head/add, y)'",
        meaning: "loss and accuracy of the weights that `firn train` wrote"),
      .init(
        line:
          "mpiexec -n 4 firn evaluate model.firn --weights run/weights.safetensors --data test.csv",
        meaning: "four processes, each some of the batches; the measures are those of one"),
    ])

  static func run(_ arguments: ParsedArguments, in shell: Shell) throws -> Int32 {
    let world = try World.mpi()
    let members = Members(world)
    let shell = members.shell(shell)
    let columns = try DataColumns(arguments)
    let question = try GraphQuestion(arguments, in: shell)
    let measured = try MetricOption.metrics(arguments, of: question.graph)
    // Without a loss metrics say enough.
    let loss = measured.isEmpty || arguments.text("loss") != nil ? try question.loss() : question.plainLoss
    let needed = question.graph.placeholders(
      of: (loss.map { [$0] } ?? [])
        + measured.flatMap(\.tensors).compactMap { question.graph.value(named: $0) })
    let model = try TrainedModel(question, arguments, needsWeights: true, world: world, in: shell)
    let file = try DataOptions.file(arguments, in: shell)
    let data = try model.scaled(
      try columns.knowing(model.words, isBound: true).data(
        in: file, for: needed, trainedOn: model.columns
      ).data)
    let metrics = (loss.map { [.mean(of: question.graph.name(of: $0))] } ?? []) + measured.map(\.metric)
    let judge = try Evaluator(metrics, in: model.session)
    let progress = LateProgress("measuring", total: data.count, style: members.progress)
    let evaluation = try [NamedExamples(file, data)].locating(
      in: model.session, fetching: metrics.flatMap { $0.fetches.map(\.tensorName) }
    ) { () throws(FirnError) in
      try judge.evaluate(data.inBatches(of: arguments.integer("batch") ?? 32), telling: progress.update)
    }
    progress.finish()
    try world.leave()
    if arguments.flag("json") {
      try shell.json(TrainReport.Measure(evaluation), nonFinite: true)
      return 0
    }
    var table = TextTable([.init("metric"), .init("value", .right)])
    for value in evaluation.values { table.append([value.name, NumberFormat.fixed(value.value, digits: 4)]) }
    shell.table(table)
    shell.line("over \(NumberFormat.count(evaluation.exampleCount)) examples")
    return 0
  }
}
