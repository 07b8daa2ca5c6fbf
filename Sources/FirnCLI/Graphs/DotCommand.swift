internal import FirnCompiler
internal import FirnGraph
internal import FirnNotation
internal import FirnOps
internal import FirnTraining

/// `firn dot`: a graph file as a Graphviz drawing.
enum DotCommand {
  static let declaration = ArgumentParser.Command(
    name: "dot", summary: "draw a graph file for Graphviz",
    positionals: [GraphQuestion.file],
    options: [
      .init(name: "freeze", value: .text(placeholder: "SELECTION"), help: "draw these variables as frozen"),
      GraphQuestion.train, GraphQuestion.keep, GraphQuestion.rest, GraphQuestion.loss, GraphQuestion.input,
      GraphQuestion.storing,
      .flag("backward", help: "compile, and draw the adjoints and updates too"),
      .flag("caching", help: "with --backward: mark what caching frozen features would store"),
      .init(
        name: "depth", value: .integer(0...1000),
        help:
          "one box for each scope nested deeper than this; 1000 draws everything (default: layers and loops are boxes)"
      ),
      .init(
        name: "open", value: .text(placeholder: "SCOPE"), help: "draw this scope with all that is in it",
        repeats: true
      ),
      .flag("fold", help: "draw scopes that repeat (layer_0, layer_1, …) once, also with --depth"),
      .init(
        name: "format", value: .choice(DrawingFormat.allCases.map(\.rawValue)),
        help: "svg and png need Graphviz (default: what the ending of --out says; dot where it has none)"),
      .init(
        name: "out", value: .text(placeholder: "FILE"), help: "write there instead of to standard output"),
      .flag("legend", help: "explain shapes and lines"),
      .flag("json", help: "write a JSON object with the drawing as text"),
    ],
    examples: [
      .init(
        line: "firn dot model.firn --freeze encoder --legend --out model.svg",
        meaning: "a picture of what a freeze removes (without Graphviz: --out model.dot)"),
      .init(
        line: "firn dot model.firn --open encoder/layer_0",
        meaning: "one layer in all detail, the others as boxes"),
    ])

  static func run(_ arguments: ParsedArguments, in shell: Shell) throws -> Int32 {
    let target = arguments.text("out")
    let format = try DrawingFormat(arguments.text("format"), target: target)
    let question = try GraphQuestion(arguments, in: shell)
    let trainability = try question.trainability()
    var graph = question.graph
    var removed: [GradientEdge] = []
    var computedOnce: Set<String> = []
    var stored: Set<String> = []
    if question.storingFrozen != nil, !arguments.flag("backward") {
      throw UsageError(
        "firn dot", "--storing-frozen is of the compiled program", remedy: "give --backward, too")
    }
    if arguments.flag("caching"), !arguments.flag("backward") {
      throw UsageError(
        "firn dot", "--caching marks values of the compiled program", remedy: "give --backward, too")
    }
    if arguments.flag("backward") {
      let compilation = try Compiler.compile(question.request(optimizer: SGD(learningRate: 0.01)))
      (graph, computedOnce) = (compilation.whole, compilation.computedOnce)
      if arguments.flag("caching") {
        graph = graph.unfused
        stored = Set(FrozenBoundary(compilation, trained: [], binding: [:]).cut?.values.map(\.name) ?? [])
      }
    } else if let loss = question.plainLoss {
      removed = PruningRecord(graph, of: loss, trainability: trainability).removed
    }
    let opening = arguments.texts("open")
    let depth = arguments.integer("depth").map { $0 == 1000 ? .max : $0 }
    try check(opening, in: graph)
    var options = DOTOptions(
      depth: depth, foldsRepeats: arguments.flag("fold") ? true : nil, opening: opening,
      removedGradients: removed, legend: arguments.flag("legend"), status: trainability.status)
    options.computedOnce = computedOnce
    options.stored = stored
    let text = graph.dot(options)
    if arguments.flag("json") {
      guard target == nil, format == .dot else {
        throw UsageError(
          "firn dot", "'--json' is the drawing as text on standard output",
          remedy: "leave out --out and --format, or --json")
      }
      try shell.json(["dot": text])
      return 0
    }
    try format.write(text, to: target.map(shell.resolved), in: shell)
    return 0
  }

  /// - Throws: `.unknownName` with the nearest scopes for one that the graph does not have.
  private static func check(_ opening: [String], in graph: GraphDef) throws(FirnError) {
    var scopes: Set<String> = []
    for (position, node) in graph.nodes.enumerated() {
      scopes.formUnion(Path.ancestors(of: node.name))
      if graph.nestedGraph(of: position) != nil { scopes.insert(node.name) }
    }
    for scope in opening where !scopes.contains(scope) {
      throw FirnError(
        .unknownName, "the graph has no scope `\(scope)` to open",
        remedy: NearestNames(to: scope, among: scopes.filter { !$0.isEmpty }.sorted()).question
          ?? "`firn inspect` lists its scopes")
    }
  }
}
