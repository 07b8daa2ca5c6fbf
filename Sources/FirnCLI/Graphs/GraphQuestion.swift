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

  static let rest = ArgumentParser.Option(
    name: "keep-inference-mode", value: .text(placeholder: "SELECTION"),
    help: "run these in inference mode although trained: batch norms normalise by their averages")

  static let storing = ArgumentParser.Option(
    name: "storing-frozen", value: .choice(FrozenStorage.allCases.map(\.description)),
    help: "hold and multiply frozen kernels in this smaller type")

  static let recompute = ArgumentParser.Option(
    name: "recompute", value: .text(placeholder: "SCOPE"),
    help: "compute this scope's values again for its gradient, such as 'encoder/*'", repeats: true)

  static let input = ArgumentParser.Option(
    name: "input", value: .text(placeholder: "INPUT=NUMBERS"),
    help: "the value of an ONNX model's input that decides shapes, such as 'axes=0,1'", repeats: true)

  /// The options all questions share.
  static let options = [freeze, train, keep, rest, loss, input] + LoadedWeights.options + [json]

  /// Those of a command that runs the graph with what a file of weights holds.
  ///
  /// - Parameters:
  ///   - names: of the options that it has; all but `--json` where nil.
  ///   - help: what becomes of the values.
  static func options(_ names: Set<String>? = nil, weights help: String) -> [ArgumentParser.Option] {
    options.filter { names?.contains($0.name) ?? ($0.name != "json") }.map { option in
      var option = option
      if option.name == "weights" { option.help = help }
      return option
    }
  }

  var graph: GraphDef
  let freezing: Selection?
  let thawing: Selection?
  let keepingTrainingMode: Selection?
  let keepingInferenceMode: Selection?
  /// The smaller type for frozen kernels, of commands that have the option.
  let storingFrozen: FrozenStorage?
  /// What the file given by `--weights` holds for the graph; nil where none is.
  let weights: LoadedWeights?
  /// The maps of names that `--map` gives, one after the other.
  let map: NameMap
  /// What reading the file changed, in words.
  let notes: [String]
  /// What the file says that it gives; nil where it says nothing.
  let outputs: [String]?
  /// As named by `--loss`.
  private let namedLoss: Value?

  /// - Parameter freezing: the option that says what is frozen.
  init(
    _ arguments: ParsedArguments, file: Int = 0, freezing option: String = "freeze", in shell: Shell
  ) throws {
    let read = try Self.model(arguments.positionals[file], binding: arguments.texts("input"), in: shell)
    (notes, outputs) = (read.notes, read.outputs)
    let added = try AddedLoss(arguments.text("loss"), to: read.graph)
    graph = added.graph
    freezing = try arguments.text(option).map { text throws(FirnError) in try Selection(text) }
    thawing = try arguments.text("thaw").map { text throws(FirnError) in try Selection(text) }
    keepingTrainingMode = try arguments.text("keep-training-mode").map { text throws(FirnError) in
      try Selection(text)
    }
    keepingInferenceMode = try arguments.text("keep-inference-mode").map { text throws(FirnError) in
      try Selection(text)
    }
    storingFrozen = arguments.text("storing-frozen").flatMap { FrozenStorage($0) }
    map = try WeightMaps(arguments).joined
    weights = try LoadedWeights(arguments, for: graph, in: shell)
    namedLoss = try added.name.map { [graph] name throws(FirnError) in
      try LossSearch(graph).loss(named: name)
    }
    // Not every question asks for modes, but a selection that matches nothing is a fault in each (rule 7).
    if keepingTrainingMode != nil || keepingInferenceMode != nil {
      _ = try explanation(loss: plainLoss)
    }
  }

  /// What a file holds.
  struct ReadModel {
    var graph: GraphDef
    /// What is otherwise in the graph than the file says.
    var notes: [String] = []
    /// What the file says that it gives; nil where it says nothing.
    var outputs: [String]?
    /// What is otherwise in a model that is written of it than in the one that was read.
    var changes: [String] = []
  }

  /// The graph in the file that is named, by what it begins with: Firn's text, or a model of ONNX.
  ///
  /// - Parameter binding: values of inputs that decide shapes, as `--input` writes them.
  /// - Throws: `FileFailure` where there is none, `UsageError` for a value that is none.
  static func graph(_ written: String, binding: [String] = [], in shell: Shell) throws -> GraphDef {
    try model(written, binding: binding, in: shell).graph
  }

  /// Names that are no paths, and types that Firn has not.
  private static func changes(of model: ONNXModel) -> [String] {
    (model.inputs + model.outputs).filter { $0.name != $0.tensor.name }.map { name, tensor in
      "`\(name)` is called `\(tensor.name)` in what is written"
    } + model.narrowedInputs.map { "`\($0)` is int32 in what is written: feed it so" }
  }

  /// The same, with what else the file says.
  static func model(
    _ written: String, binding: [String] = [], in shell: Shell
  ) throws -> ReadModel {
    let values = try Self.values(binding)
    func read(_ bytes: Bytes, _ source: String, _ path: String?) throws -> ReadModel {
      let model = try ONNXModel(bytes, source: source, path: path, binding: values)
      return ReadModel(
        graph: model.graph.definition, notes: model.notes, outputs: model.outputs.map(\.tensor.name),
        changes: Self.changes(of: model))
    }
    func requireModel() throws {
      guard values.isEmpty else {
        throw UsageError(
          "firn", "'\(written)' is a graph file, whose inputs decide no shapes",
          remedy: "give --input with an ONNX model only")
      }
    }
    let file = try InputFile(written, in: shell) { GraphDef.mayBegin($0) || ONNXModel.mayBegin($0) }
    do {
      guard let bytes = file.bytes else {
        if let bytes = try? MappedFile.open(file.path), ONNXModel.mayBegin(bytes) {
          return try read(bytes, file.path, file.path)
        }
        try requireModel()
        return ReadModel(graph: try GraphDef(contentsOfFile: file.path))
      }
      if ONNXModel.mayBegin(bytes) { return try read(bytes, file.name, nil) }
      try requireModel()
      return ReadModel(graph: try GraphDef(bytes, source: file.name))
    } catch let error as FirnError {
      throw Self.blaming(values, for: file.naming(error))
    }
  }

  /// What the line is at fault for, as that; what may be, with that in the remedy.
  private static func blaming(_ values: [String: NDArray], for failure: FileFailure) -> any Error {
    var error = failure.error
    guard !values.isEmpty, [.unknownName, .invalidArgument, .shapeMismatch].contains(error.code) else {
      return failure
    }
    if let name = error.place, values[name] != nil {
      return UsageError("firn", "--input '\(name)=…': \(error.message)", remedy: error.remedy)
    }
    let names = values.keys.sorted().map { "--input '\($0)=…'" }.joined(separator: " ")
    error.remedy = "give other numbers by \(names)" + (error.remedy.map { ", or \($0)" } ?? "")
    return FileFailure(error: error)
  }

  /// Vectors of numbers by the inputs' names, from texts such as `axes=0,1`.
  private static func values(_ texts: [String]) throws -> [String: NDArray] {
    var result: [String: NDArray] = [:]
    for text in texts {
      let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let numbers =
        parts.count == 2
        ? parts[1].split(separator: ",", omittingEmptySubsequences: false)
          .map { Double($0.filter { $0 != " " }) } : []
      guard parts.count == 2, !parts[0].isEmpty, !numbers.contains(nil) else {
        throw UsageError(
          "firn", "--input '\(text)' is no input with numbers", remedy: "write --input 'axes=0,1'")
      }
      guard result.updateValue(NDArray(numbers.compactMap(\.self)), forKey: String(parts[0])) == nil else {
        throw UsageError("firn", "--input gives `\(parts[0])` twice", remedy: "give it once")
      }
    }
    return result
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
    loss: Value?, freezing selection: Selection? = nil, optimizer: (any Optimizer)? = nil,
    recomputing: [String] = []
  ) throws(FirnError) -> Explanation {
    try Explanation(
      graph: graph, loss: loss, freezing: selection ?? freezing, thawing: thawing,
      keepingTrainingMode: keepingTrainingMode, keepingInferenceMode: keepingInferenceMode,
      storingFrozen: storingFrozen, optimizer: optimizer,
      loaded: weights?.loaded ?? [], recomputing: recomputing)
  }

  func trainability() throws(FirnError) -> Trainability {
    try Trainability(context, freezing: freezing, thawing: thawing)
  }

  /// The request of a training program for the loss.
  func request(optimizer: any Optimizer) throws(FirnError) -> CompilationRequest {
    var request = CompilationRequest(
      graph: graph, fetches: [], training: .init(loss: try loss(), optimizer: optimizer), freezing: freezing,
      thawing: thawing, keepingTrainingMode: keepingTrainingMode, keepingInferenceMode: keepingInferenceMode)
    request.values.loaded = weights?.loaded ?? []
    request.storingFrozen = storingFrozen
    return request
  }
}
