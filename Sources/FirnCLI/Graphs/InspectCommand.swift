internal import FirnCompiler
internal import FirnGraph
internal import FirnNotation

/// `firn inspect`: what a graph file holds.
enum InspectCommand {
  static let declaration = ArgumentParser.Command(
    name: "inspect", summary: "show what a graph file holds: scopes, variables, inputs, ops",
    positionals: [GraphQuestion.file],
    options: GraphQuestion.options + [
      .flag(
        "summary", help: "a table of the model: results, parameters trained and frozen, FLOPs, kept bytes"),
      .flag("paths", help: "only the paths of scopes and variables, one a line, as shells complete them"),
    ] + CostOptions.options,
    examples: [
      .init(line: "firn inspect model.firn", meaning: "scopes with their parameter counts"),
      .init(
        line: "firn inspect model.firn --summary --freeze encoder --bind batch=32",
        meaning: "what of the model a step trains, and what that costs"),
    ])

  /// As many variables that stand in no scope are listed.
  private static let listed = 40

  static func run(_ arguments: ParsedArguments, in shell: Shell) throws -> Int32 {
    let asksPaths = arguments.flag("paths")
    if asksPaths { try arguments.refuse(["summary"], beside: "paths") }
    if !arguments.flag("summary") {
      try arguments.refuse(CostOptions.options.map(\.name), without: "summary", remedy: "give --summary, too")
    }
    let question = try GraphQuestion(arguments, in: shell)
    if asksPaths {
      let paths = Self.paths(of: question.graph)
      if arguments.flag("json") {
        try shell.json(paths)
      } else {
        for path in paths { shell.line(path) }
      }
      return 0
    }
    if arguments.flag("summary") {
      let options = try CostOptions(arguments, "inspect", for: [question.graph])
      let summary = try question.explanation(loss: question.plainLoss, optimizer: options.optimizer)
        .summary()
      if arguments.flag("json") {
        try shell.json(summary.bound(by: options.given))
        return 0
      }
      shell.report(summary.bound(by: options.binding).report)
      if let note = options.note { shell.line(note) }
      return 0
    }
    let overview = try GraphOverview(question)
    if arguments.flag("json") {
      try shell.json(overview)
      return 0
    }
    shell.line(
      "\(NumberFormat.count(overview.nodes)) nodes, \(NumberFormat.count(overview.variables)) variables, "
        + "\(NumberFormat.count(overview.parameters)) parameters (\(NumberFormat.bytes(overview.bytes)))")
    shell.line(
      "dimensions: " + (overview.dimensions.isEmpty ? "none" : overview.dimensions.joined(separator: ", ")))
    let outputs = question.graph.lossOutputs.map { ", or add one to an output: \($0)" } ?? ""
    shell.paragraph("loss: " + (overview.loss ?? "not plain; name one with --loss" + outputs))
    for note in question.notes { shell.paragraph(note, indent: 2, first: "note: ") }
    shell.line()
    var inputs = TextTable([.init("placeholder"), .init("type")])
    for input in overview.placeholders { inputs.append([input.name, input.type]) }
    shell.table(inputs)
    shell.line()
    let showsLoaded = question.weights != nil
    var scopes = TextTable(
      [
        .init("scope", .name), .init("variables", .right), .init("parameters", .right),
        .init("frozen", .right),
        .init("bytes", .right), .init("ops", .right),
      ] + (showsLoaded ? [.init("loaded", .right)] : []))
    for scope in overview.scopes {
      let depth = scope.path.split(separator: "/").count - 1
      let name =
        scope.path.isEmpty ? "(all)" : String(repeating: "  ", count: depth) + Path.last(of: scope.path)
      scopes.append([
        name, NumberFormat.count(scope.variables), NumberFormat.count(scope.parameters),
        NumberFormat.count(scope.frozen), NumberFormat.bytes(scope.bytes), NumberFormat.count(scope.ops),
        NumberFormat.count(scope.loaded ?? 0),
      ])
    }
    shell.table(scopes)
    shell.line()
    if !overview.topVariables.isEmpty {
      var variables = TextTable([.init("variable"), .init("type"), .init("role"), .init("status")])
      for variable in overview.topVariables.prefix(listed) {
        variables.append([variable.name, variable.type, variable.role, variable.status.rawValue])
      }
      shell.table(variables)
      if overview.topVariables.count > listed {
        let more = NumberFormat.count(overview.topVariables.count - listed)
        shell.line("… and \(more) more in no scope: ask `firn query FILE 'children(.)'`")
      }
      shell.line()
    }
    var ops = TextTable([.init("op"), .init("count", .right), .init("in loops", .right)])
    for op in overview.ops {
      ops.append([op.name, NumberFormat.count(op.count), NumberFormat.count(op.inLoops)])
    }
    shell.table(ops)
    return 0
  }

  /// Of scopes and variables, each scope before what is in it.
  private static func paths(of graph: GraphDef) -> [String] {
    var seen: Set<String> = []
    return graph.variables.flatMap { Path.ancestors(of: $0.name).reversed() + [$0.name] }
      .filter { !$0.isEmpty && seen.insert($0).inserted }
  }
}
