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
    let answer = try QueryAnswer(question, Selection(arguments.positionals[1]))
    if arguments.flag("json") {
      try shell.json(answer)
      return 0
    }
    var table = TextTable([
      .init("path"), .init("shape"), .init("count", .right), .init("bytes", .right), .init("role"),
      .init("status"), .init("matched by"),
    ])
    for row in answer.rows {
      table.append([
        row.path + row.blocks.joined(), row.type, NumberFormat.count(row.count),
        NumberFormat.bytes(row.bytes),
        row.role, row.status, row.matchedBy.joined(separator: ", "),
      ])
    }
    table.append([
      "total \(NumberFormat.count(answer.rows.count))", "", NumberFormat.count(answer.count),
      NumberFormat.bytes(answer.bytes),
    ])
    shell.table(table)
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
    var status: String
    var matchedBy: [String]
  }

  var selection: String
  var rows: [Row]
  var count: Int
  var bytes: Int

  init(_ question: GraphQuestion, _ selection: Selection) throws(FirnError) {
    let statuses = try VariableStates(question)
    self.selection = selection.description
    rows = try selection.resolve(in: question.context).map { selected in
      let variable = selected.variable
      var (blocks, count): ([String], Int) = ([], variable.elementCount)
      if case .blocks(let named) = selected.region {
        blocks = named.map(\.description)
        count = named.reduce(0) { sum, block in
          let extent = variable.type.shape[block.axis].value ?? 1
          return sum + variable.elementCount / max(1, extent) * block.range.count
        }
      }
      return Row(
        path: variable.name, blocks: blocks, type: variable.type.description, count: count,
        bytes: count * variable.type.dtype.byteCount, role: variable.role, status: statuses[variable.name],
        matchedBy: selected.matchedBy)
    }
    count = rows.reduce(0) { $0 + $1.count }
    bytes = rows.reduce(0) { $0 + $1.bytes }
  }
}
