internal import FirnFiles
internal import FirnFormats
internal import FirnGraph
internal import FirnNotation
internal import FirnONNX
internal import FirnTraining

/// Files of weights as commands name them.
enum WeightFile {
  static let select = ArgumentParser.Option(
    name: "select", value: .text(placeholder: "SELECTION"),
    help: "only these tensors: globs of their names, such as 'encoder/**/bias'; dots count as slashes")

  /// - Throws: `FileFailure` for a file that cannot be read, under the name it was given.
  static func open(_ path: String, in shell: Shell) throws -> Weights {
    // The length of a safetensors header may look like a model's beginning.
    func isModel(_ bytes: Bytes) -> Bool { !Weights.mayBegin(bytes) && ONNXModel.mayBegin(bytes) }
    let file = try InputFile(path, in: shell) { Weights.mayBegin($0) || ONNXModel.mayBegin($0) }
    do {
      if let bytes = file.bytes {
        return try isModel(bytes)
          ? Weights(ofONNX: bytes, source: file.name, path: nil) : Weights(bytes, source: file.name)
      }
      let mapped = try? MappedFile.open(file.path)
      if let mapped, isModel(mapped), !Self.isSavedModel(file.path) {
        return try Weights(ofONNX: mapped, source: file.path, path: file.path)
      }
      if let bytes = mapped, bytes.starts(with: Array("firn 1".utf8)) {
        throw FirnError(
          .parse, "'\(path)' is a graph file, not a file of weights", remedy: "ask `firn inspect \(path)`")
      }
      return try Weights(contentsOf: file.path)
    } catch let error as FirnError {
      throw file.naming(error)
    }
  }

  /// The variables of a model, and what a run noted beside them where the file is a checkpoint.
  ///
  /// - Throws: `FileFailure` for a file that cannot be read, under the name it was given.
  static func model(_ path: String, in shell: Shell) throws -> (weights: Weights, notes: [String: String]) {
    let file = try open(path, in: shell)
    return try reading { () throws(FirnError) in try Checkpoint.model(in: file) } ?? (file, [:])
  }

  /// Whether a file is the graph of a TensorFlow SavedModel, which begins as a model of ONNX may.
  private static func isSavedModel(_ path: String) -> Bool { path.hasSuffix(".pb") }

  /// Does what may find out that a file is damaged.
  static func reading<Result>(_ body: () throws(FirnError) -> Result) throws -> Result {
    do {
      return try body()
    } catch {
      if error.code == .parse { throw FileFailure(error: error) }
      throw error
    }
  }

  /// The selected tensors, all where nothing is selected.
  static func selected(_ arguments: ParsedArguments, of weights: Weights) throws(FirnError) -> Weights {
    guard let text = arguments.text("select") else { return weights }
    let named = Set(try Selection(text).resolve(dottedNames: weights.entries.map(\.name)))
    return try Weights(
      source: weights.source, entries: weights.entries.filter { named.contains($0.name) },
      metadata: weights.metadata, skipped: weights.skipped)
  }

  /// The same of two files, where what is selected in one may be all that the other lacks.
  static func selected(
    _ arguments: ParsedArguments, of first: Weights, _ second: Weights
  ) throws(FirnError) -> (Weights, Weights) {
    let both = try selected(
      arguments,
      of: Weights(
        source: first.source, entries: first.entries + second.entries.filter { first[$0.name] == nil }))
    func part(_ weights: Weights) throws(FirnError) -> Weights {
      try Weights(source: weights.source, entries: weights.entries.filter { both[$0.name] != nil })
    }
    return (try part(first), try part(second))
  }

  /// Where names begin with what a wrapper put before them, that, and what takes it away.
  static func wrapping(of weights: Weights) -> String? {
    weights.wrapper.map { beginning, count in
      "\(NumberFormat.count(count)) name\(count == 1 ? "" : "s") begin with `\(beginning)`: "
        + "`--map \(beginning)=` takes that away, before any other map"
    }
  }

  /// As reports write it: `bf16[3,4]`.
  static func type(of entry: WeightEntry) -> String { "\(entry.storedType.rawValue)\(Shape(entry.shape))" }

  /// Shows bytes going by, from the first that takes long.
  static func progress(_ label: String, over entries: [WeightEntry]) -> (WeightEntry) -> Void {
    let total = entries.reduce(0) { $0 + $1.byteCount }
    // Nothing is worth a bar that one second reads.
    let reporter = total < 1 << 28 ? nil : ProgressReporter(label, total: total >> 20)
    var done = 0
    return { entry in
      done += entry.byteCount
      if done < total {
        reporter?.update(completed: done >> 20, message: "MiB, \(entry.name)")
      } else {
        reporter?.finish(completed: total >> 20, message: "MiB")
      }
    }
  }
}
