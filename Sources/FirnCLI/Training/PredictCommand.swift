internal import FirnCharts
internal import FirnFiles
internal import FirnFormats
internal import FirnGraph
internal import FirnNotation
internal import FirnOps
internal import FirnRuntime
internal import FirnTraining
internal import FirnWorlds

/// `firn predict`: what a trained graph makes of a file of examples.
enum PredictCommand {
  static let declaration = ArgumentParser.Command(
    name: "predict", summary: "run a graph file with trained weights on data, and write what comes out",
    positionals: [GraphQuestion.file],
    options: [
      DataOptions.data,
      .init(
        name: "outputs", value: .text(placeholder: "NODES"),
        help: "what is predicted, joined by commas; argmax(NODE) for the class of the largest"),
      .init(
        name: "words", value: .text(placeholder: "NAME"),
        help: "write argmax(…) as the words of the classes of this placeholder of labels, in a table"),
    ] + DataColumns.options
      + GraphQuestion.options(
        ["weights", "map", "into", "input"],
        weights: "predict with the values in this file of weights or checkpoint")
      + [
        DataOptions.batch,
        .init(
          name: "out", value: .text(placeholder: "FILE"),
          help: "a table (.csv) or arrays (.npz, .safetensors) (default: a table on the standard output)"),
      ],
    examples: [
      .init(
        line:
          "firn predict model.firn --weights run/weights.safetensors --data new.csv --outputs 'argmax(head/add)'",
        meaning: "a class for each row"),
      .init(
        line:
          "mpiexec -n 4 firn predict model.firn --weights run/weights.safetensors --data new.npz --outputs head/add --out out.npz",
        meaning: "four processes, each some of the batches; one writes what one alone would"),
    ])

  static func run(_ arguments: ParsedArguments, in shell: Shell) throws -> Int32 {
    let world = try World.mpi()
    let members = Members(world)
    let shell = members.shell(shell)
    var columns = try DataColumns(arguments)
    columns.wordsOnly = arguments.text("words")
    let out = arguments.text("out")
    guard out.map({ out in [".csv", ".npz", ".safetensors"].contains { out.hasSuffix($0) } }) ?? true else {
      throw UsageError(
        "firn predict", "'\(out ?? "")' has no ending of a table or of arrays",
        remedy: "write to a name that ends in .csv, .npz or .safetensors")
    }
    let named = try arguments.names("outputs")
    let unnamed = UsageError(
      "firn predict", "there is no '--outputs'", remedy: "name what is predicted: --outputs NODE")
    // A graph file does not say what it gives.
    if named == nil, arguments.positionals[0].hasSuffix(".firn") { throw unnamed }
    if arguments.text("words") != nil {
      guard out.map({ $0.hasSuffix(".csv") }) ?? true else {
        throw UsageError(
          "firn predict", "--words are written in tables, and '\(out ?? "")' is to hold arrays",
          remedy: "write to a name that ends in .csv, or leave --words out")
      }
      guard named?.contains(where: { $0.hasPrefix("argmax(") }) == true else {
        throw UsageError(
          "firn predict", "--words are for classes, and --outputs has no argmax(…)",
          remedy: "ask for argmax(NODE), or leave --words out")
      }
    }
    var question = try GraphQuestion(arguments, in: shell)
    guard let wanted = named ?? question.outputs else { throw unnamed }
    let asked = try Self.outputs(wanted, &question.graph)
    let values = asked.compactMap { question.graph.value(named: $0.tensor) }
    for (output, value) in zip(asked, values) where question.graph.placeholders(of: [value]).isEmpty {
      throw Self.rowless(output.name, question.graph.type(of: value).description)
    }
    let needed = question.graph.placeholders(of: values)
    let model = try TrainedModel(question, arguments, needsWeights: true, world: world, in: shell)
    let file = try DataOptions.file(arguments, in: shell)
    let data = try model.scaled(
      try columns.knowing(model.words, isBound: true).data(
        in: file, for: needed, trainedOn: model.columns
      ).data)
    let words = try arguments.text("words").map { name throws(FirnError) in
      guard let words = try columns.knowing(model.words, isBound: true).words(of: name) else {
        throw FirnError(
          .unknownName, "nothing says what the classes of `\(name)` are called",
          remedy: "say it by --classes \(name)=…", place: name)
      }
      return words
    }
    let program = try model.session.compile(fetching: asked.map(\.tensor))
    var parts = asked.map { _ in [NDArray]() }
    let batches = try MeasuredBatches(
      data.inBatches(of: arguments.integer("batch") ?? 32), in: model.session)
    let examples = [NamedExamples(file, data)]
    let progress = LateProgress("predicting", total: data.count, style: members.progress)
    var done = 0
    while let round = try batches.next(running: { batch throws(FirnError) in
      let results = try examples.locating(in: model.session, fetching: asked.map(\.tensor)) {
        () throws(FirnError) in
        try model.session.run(program, feeding: batch.feeds)
      }
      return try asked.map { output throws(FirnError) in
        let array = try results[output.tensor]
        guard array.shape.first == batch.count else {
          throw Self.rowless(output.name, "\(array.dtype)\(Shape(array.shape))")
        }
        return array
      }
    }) {
      for (arrays, count) in round {
        for place in arrays.indices { parts[place].append(arrays[place]) }
        done += count
      }
      progress.update(done)
    }
    progress.finish()
    let arrays = try zip(asked, parts).map { output, parts throws(FirnError) in
      (name: output.name, array: try NDArray.rows(of: parts))
    }
    try members.byFirst {
      try write(arrays, naming: words, to: out, in: shell)
    } orElse: {
    }
    try world.leave()
    return 0
  }

  private static func rowless(_ name: String, _ type: String) -> FirnError {
    FirnError(
      .shapeMismatch, "`\(name)` is \(type): it has no row for each example",
      remedy: "name an output whose first extent is that of the data", place: name)
  }

  /// A word as a table holds it.
  private static func cell(_ word: String) -> String {
    word.contains { ",\"\r\n".contains($0) } ? "\"" + word.replacing("\"", with: "\"\"") + "\"" : word
  }

  /// The tensors that are asked for, made where they are the place of the largest.
  private static func outputs(
    _ names: [String], _ graph: inout GraphDef
  ) throws -> [(name: String, tensor: String)] {
    let built = Graph(graph)
    var result: [(name: String, tensor: String)] = []
    for part in names {
      let inner =
        part.hasPrefix("argmax(") && part.hasSuffix(")") ? String(part.dropFirst(7).dropLast()) : nil
      let name = inner ?? part
      guard let tensor = built.tensor(named: name) else {
        throw FirnError(
          .unknownName, "the graph has no node `\(name)`",
          remedy: NearestNames(to: name, among: graph.nodes.map(\.name)).question)
      }
      guard !result.contains(where: { $0.name == part }) else {
        throw UsageError("firn predict", "--outputs names `\(part)` twice", remedy: "name each output once")
      }
      result.append((part, inner == nil ? name : tensor.argmax(axis: -1).name))
    }
    try built.validate()
    graph = built.definition
    return result
  }

  /// - Parameter words: what the numbers of classes are called; nil for the numbers.
  private static func write(
    _ arrays: [(name: String, array: NDArray)], naming words: [String]?, to out: String?, in shell: Shell
  ) throws {
    if let out, !out.hasSuffix(".csv") {
      try Weights(
        source: out, entries: arrays.map { WeightEntry(name: $0.name, array: $0.array) }
      ).write(to: shell.resolved(out))
      shell.line(
        "wrote \(out): \(arrays.map { "`\($0.name)` \($0.array.dtype)\(Shape($0.array.shape))" }.joined(separator: ", "))"
      )
      return
    }
    var header: [String] = []
    for (name, array) in arrays {
      let width = array.shape.dropFirst().reduce(1, *)
      header += array.shape.count == 1 ? [name] : (0..<width).map { "\(name).\($0)" }
    }
    var text = header.joined(separator: ",") + "\n"
    let cells = try arrays.map { array throws(FirnError) in
      guard let words, array.name.hasPrefix("argmax(") else { return array.array.elementTexts }
      return try array.array.doubles.map { number throws(FirnError) in
        guard words.indices.contains(Int(number)) else {
          throw FirnError(
            .invalidArgument, "`\(array.name)` has class \(Int(number)), and there are \(words.count) words",
            remedy: "name the placeholder whose classes these are by --words", place: array.name)
        }
        return Self.cell(words[Int(number)])
      }
    }
    for row in 0..<(arrays.first?.array.shape[0] ?? 0) {
      let line = zip(arrays, cells).flatMap { array, cells in
        let width = array.array.shape.dropFirst().reduce(1, *)
        return cells[row * width..<(row + 1) * width]
      }
      text += line.joined(separator: ",") + "\n"
    }
    guard let out else {
      shell.output(text)
      return
    }
    try TextFile.write(text, to: shell.resolved(out))
    shell.line("wrote \(out): \(NumberFormat.count(arrays.first?.array.shape[0] ?? 0)) rows")
  }
}

extension NDArray {
  /// Arrays one below the other.
  fileprivate static func rows(of parts: [NDArray]) throws(FirnError) -> NDArray {
    guard let first = parts.first else {
      throw FirnError(.invalidArgument, "there are no examples", remedy: "give one or more")
    }
    let shape = [parts.reduce(0) { $0 + $1.shape[0] }] + first.shape.dropFirst()
    if let other = parts.first(where: { $0.shape.dropFirst() != first.shape.dropFirst() }) {
      throw FirnError(
        .shapeMismatch, "batches come out as \(Shape(first.shape)) and \(Shape(other.shape))",
        remedy: "give examples of one size")
    }
    switch first.dtype {
    case .i32: return try NDArray(parts.flatMap { $0.doubles.map { Int32($0) } }, shape: shape)
    case .bool: return try NDArray(parts.flatMap { $0.doubles.map { $0 != 0 } }, shape: shape)
    case .f32, .f64: return try NDArray(parts.flatMap(\.doubles), shape: shape).converted(to: first.dtype)
    }
  }

  /// The shortest text of each element that reads back to it; of NaN, whatever its sign, `nan`.
  fileprivate var elementTexts: [String] {
    switch dtype {
    case .f32: doubles.map { $0.isNaN ? "nan" : "\(Float($0))" }
    case .f64: doubles.map { $0.isNaN ? "nan" : "\($0)" }
    case .i32, .bool: doubles.map { "\(Int($0))" }
    }
  }
}
