internal import FirnCompiler
internal import FirnGraph
internal import FirnNotation

/// `firn diff`: what changes from one selection, or one graph, to another.
enum DiffCommand {
  static let declaration = ArgumentParser.Command(
    name: "diff", summary: "say what changes from one selection, or one graph file, to another",
    positionals: [
      GraphQuestion.file, .init(name: "FILE_B", help: "the graph to compare with", count: .optional),
    ],
    options: GraphQuestion.options + [
      .init(
        name: "against", value: .text(placeholder: "SELECTION"),
        help: "what is frozen afterwards (default: as by --freeze)")
    ] + CostOptions.options,
    examples: [
      .init(
        line: "firn diff model.firn --freeze encoder --against encoder/layer_0",
        meaning: "what a step of gradual unfreezing thaws and costs")
    ])

  static func run(_ arguments: ParsedArguments, in shell: Shell) throws -> Int32 {
    let hasOther = arguments.positionals.count > 1
    guard hasOther || arguments.text("against") != nil else {
      throw UsageError(
        "firn diff", "there is nothing to compare with",
        remedy: "give --against SELECTION or a second graph file")
    }
    /// Does what is about one of two files; an error says which.
    func naming<Result>(_ file: Int, _ body: () throws -> Result) throws -> Result {
      do {
        return try body()
      } catch var error as FirnError where hasOther {
        error.place = arguments.positionals[file] + (error.place.map { ", \($0)" } ?? "")
        throw error
      }
    }
    let other = hasOther ? 1 : 0
    let first = try naming(0) { try GraphQuestion(arguments, in: shell) }
    let second = try naming(other) {
      try GraphQuestion(
        arguments, file: other, freezing: arguments.text("against") == nil ? "freeze" : "against", in: shell)
    }
    let options = try CostOptions(arguments, "diff", for: [first.graph, second.graph])
    let difference = try Explanation.difference(
      naming(0) { try first.explanation(loss: first.loss(), optimizer: options.optimizer) },
      naming(other) { try second.explanation(loss: second.loss(), optimizer: options.optimizer) })
    if arguments.flag("json") {
      try shell.json(difference.bound(by: options.given))
      return 0
    }
    shell.report(difference.bound(by: options.binding).report)
    if let note = options.note {
      shell.line()
      shell.paragraph(note)
    }
    return 0
  }
}
