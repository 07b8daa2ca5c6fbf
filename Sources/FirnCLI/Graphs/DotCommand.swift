internal import FirnCompiler
internal import FirnFormats
internal import FirnGraph

/// `firn dot`: a graph file as a Graphviz drawing.
enum DotCommand {
  static let declaration = ArgumentParser.Command(
    name: "dot", summary: "draw a graph file for Graphviz",
    positionals: [.init(name: "FILE", help: "a graph file (.firn)")],
    options: [
      .init(name: "freeze", value: .text(placeholder: "SELECTION"), help: "draw these variables as frozen"),
      .init(
        name: "loss", value: .text(placeholder: "NODE"),
        help: "draw dotted which gradient paths of this node are removed"),
      .init(name: "depth", value: .integer(0...1000), help: "one box for each scope nested deeper than this"),
      .init(
        name: "out", value: .text(placeholder: "FILE"), help: "write there instead of to standard output"),
      .flag("legend", help: "explain shapes and lines"),
    ],
    examples: [
      .init(
        line: "firn dot model.firn --freeze encoder --loss loss/mean --depth 1 | dot -Tsvg > model.svg",
        meaning: "a picture of what a freeze removes")
    ])

  static func run(_ arguments: ParsedArguments) throws(FirnError) {
    let graph = try GraphDef(contentsOfFile: arguments.positionals[0])
    var selection: Selection?
    if let text = arguments.text("freeze") { selection = try Selection(text) }
    let trainability = try Trainability(graph.variables, freezing: selection, training: nil)
    var removed: [GradientEdge] = []
    if let name = arguments.text("loss") {
      guard let index = graph.index(ofNodeNamed: name) else {
        throw FirnError(
          .unknownName, "the graph has no node `\(name)`",
          remedy: NearestNames(to: name, among: graph.nodes.map(\.name)).question)
      }
      removed = PruningRecord(graph, of: Value(index), trainability: trainability).removed
    }
    let text = graph.dot(
      DOTOptions(
        depth: arguments.integer("depth"), removedGradients: removed, legend: arguments.flag("legend")
      ) { variable in
        variable.kind != .parameter ? .state : trainability.isTrained(variable.name) ? .trainable : .frozen
      })
    if let path = arguments.text("out") {
      try TextFile.write(text, to: path)
    } else {
      print(text, terminator: "")
    }
  }
}
