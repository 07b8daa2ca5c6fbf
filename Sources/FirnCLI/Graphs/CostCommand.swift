internal import FirnCompiler
internal import FirnGraph
internal import FirnNotation

/// `firn cost`: what a training step costs, scope by scope.
enum CostCommand {
  static let declaration = ArgumentParser.Command(
    name: "cost", summary: "count FLOPs and bytes of a training step, by scope, with and without the freeze",
    positionals: [GraphQuestion.file],
    options: GraphQuestion.options + [GraphQuestion.storing] + CostOptions.options + [
      GraphQuestion.recompute,
      .flag("pins", help: "also what freezing each further variable would save"),
    ] + WorldOptions.options,
    examples: [
      .init(
        line: "firn cost model.firn --freeze encoder --bind batch=32,time=8", meaning: "what the freeze saves"
      ),
      .init(
        line: "firn cost model.firn --world 8 --bandwidth 12.5 --bind batch=32",
        meaning: "what eight processes exchange in a step"),
    ])

  /// What `--json` gives.
  private struct Answer: Encodable {
    var cost: CostReport
    var caching: FrozenBoundary
    var pins: PinReport?
    var exchange: ExchangeCost?
  }

  static func run(_ arguments: ParsedArguments, in shell: Shell) throws -> Int32 {
    let question = try GraphQuestion(arguments, in: shell)
    let options = try CostOptions(arguments, "cost", for: [question.graph])
    let explanation = try question.explanation(
      loss: question.loss(), optimizer: options.optimizer, recomputing: arguments.texts("recompute"))
    let report = try explanation.cost()
    let caching = try explanation.frozenBoundary(binding: options.given)
    let pins = arguments.flag("pins") ? try explanation.pins() : nil
    let exchange = try WorldOptions(arguments)?.cost(of: question, options)
    if arguments.flag("json") {
      try shell.json(
        Answer(
          cost: report.bound(by: options.given), caching: caching.bound(by: options.given),
          pins: pins?.bound(by: options.given), exchange: exchange))
      return 0
    }
    shell.report(report.bound(by: options.binding).report)
    // What nothing frozen has is no news.
    if caching.cut != nil {
      shell.line()
      shell.report(caching.bound(by: options.binding).report)
    }
    if let pins {
      shell.line()
      shell.report(pins.bound(by: options.binding).report)
    }
    if let exchange {
      shell.line()
      shell.paragraph(WorldOptions.words(exchange))
    }
    if let stored = report.frozen.stored, !stored.unstored.isEmpty {
      shell.line()
      shell.report(stored.listing)
    }
    if let note = options.note {
      shell.line()
      shell.paragraph(note)
    }
    return 0
  }
}
