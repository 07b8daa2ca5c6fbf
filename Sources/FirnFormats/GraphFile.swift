package import FirnFiles
public import FirnGraph
public import FirnRuntime
import FirnNotation
import FirnOps

/// Graphs as files of the text form, by custom named `*.firn`.
extension GraphDef {
  /// Reads a graph file.
  ///
  /// - Throws: `.file` where it cannot be read or is a folder, `.parse` with line, column and a caret where it is no
  ///   graph; a file of weights is named as one.
  public init(contentsOfFile path: String) throws(FirnError) {
    if let folder = FolderFault(path) { throw folder.error }
    try self.init(MappedFile.open(path), source: path)
  }

  /// The graph in the bytes of a file; `source` is its path.
  package init(_ bytes: Bytes, source: String) throws(FirnError) {
    // What is large and begins otherwise is not read to its end to find out.
    if bytes.count >= Self.beginning, !Self.mayBegin(bytes) {
      throw Self.foreign(bytes, source)
        ?? FileFault(source)(
          "is no graph: it does not begin with `firn 1`", remedy: "name a file that `graph.write(to:)` wrote")
    }
    let text = bytes.withUnsafeBytes { String(validating: $0, as: UTF8.self) }
    guard let text else { throw Self.foreign(bytes, source) ?? FileFault(source)("is not UTF-8 text") }
    do throws(FirnError) {
      try self.init(parsing: text, catalogue: .standard)
    } catch {
      if !bytes.starts(with: Array("firn".utf8)), let foreign = Self.foreign(bytes, source) { throw foreign }
      var error = error
      error.place = source
      throw error
    }
  }

  /// How much is looked at.
  private static let beginning = 1 << 16

  /// Whether bytes that begin so can be a graph's text: space and comments, behind a byte order mark or not, and then
  /// the word `firn`.
  package static func mayBegin(_ bytes: Bytes) -> Bool {
    let word = Array("firn".utf8)
    var position = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    while position < beginning, let byte = bytes[position] {
      if byte == UInt8(ascii: "#") {
        while position < beginning, let byte = bytes[position], byte != 0x0A { position += 1 }
      } else if byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D {
        position += 1
      } else {
        return bytes.starts(with: word, at: position)
      }
    }
    return false
  }

  /// What to say of a file of weights that is taken for a graph; nil where it is none.
  private static func foreign(_ bytes: Bytes, _ source: String) -> FirnError? {
    guard let weights = try? Weights(bytes, source: source) else { return nil }
    let count = weights.entries.count
    return FileFault(source)(
      "is a file of weights (\(count) tensor\(count == 1 ? "" : "s")), not a graph",
      remedy: "list it with `firn weights`; `graph.write(to:)` writes graphs")
  }

  /// Writes the graph's text, source locations included, whole or not at all.
  ///
  /// - Throws: `.file` where it cannot be written.
  public func write(toFile path: String) throws(FirnError) {
    try TextFile.write(text(includingLocations: true), to: path)
  }
}

extension Session {
  /// A session of the graph in a file, with the weights in another.
  ///
  /// The model need not be built again: a program that knows neither layers nor names of Swift runs what another one
  /// wrote by `graph.write(to:loss:)` and `session.save(to:)`, to the same bits.
  ///
  /// - Parameters:
  ///   - graph: path of a graph file.
  ///   - weights: path of a file of weights, loaded strictly; without it variables have their first values.
  ///   - mapping: makes the names in the file those of variables.
  ///   - seed: decides first values and random ops.
  ///   - threads: how many kernels may use; all cores by default.
  /// - Throws: as `GraphDef(contentsOfFile:)` and `load`.
  public convenience init(
    contentsOfFile graph: String, weights: String? = nil, mapping: NameMap = .identity, seed: UInt64 = 0,
    threads: Int? = nil
  ) throws(FirnError) {
    try self.init(GraphDef(contentsOfFile: graph), seed: seed, threads: threads)
    if let weights { try load(Weights(contentsOf: weights), mapping: mapping) }
  }
}

extension Graph {
  /// Writes what has been built so far as a graph file.
  ///
  /// - Parameter loss: the scalar that training minimises; the file says so, and who reads it need not guess.
  /// - Throws: the faults of the graph, if it has any, `.unknownName` or `.notScalar` for what cannot be its loss, and
  ///   `.file` where the file cannot be written.
  public func write(to path: String, loss: Tensor? = nil) throws(FirnError) {
    try validate()
    var definition = definition
    if let loss {
      guard loss.graph === self, !loss.isPoisoned else {
        throw FirnError(
          .unknownName, "the loss `\(loss.name)` belongs to another graph",
          remedy: "name a tensor of the graph that is written")
      }
      guard loss.value.result == 0, definition.isLoss(loss.value) else {
        throw FirnError(
          .notScalar, "`\(loss.name)` is \(loss.type), not a floating-point scalar that a node gives first",
          remedy: "reduce it with mean() or sum()", location: loss.node?.location)
      }
      definition.lossName = loss.name
    }
    try definition.write(toFile: path)
  }
}
