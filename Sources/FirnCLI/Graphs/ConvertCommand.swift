internal import FirnFormats
internal import FirnGraph
internal import FirnNotation

/// `firn convert`: a model of another library as a graph file.
enum ConvertCommand {
  static let declaration = ArgumentParser.Command(
    name: "convert", summary: "write an ONNX model as a graph file, weights included",
    positionals: [GraphQuestion.file, .init(name: "FILE_B", help: "the graph file to write (.firn)")],
    options: [.json],
    examples: [
      .init(
        line: "firn convert resnet18.onnx resnet18.firn", meaning: "to read, to draw, or to train in Firn")
    ])

  /// What `--json` gives.
  private struct Answer: Encodable {
    var path: String
    var nodes: Int
    var variables: Int
  }

  static func run(_ arguments: ParsedArguments, in shell: Shell) throws -> Int32 {
    let (source, target) = (arguments.positionals[0], arguments.positionals[1])
    guard target.hasSuffix(".firn") else {
      throw UsageError(
        "firn convert", "'\(target)' has no ending of a graph file",
        remedy: "write to a name that ends in .firn")
    }
    guard !Platform.isOneFile(shell.resolved(source), shell.resolved(target)) else {
      throw UsageError(
        "firn convert", "'\(target)' is the file that is read", remedy: "write to another name")
    }
    let graph = try GraphQuestion.graph(source, in: shell)
    try graph.write(toFile: shell.resolved(target))
    if arguments.flag("json") {
      try shell.json(Answer(path: target, nodes: graph.nodes.count, variables: graph.variables.count))
    } else {
      shell.line(
        "wrote \(target): \(NumberFormat.count(graph.nodes.count)) nodes, "
          + "\(NumberFormat.count(graph.variables.count)) variables")
    }
    return 0
  }
}
