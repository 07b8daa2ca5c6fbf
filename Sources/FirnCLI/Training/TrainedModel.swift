internal import FirnFormats
internal import FirnGraph
internal import FirnNotation
internal import FirnRuntime
internal import FirnTraining
internal import FirnWorlds
internal import Foundation

/// A session with the weights that a file gives, and how the data was taken and scaled that they were trained on.
struct TrainedModel {
  let session: Session
  /// As the file of weights says; nil where it does not.
  let standardization: Standardization?
  /// By placeholder, which columns of a table it took; empty where the file does not say.
  let columns: [String: [String]]
  /// By placeholder, the words of its classes; empty where the file does not say.
  let words: [String: [String]]

  /// - Parameter needsWeights: whether nothing can be asked of random ones.
  /// - Throws: `UsageError` where weights are needed and none are given; `FileFailure` for a file that cannot be read.
  init(
    _ question: GraphQuestion, _ arguments: ParsedArguments, needsWeights: Bool, world: World = .alone,
    in shell: Shell
  ) throws {
    let session = try Session(question.graph, seed: UInt64(arguments.integer("seed") ?? 0), world: world)
    self.session = session
    if world.rank == 0 { session.onWarning = { shell.errors($0 + "\n") } }
    guard let path = arguments.text("weights") else {
      let isComplete = question.graph.variables.allSatisfy { $0.initializer.isGiven || $0.kind == .slot }
      if needsWeights, !isComplete {
        throw UsageError(
          "firn \(arguments.command ?? "")", "the variables are random without '--weights'",
          remedy: "name the file that `firn train` wrote")
      }
      standardization = nil
      columns = [:]
      words = [:]
      return
    }
    let (weights, notes) = try WeightFile.model(path, in: shell)
    // What does not match was said when the question was read.
    _ = try WeightFile.reading { () throws(FirnError) in
      try session.load(
        weights, into: arguments.text("into"), mapping: question.map, strict: false)
    }
    let said = SaidOfWeights(path: path, weights: weights, notes: notes)
    standardization = try said.standardization
    columns = try said.value(DataColumns.key, "which columns were trained on") ?? [:]
    words = try said.value(DataColumns.wordsKey, "what its classes are called") ?? [:]
  }

  /// Writes all variables, and how the data was taken and scaled.
  static func write(
    _ session: Session, _ standardization: Standardization?, _ notes: [String: String], to path: String
  ) throws {
    let weights = try session.weights()
    var metadata = weights.metadata
    if let standardization {
      metadata.append(.init(key: SaidOfWeights.standardizationKey, value: try text(standardization)))
    }
    for (key, value) in notes.sorted(by: { $0.key < $1.key }) {
      metadata.append(.init(key: key, value: value))
    }
    try Weights(source: weights.source, entries: weights.entries, metadata: metadata).write(to: path)
  }

  /// The same for the same value.
  static func text(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }

  /// The data as the model wants it.
  func scaled(_ data: DataSet) throws(FirnError) -> DataSet {
    guard let standardization else { return data }
    var known = data
    for column in standardization.columns where data.names.contains(column.name) {
      known = try DataSet(
        named: known.names.map { name throws(FirnError) in
          let array = try known.array(of: name)
          return (name, name == column.name ? try standardization.scaled(array, as: name) : array)
        })
    }
    return known
  }
}
