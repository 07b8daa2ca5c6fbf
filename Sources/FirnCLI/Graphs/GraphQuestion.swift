internal import FirnCompiler
internal import FirnFiles
internal import FirnFormats
internal import FirnGraph
internal import FirnNotation
internal import FirnONNX
internal import FirnTraining

/// What every question over a graph file is asked with: the graph, what is frozen and trained, and the loss.
struct GraphQuestion {
  static let file = ArgumentParser.Positional(
    name: "FILE", help: "a graph file (.firn) or an ONNX model (.onnx), or - for standard input")

  static let freeze = ArgumentParser.Option(
    name: "freeze", value: .text(placeholder: "SELECTION"), help: "hold these variables fixed")
  static let train = ArgumentParser.Option(
    name: "thaw", value: .text(placeholder: "SELECTION"),
    help: "train these although declared or selected frozen"
  )
  static let loss = ArgumentParser.Option(
    name: "loss", value: .text(placeholder: "NODE"),
    help:
      "what is minimised (default: what the file names, else the only scalar that looks like a loss), or a loss to add: "
      + "'crossEntropy(OUTPUT, labels)', 'meanSquaredError(OUTPUT, target)'")
  static let json = ArgumentParser.Option.json

  static let keep = ArgumentParser.Option(
    name: "keep-training-mode", value: .text(placeholder: "SELECTION"),
    help: "run these in training mode although frozen")

  /// The options all questions share.
  static let options = [freeze, train, keep, loss] + LoadedWeights.options + [json]

  let graph: GraphDef
  let freezing: Selection?
  let thawing: Selection?
  let keepingTrainingMode: Selection?
  /// What the file given by `--weights` holds for the graph; nil where none is.
  let weights: LoadedWeights?
  /// As named by `--loss`.
  private let namedLoss: Value?

  /// - Parameter freezing: the option that says what is frozen.
  init(
    _ arguments: ParsedArguments, file: Int = 0, freezing option: String = "freeze", in shell: Shell
  ) throws {
    let added = try AddedLoss(arguments.text("loss"), to: Self.graph(arguments.positionals[file], in: shell))
    graph = added.graph
    freezing = try arguments.text(option).map { text throws(FirnError) in try Selection(text) }
    thawing = try arguments.text("thaw").map { text throws(FirnError) in try Selection(text) }
    keepingTrainingMode = try arguments.text("keep-training-mode").map { text throws(FirnError) in
      try Selection(text)
    }
    weights = try LoadedWeights(arguments, for: graph, in: shell)
    namedLoss = try added.name.map { [graph] name throws(FirnError) in
      try LossSearch(graph).loss(named: name)
    }
    // Not every question asks for modes, but a selection that matches nothing is a fault in each (rule 7).
    if keepingTrainingMode != nil { _ = try explanation(loss: plainLoss) }
  }

  /// The graph in the file that is named, by what it begins with: Firn's text, or a model of ONNX.
  ///
  /// - Throws: `FileFailure` where there is none.
  static func graph(_ written: String, in shell: Shell) throws -> GraphDef {
    let file = try InputFile(written, in: shell) { GraphDef.mayBegin($0) || ONNXModel.mayBegin($0) }
    do {
      guard let bytes = file.bytes else {
        if let bytes = try? MappedFile.open(file.path), ONNXModel.mayBegin(bytes) {
          return try ONNXModel(bytes, source: file.path, path: file.path).graph.definition
        }
        return try GraphDef(contentsOfFile: file.path)
      }
      if ONNXModel.mayBegin(bytes) {
        return try ONNXModel(bytes, source: file.name, path: nil).graph.definition
      }
      return try GraphDef(bytes, source: file.name)
    } catch {
      throw file.naming(error)
    }
  }

  /// What selections that the command names by itself are resolved against.
  var context: SelectionContext { SelectionContext(graph, loaded: weights?.loaded ?? []) }

  /// The loss: as named, else the one that is found.
  ///
  /// - Throws: `.invalidArgument` with the candidates, where it is not plain which is meant.
  func loss() throws(FirnError) -> Value {
    if let namedLoss { return namedLoss }
    return try LossSearch(graph).loss()
  }

  /// The loss, or nil where none is named and none is plain.
  var plainLoss: Value? { namedLoss ?? (try? LossSearch(graph).loss()) }

  /// What there is to ask, with an optimiser for the cost of updates.
  ///
  /// - Parameter loss: nil where nothing is trained.
  func explanation(
    loss: Value?, freezing selection: Selection? = nil, optimizer: (any Optimizer)? = nil
  ) throws(FirnError) -> Explanation {
    try Explanation(
      graph: graph, loss: loss, freezing: selection ?? freezing, thawing: thawing,
      keepingTrainingMode: keepingTrainingMode, optimizer: optimizer, loaded: weights?.loaded ?? [])
  }

  func trainability() throws(FirnError) -> Trainability {
    try Trainability(context, freezing: freezing, thawing: thawing)
  }

  /// The request of a training program for the loss.
  func request(optimizer: any Optimizer) throws(FirnError) -> CompilationRequest {
    var request = CompilationRequest(
      graph: graph, fetches: [], training: .init(loss: try loss(), optimizer: optimizer), freezing: freezing,
      thawing: thawing, keepingTrainingMode: keepingTrainingMode)
    request.values.loaded = weights?.loaded ?? []
    return request
  }
}
