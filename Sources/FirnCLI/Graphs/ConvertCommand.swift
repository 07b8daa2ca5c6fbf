internal import FirnFormats
internal import FirnGraph
internal import FirnNotation
internal import FirnONNX
internal import FirnRuntime
internal import FirnTraining

/// `firn convert`: a model of another library as a graph file, and the other way round.
enum ConvertCommand {
  static let declaration = ArgumentParser.Command(
    name: "convert", summary: "write an ONNX model as a graph file or the other way round, weights included",
    positionals: [GraphQuestion.file, .init(name: "FILE_B", help: "the file to write: .firn or .onnx")],
    options: [
      .init(
        name: "outputs", value: .text(placeholder: "NODES"),
        help:
          "what a model for ONNX gives, joined by commas (default: what an ONNX model gave, else what nobody reads)"
      ),
      GraphQuestion.input,
    ]
      + LoadedWeights.options.map { option in
        var option = option
        if option.name == "weights" {
          option.help = "give a model for ONNX these values, such as trained ones"
        }
        return option
      } + [.json],
    examples: [
      .init(
        line: "firn convert resnet18.onnx resnet18.firn", meaning: "to read, to draw, or to train in Firn"),
      .init(line: "firn convert model.firn model.onnx --outputs head/add", meaning: "for ONNX Runtime"),
      .init(
        line: "firn convert model.onnx trained.onnx --weights run/weights.safetensors",
        meaning: "with what `firn train` has made of its weights"),
    ])

  /// What `--json` gives.
  private struct Answer: Encodable {
    var path: String
    var nodes: Int
    var variables: Int
    /// Those of which a model for ONNX holds what training would begin with, random for the most part.
    var untrained: [String]
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
    let weightFile = try LoadedWeights.path(arguments)
    if weightFile != nil, target.hasSuffix(".firn") {
      throw UsageError(
        "firn convert", "'\(target)' is a graph file, beside which weights lie in a file of their own",
        remedy: "write to a name that ends in .onnx, or leave --weights out")
    }
    if arguments.text("outputs") != nil, !target.hasSuffix(".onnx") {
      throw UsageError(
        "firn convert", "'\(target)' is a graph file, which has every node",
        remedy: "write to a name that ends in .onnx, or leave --outputs out")
    }
    let model = try GraphQuestion.model(source, binding: arguments.texts("input"), in: shell)
    var (graph, notes) = (model.graph, model.notes)
    var untrained: [String] = []
    if target.hasSuffix(".onnx") {
      let named = try arguments.names("outputs")
      let given = try weightFile.map { path in
        let (weights, notes) = try WeightFile.model(path, in: shell)
        return SaidOfWeights(path: path, weights: weights, notes: notes)
      }
      let outputs = named ?? model.outputs ?? graph.outputNames
      if let scale = try given?.standardization {
        graph = try graph.scaling(scale)
        notes += scale.columns.map {
          "`\($0.name)` is scaled in the model as it was in training: feed it as it stands in the data"
        }
      }
      notes += model.changes
      let session = try Session(graph, threads: 1)
      if let weights = given?.weights {
        let map = try WeightMaps(arguments).joined
        // A model of which some values are others than those asked for would look like any.
        _ = try WeightFile.reading { () throws(FirnError) in
          try session.load(weights, into: arguments.text("into"), mapping: map)
        }
      }
      try session.writeONNX(outputs, to: shell.resolved(target))
      if given == nil {
        untrained = graph.untrainedVariables(of: outputs)
        if let note = Self.note(ofUntrained: untrained) { notes.append(note) }
      }
    } else {
      try graph.write(toFile: shell.resolved(target))
    }
    if arguments.flag("json") {
      try shell.json(
        Answer(
          path: target, nodes: graph.nodes.count, variables: graph.variables.count, untrained: untrained))
    } else {
      shell.line(
        "wrote \(target): \(NumberFormat.count(graph.nodes.count)) nodes, "
          + "\(NumberFormat.count(graph.variables.count)) variables")
      for note in notes { shell.paragraph(note, indent: 2, first: "note: ") }
    }
    return 0
  }

  private static func note(ofUntrained names: [String]) -> String? {
    guard !names.isEmpty else { return nil }
    let listed = names.prefix(3).map { "`\($0)`" }.joined(separator: ", ") + (names.count > 3 ? ", …" : "")
    return
      "no weights are given for \(NumberFormat.count(names.count)) variable\(names.count == 1 ? "" : "s") (\(listed)): "
      + "what is written is what training would begin with, random for the most part; --weights FILE gives trained ones"
  }
}
