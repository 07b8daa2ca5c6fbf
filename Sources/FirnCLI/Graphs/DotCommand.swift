internal import FirnFiles
internal import FirnCompiler
internal import FirnFormats
internal import FirnGraph
internal import FirnNotation
internal import FirnTraining

/// `firn dot`: a graph file as a Graphviz drawing.
enum DotCommand {
  static let declaration = ArgumentParser.Command(
    name: "dot", summary: "draw a graph file for Graphviz",
    positionals: [GraphQuestion.file],
    options: [
      .init(name: "freeze", value: .text(placeholder: "SELECTION"), help: "draw these variables as frozen"),
      GraphQuestion.train, GraphQuestion.keep,
      .init(
        name: "loss", value: .text(placeholder: "NODE"),
        help: "draw dotted which gradient paths of this node are removed"),
      .flag("backward", help: "compile, and draw the adjoints and updates too"),
      .flag("fold", help: "draw scopes that repeat (layer_0, layer_1, …) once"),
      .init(name: "depth", value: .integer(0...1000), help: "one box for each scope nested deeper than this"),
      .init(
        name: "out", value: .text(placeholder: "FILE"), help: "write there instead of to standard output"),
      .flag("legend", help: "explain shapes and lines"),
      .flag("json", help: "write a JSON object with the drawing as text"),
    ],
    examples: [
      .init(
        line: "firn dot model.firn --freeze encoder --loss loss/mean --depth 1 | dot -Tsvg > model.svg",
        meaning: "a picture of what a freeze removes")
    ])

  static func run(_ arguments: ParsedArguments, in shell: Shell) throws -> Int32 {
    let question = try GraphQuestion(arguments, in: shell)
    let trainability = try question.trainability()
    var graph = question.graph
    var removed: [GradientEdge] = []
    if arguments.flag("backward") {
      graph = try Compiler.compile(question.request(optimizer: SGD(learningRate: 0.01))).graph
    } else if arguments.text("loss") != nil {
      removed = PruningRecord(graph, of: try question.loss(), trainability: trainability).removed
    }
    let text = graph.dot(
      DOTOptions(
        depth: arguments.integer("depth"), foldsRepeats: arguments.flag("fold"), removedGradients: removed,
        legend: arguments.flag("legend"), status: trainability.status))
    if let path = arguments.text("out") {
      try TextFile.write(text, to: shell.resolved(path))
    } else if arguments.flag("json") {
      try shell.json(["dot": text])
    } else {
      shell.output(text)
    }
    return 0
  }
}
