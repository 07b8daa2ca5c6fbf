internal import FirnFormats
internal import FirnGraph
internal import FirnNotation
internal import FirnONNX
internal import FirnRuntime

/// `firn convert`: a model of another library as a graph file, and the other way round.
enum ConvertCommand {
  static let declaration = ArgumentParser.Command(
    name: "convert", summary: "write an ONNX model as a graph file or the other way round, weights included",
    positionals: [GraphQuestion.file, .init(name: "FILE_B", help: "the file to write: .firn or .onnx")],
    options: [
      .init(
        name: "outputs", value: .text(placeholder: "NODES"),
        help: "what a model for ONNX gives, joined by commas (default: what nobody reads)"),
      GraphQuestion.input,
      .json,
    ],
    examples: [
      .init(
        line: "firn convert resnet18.onnx resnet18.firn", meaning: "to read, to draw, or to train in Firn"),
      .init(line: "firn convert model.firn model.onnx --outputs head/add", meaning: "for ONNX Runtime"),
    ])

  /// What `--json` gives.
  private struct Answer: Encodable {
    var path: String
    var nodes: Int
    var variables: Int
  }

  static func run(_ arguments: ParsedArguments, in shell: Shell) throws -> Int32 {
    let (source, target) = (arguments.positionals[0], arguments.positionals[1])
    guard target.hasSuffix(".firn") || target.hasSuffix(".onnx") else {
      throw UsageError(
        "firn convert", "'\(target)' has no ending of a graph file or an ONNX model",
        remedy: "write to a name that ends in .firn or .onnx")
    }
    guard !Platform.isOneFile(shell.resolved(source), shell.resolved(target)) else {
      throw UsageError(
        "firn convert", "'\(target)' is the file that is read", remedy: "write to another name")
    }
    let (graph, notes) = try GraphQuestion.model(source, binding: arguments.texts("input"), in: shell)
    if target.hasSuffix(".onnx") {
      let named = arguments.text("outputs").map { $0.split(separator: ",").map(String.init) }
      try Session(graph, threads: 1).writeONNX(named ?? graph.outputNames, to: shell.resolved(target))
    } else {
      try graph.write(toFile: shell.resolved(target))
    }
    if arguments.flag("json") {
      try shell.json(Answer(path: target, nodes: graph.nodes.count, variables: graph.variables.count))
    } else {
      shell.line(
        "wrote \(target): \(NumberFormat.count(graph.nodes.count)) nodes, "
          + "\(NumberFormat.count(graph.variables.count)) variables")
      for note in notes { shell.paragraph(note, indent: 2, first: "note: ") }
    }
    return 0
  }
}
