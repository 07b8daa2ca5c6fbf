internal import FirnCompiler
internal import FirnGraph
internal import FirnNotation

/// `firn cost`: what a training step costs, scope by scope.
enum CostCommand {
  static let declaration = ArgumentParser.Command(
    name: "cost", summary: "count FLOPs and bytes of a training step, by scope, with and without the freeze",
    positionals: [GraphQuestion.file],
    options: GraphQuestion.options + CostOptions.options + [
      .flag("pins", help: "also what freezing each further variable would save")
    ],
    examples: [
      .init(
        line: "firn cost model.firn --freeze encoder --bind batch=32,time=8", meaning: "what the freeze saves"
      )
    ])

  /// What `--json` gives.
  private struct Answer: Encodable {
    var cost: CostReport
    var pins: [Pin]?
  }

  static func run(_ arguments: ParsedArguments, in shell: Shell) throws -> Int32 {
    let question = try GraphQuestion(arguments, in: shell)
    let options = try CostOptions(arguments, "cost", for: [question.graph])
    let explanation = try question.explanation(loss: question.loss(), optimizer: options.optimizer)
    let report = try explanation.cost()
    let pins = arguments.flag("pins") ? try explanation.pins() : nil
    if arguments.flag("json") {
      try shell.json(Answer(cost: report, pins: pins))
      return 0
    }
    show(report, options, in: shell)
    if let pins {
      shell.line()
      show(pins, options, in: shell)
    }
    if let note = options.note {
      shell.line()
      shell.paragraph(note)
    }
    return 0
  }

  private static func show(_ report: CostReport, _ options: CostOptions, in shell: Shell) {
    let rows =
      [("(all)", report.total, report.unfrozen)]
      + report.scopes.map { scope in
        let depth = scope.path.split(separator: "/").count - 1
        let name = String(repeating: "  ", count: depth) + Path.last(of: scope.path)
        return (name, scope.cost, scope.unfrozen)
      }
    let compares = report.unfrozen.map { $0 != report.total } ?? false
    guard compares else {
      var table = TextTable(
        [.init("scope")]
          + ["forward", "backward", "update", "kept", "gradients", "slots"].map { .init($0, .right) })
      for (name, cost, _) in rows {
        table.append([
          name, options.flops(cost.forwardFLOPs), options.flops(cost.backwardFLOPs),
          options.flops(cost.updateFLOPs), options.bytes(cost.keptBytes), options.bytes(cost.gradientBytes),
          options.bytes(cost.slotBytes),
        ])
      }
      shell.table(table)
      return
    }
    var flops = TextTable(
      [.init("scope")]
        + ["forward", "backward", "unfrozen", "update", "unfrozen"].map { .init($0, .right) })
    var bytes = TextTable(
      [.init("scope")]
        + ["kept", "unfrozen", "gradients", "unfrozen", "slots", "unfrozen"].map { .init($0, .right) })
    for (name, cost, whole) in rows {
      flops.append([
        name, options.flops(cost.forwardFLOPs), options.flops(cost.backwardFLOPs),
        options.flops(whole?.backwardFLOPs), options.flops(cost.updateFLOPs),
        options.flops(whole?.updateFLOPs),
      ])
      bytes.append([
        name, options.bytes(cost.keptBytes), options.bytes(whole?.keptBytes),
        options.bytes(cost.gradientBytes), options.bytes(whole?.gradientBytes),
        options.bytes(cost.slotBytes), options.bytes(whole?.slotBytes),
      ])
    }
    shell.table(flops)
    shell.line()
    shell.table(bytes)
  }

  private static func show(_ pins: [Pin], _ options: CostOptions, in shell: Shell) {
    guard !pins.isEmpty else {
      shell.line("fewer than two variables are trained, so no other could be frozen")
      return
    }
    var table = TextTable([
      .init("freezing too"), .init("saves backward", .right), .init("kept", .right),
      .init("gradients", .right), .init("slots", .right), .init("what it alone keeps"),
    ])
    for pin in pins {
      table.append([
        pin.variable, options.flops(pin.saved.backwardFLOPs), options.bytes(pin.saved.keptBytes),
        options.bytes(pin.saved.gradientBytes), options.bytes(pin.saved.slotBytes),
        pin.kept.map(\.name).joined(separator: ", "),
      ])
    }
    shell.table(table)
  }
}
