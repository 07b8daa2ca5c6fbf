internal import FirnCompiler
internal import FirnGraph
internal import FirnNotation

/// `firn query`: what a selection names.
enum QueryCommand {
  static let declaration = ArgumentParser.Command(
    name: "query", summary: "list the variables that a selection names",
    positionals: [
      GraphQuestion.file,
      .init(name: "SELECTION", help: "such as 'encoder/**/bias' or 'role(kernel) & !head'"),
    ], options: GraphQuestion.options,
    examples: [
      .init(line: "firn query model.firn 'encoder & !role(bias)'", meaning: "what a freeze would name")
    ])

  static func run(_ arguments: ParsedArguments, in shell: Shell) throws -> Int32 {
    let question = try GraphQuestion(arguments, in: shell)
    let selection = try Selection(arguments.positionals[1])
    let statuses = try VariableStates(question)
    let table = try selection.table(in: question.context)
    if arguments.flag("json") {
      try shell.json(QueryAnswer(table, statuses))
      return 0
    }
    shell.report(table.report { statuses[$0.path] })
    return 0
  }
}

/// What a selection names, in creation order, with totals.
struct QueryAnswer: Codable, Hashable, Sendable {
  struct Row: Codable, Hashable, Sendable {
    var path: String
    /// The blocks that are named; empty for the whole variable.
    var blocks: [String]
    var type: String
    /// Elements named.
    var count: Int
    var bytes: Int
    var role: String
    var status: TrainingStatus
    var matchedBy: [String]
  }

  var selection: String
  var rows: [Row]
  var count: Int
  var bytes: Int

  init(_ table: SelectionTable, _ statuses: VariableStates) {
    selection = table.selection
    rows = table.rows.map { row in
      var blocks: [String] = []
      if case .blocks(let named) = row.region { blocks = named.map(\.description) }
      return Row(
        path: row.path, blocks: blocks, type: "\(row.dtype)\(Shape(row.shape))", count: row.count,
        bytes: row.bytes, role: row.role, status: statuses[row.path], matchedBy: row.matchedBy)
    }
    (count, bytes) = (table.count, table.bytes)
  }
}
