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
      GraphQuestion.storing,
      .init(
        name: "of", value: .text(placeholder: "NODE"),
        help: "ask for the gradient of this node by SUBJECT, which may be any node"),
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
        shell.report(connection.report(of: "`\(source)` by `\(subject)`"))
      }
      return 0
    }
    let explanation = try question.explanation(loss: question.loss())
    if let subject, question.graph.variable(named: subject) != nil {
      let why = try explanation.why(subject)
      if asksJSON {
        try shell.json(why)
      } else {
        shell.report(why.report)
      }
      return 0
    }
    let status = explanation.status
    guard let subject else {
      if asksJSON {
        try shell.json(status)
      } else {
        shell.report(status.report)
      }
      return 0
    }
    let named = Set(
      try Selection(subject).resolve(in: question.context).map(\.variable.name))
    let rows = status.variables.filter { named.contains($0.name) }
    if asksJSON {
      try shell.json(rows)
    } else {
      shell.report(StatusReport.listing(rows))
    }
    return 0
  }
}
