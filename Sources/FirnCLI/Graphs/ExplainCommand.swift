internal import FirnCompiler
internal import FirnGraph
internal import FirnNotation

/// `firn explain`: what becomes of variables, and why.
enum ExplainCommand {
  static let declaration = ArgumentParser.Command(
    name: "explain", summary: "say what becomes of variables, and why a gradient reaches one or not",
    positionals: [
      GraphQuestion.file,
      .init(name: "SUBJECT", help: "a variable, to ask why; or a selection, to list", count: .optional),
    ],
    options: GraphQuestion.options + [
      .init(
        name: "of", value: .text(placeholder: "NODE"),
        help: "ask for the gradient of this node by SUBJECT, which may be any node")
    ],
    examples: [
      .init(
        line: "firn explain model.firn encoder/lstm/kernel --freeze embedding",
        meaning: "the path a gradient takes, or what cuts it"),
      .init(
        line: "firn explain model.firn --freeze encoder", meaning: "the status of every variable and scope"),
    ])

  static func run(_ arguments: ParsedArguments, in shell: Shell) throws -> Int32 {
    let question = try GraphQuestion(arguments, in: shell)
    let asksJSON = arguments.flag("json")
    let subject = arguments.positionals.dropFirst().first
    if let source = arguments.text("of") {
      guard let subject else {
        throw UsageError("firn explain", "'--of' needs a <SUBJECT>", remedy: "name a variable or a node")
      }
      let explanation = try question.explanation(loss: question.plainLoss)
      let connection = try explanation.whyNot(of: source, withRespectTo: subject)
      if asksJSON {
        try shell.json(connection)
      } else {
        show(connection, of: "`\(source)` by `\(subject)`", in: shell)
      }
      return 0
    }
    let explanation = try question.explanation(loss: question.loss())
    if let subject, question.graph.variable(named: subject) != nil {
      let why = try explanation.why(subject)
      if asksJSON {
        try shell.json(why)
      } else {
        show(why, in: shell)
      }
      return 0
    }
    let status = explanation.status
    guard let subject else {
      if asksJSON {
        try shell.json(status)
      } else {
        show(status, in: shell)
      }
      return 0
    }
    let named = Set(
      try Selection(subject).resolve(in: question.context).map(\.variable.name))
    let rows = status.variables.filter { named.contains($0.name) }
    if asksJSON {
      try shell.json(rows)
    } else {
      show(rows, in: shell)
    }
    return 0
  }

  private static func show(_ status: StatusReport, in shell: Shell) {
    var scopes = TextTable([
      .init("scope"), .init("status"), .init("mode"), .init("parameters", .right), .init("trained", .right),
    ])
    for scope in status.scopes {
      scopes.append([
        scope.path, scope.status.rawValue, scope.mode.rawValue, NumberFormat.count(scope.count),
        NumberFormat.count(scope.trainedCount),
      ])
    }
    shell.table(scopes)
    shell.line()
    show(status.variables, in: shell)
  }

  private static func show(_ rows: [StatusReport.VariableEntry], in shell: Shell) {
    var table = TextTable([.init("variable"), .init("status"), .init("because"), .init("read in")])
    for row in rows {
      table.append([row.name, row.status.rawValue, row.reason, row.readers.joined(separator: ", ")])
    }
    shell.table(table)
  }

  private static func show(_ why: VariableExplanation, in shell: Shell) {
    shell.line("\(why.variable): \(why.status.rawValue)")
    shell.paragraph(why.reason, indent: 2)
    if !why.readers.isEmpty { shell.paragraph("read in " + why.readers.joined(separator: ", "), indent: 2) }
    guard let connection = why.connection else { return }
    shell.line()
    show(connection, of: "the loss by `\(why.variable)`", in: shell)
  }

  private static func show(_ connection: Connection, of what: String, in shell: Shell) {
    switch connection.verdict {
    case .connected:
      shell.line("the gradient of \(what) passes along \(connection.path.count) nodes:")
      var table = TextTable([.init("node"), .init("op"), .init("made at")])
      for place in connection.path { table.append([place.path, place.op, place.madeAt]) }
      shell.table(table)
    case .unconnected:
      shell.line("there is no path for the gradient of \(what)")
    case .cut:
      shell.line("every path for the gradient of \(what) is cut:")
      show(connection.cuts, in: shell)
      guard connection.opening != connection.cuts else { return }
      shell.line()
      shell.line("on the path with the fewest cuts:")
      show(connection.opening, in: shell)
    }
  }

  private static func show(_ cuts: [CuttingNode], in shell: Shell) {
    var table = TextTable([.init("node"), .init("cut by"), .init("made at"), .init("inside")])
    for cut in cuts {
      table.append([
        cut.node.name, cut.kind.rawValue, cut.node.madeAt, cut.inside.joined(separator: ", "),
      ])
    }
    shell.table(table)
  }
}

extension NodePlace {
  /// The line of the program that made it; empty where the file does not say.
  var madeAt: String { location?.description ?? "" }
}
