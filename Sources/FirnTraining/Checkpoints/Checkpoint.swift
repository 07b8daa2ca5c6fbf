internal import FirnNotation
internal import FirnFiles
import FirnCompiler
public import FirnFormats
public import FirnGraph
public import FirnRuntime
internal import Foundation

/// All that a training run needs to go on bit for bit: variables, optimisers' memory, random state, and where it was.
///
/// It is one safetensors file, written whole or not at all: tensors by the names of variables and slots, the graph's
/// text as the tensor `firn:graph`, the rest in its metadata.
public struct Checkpoint: Sendable {
  /// Variables, in creation order, then slots in that of their variables: whatever is frozen (rule 10).
  public let weights: Weights
  let record: CheckpointRecord
  private let graphText: WeightEntry?

  /// Steps done when it was taken.
  public var step: Int { record.step }
  /// What the run was judged by, if it was.
  public var metric: Double? { record.metric }
  /// Where the data was then; nil where it was taken without it.
  public var position: DataPosition? { record.position }
  /// The selection the program was compiled to freeze, as text; nil where it named none.
  public var freezing: String? { record.freezing }
  /// The selection it was compiled to thaw, as text; nil where it named none.
  public var thawing: String? { record.thawing }
  /// Whether it holds all variables, or those the program writes.
  public var saving: Saving { record.saving }
  /// What else the run kept, by kind.
  package var notes: [String: String] { record.notes ?? [:] }
  /// The text of the graph; empty where the file holds none.
  public var graph: String { (try? graphText.map(GraphText.text)) ?? "" }

  // MARK: Taking one

  /// The state of a session now.
  ///
  /// - Parameters:
  ///   - program: the one that trains; tells the selection, and what it writes.
  ///   - step: steps done, not negative.
  ///   - position: where the data is; without it a resumed run begins the data anew.
  ///   - metric: what the run is judged by; any finite number.
  ///   - saving: everything, or what the program writes.
  /// - Throws: `.invalidArgument` for another session's program, a negative step, or a metric that is no finite number.
  /// - Complexity: one pass over what is saved, for its digests; values are shared until they are written. Besides, the
  ///   graph is printed, and with `.trained` one pass is made over what is not saved. A ``CheckpointFolder`` does
  ///   either only after a change.
  public init(
    of session: Session, running program: Program, step: Int, position: DataPosition? = nil,
    metric: Double? = nil, saving: Saving = .everything
  ) throws(FirnError) {
    var digest = BaseDigest()
    var text = GraphText()
    try self.init(
      of: session, running: program, step: step, position: position, metric: metric, saving: saving,
      notes: [:], digest: &digest, text: &text)
  }

  /// - Parameter written: what programs before this one wrote, which counts as what this one writes.
  init(
    of session: Session, running program: Program, step: Int, position: DataPosition?, metric: Double?,
    saving: Saving, besides written: Set<String> = [], notes: [String: String], digest: inout BaseDigest,
    text: inout GraphText
  ) throws(FirnError) {
    guard step >= 0 else {
      throw FirnError(.invalidArgument, "a checkpoint of step \(step)", remedy: "count steps from 0")
    }
    try session.requireOwn(program)
    let written = written.union(program.writtenVariables)
    let variables = session.variables.filter { $0.kind != .slot }
    let saved = saving == .everything ? variables : variables.filter { written.contains($0.name) }
    let slots = try session.liveSlots(running: program)
    var entries: [WeightEntry] = []
    for variable in saved {
      entries.append(WeightEntry(name: variable.name, array: try session.value(of: variable.name)))
    }
    entries += slots.map { WeightEntry(name: $0.slot.variable.name, array: $0.array) }
    let graphText = text.entry(of: session.graph.definition)
    let (freezing, thawing) = program.selections
    record = CheckpointRecord(
      step: step, metric: metric, position: position, seed: session.seed, runs: session.runs,
      freezing: freezing?.description, thawing: thawing?.description, saving: saving,
      base: saved.count == variables.count
        ? nil : try digest.value(of: variables.filter { !written.contains($0.name) }, in: session),
      variables: saved.map { .init(name: $0.name, session.origin(of: $0.name)) },
      slots: slots.map {
        .init(
          name: $0.slot.variable.name, role: $0.slot.variable.role, optimizer: $0.slot.owner.optimizer,
          variable: $0.slot.owner.part?.variable.name, block: $0.slot.owner.part?.block)
      },
      notes: notes.isEmpty ? nil : notes,
      tensors: try (entries + [graphText]).map { (entry) throws(FirnError) in
        try CheckpointRecord.SavedTensor(entry)
      })
    let json = try record.json
    weights = try Weights(
      source: "checkpoint", entries: entries,
      metadata: [
        .init(key: CheckpointRecord.key, value: json),
        .init(key: CheckpointRecord.digestKey, value: Checksum.text(of: json)),
      ])
    self.graphText = graphText
  }

  // MARK: Files

  /// Reads a checkpoint, of whatever step; its tensors are mapped, not copied.
  ///
  /// Every tensor is held against the digest that was taken of it, and so is the record: what is resumed from is what
  /// was written.
  ///
  /// - Throws: `.file` where the file cannot be read; `.parse` where it is no checkpoint, damaged, or of another
  ///   version.
  /// - Complexity: one pass over the file, at about the speed of memory or of the disk.
  public init(contentsOf path: String) throws(FirnError) {
    let file = try Weights(contentsOf: path)
    graphText = file[GraphText.name]
    weights = try Weights(
      source: file.source, entries: file.entries.filter { $0.name != GraphText.name }, metadata: file.metadata
    )
    guard let text = weights.metadata.first(where: { $0.key == CheckpointRecord.key })?.value else {
      throw FirnError(
        .parse, "'\(path)' holds weights but is no checkpoint", remedy: "load it with `session.load`",
        place: path)
    }
    guard Self.isAsWritten(text, in: file), let form: CheckpointRecord.Form = Self.decoded(text) else {
      throw Self.unreadable(path)
    }
    guard form.version == CheckpointRecord.version else {
      let isNewer = form.version > CheckpointRecord.version
      throw FirnError(
        .parse, "'\(path)' was written by \(isNewer ? "a newer" : "an older") version of Firn",
        remedy: isNewer
          ? "read it with that version"
          : "resume it with that version, or load its weights alone with `session.load`", place: path)
    }
    guard let record: CheckpointRecord = Self.decoded(text),
      file.metadata.contains(where: { $0.key == CheckpointRecord.digestKey })
    else { throw Self.unreadable(path) }
    self.record = record
    try Self.verify(file, record, path)
  }

  /// Whether the file at `path` is whole and of another version, which an older checkpoint will be too.
  static func isOfAnotherVersion(_ path: String) -> Bool {
    guard let file = try? Weights(contentsOf: path),
      let text = file.metadata.first(where: { $0.key == CheckpointRecord.key })?.value,
      isAsWritten(text, in: file), let form: CheckpointRecord.Form = decoded(text)
    else { return false }
    return form.version != CheckpointRecord.version
  }

  /// Whether a record's text is that of its digest; forms before 4 have none.
  static func isAsWritten(_ text: String, in file: Weights) -> Bool {
    let digest = file.metadata.first { $0.key == CheckpointRecord.digestKey }?.value
    return digest == nil || digest == Checksum.text(of: text)
  }

  /// Holds what is in the file against what its record says was written.
  static func verify(
    _ file: Weights, _ record: CheckpointRecord, _ path: String
  ) throws(FirnError) {
    for saved in record.tensors {
      guard let entry = file[saved.name] else {
        throw damaged(path, "it lacks `\(saved.name)`, which its record lists", place: saved.name)
      }
      guard try CheckpointRecord.SavedTensor(entry) == saved else {
        throw damaged(path, "`\(saved.name)` is not what was written", place: saved.name)
      }
    }
    guard file.entries.count == record.tensors.count else {
      throw damaged(path, "it holds tensors that its record does not list")
    }
  }

  static func decoded<Value: Decodable>(_ text: String) -> Value? {
    try? JSONDecoder().decode(Value.self, from: Data(text.utf8))
  }

  static func unreadable(_ path: String) -> FirnError {
    damaged(path, "its record is not what was written")
  }

  private static func damaged(_ path: String, _ what: String, place: String? = nil) -> FirnError {
    FirnError(
      .parse, "'\(path)' is damaged: \(what)",
      remedy: "resume from an older checkpoint, as a folder's `latest()` does", place: place ?? path)
  }

  /// Writes it, whole or not at all: to a temporary name, brought to the disk, opened as a reader would, renamed.
  ///
  /// - Throws: `.file`; a file that was there is then unchanged.
  public func write(to path: String) throws(FirnError) {
    let file = try Weights(
      source: weights.source, entries: weights.entries + [graphText].compactMap { $0 },
      metadata: weights.metadata)
    try AtomicFile.write(to: path, checking: Self.requireReadable(as: path)) { (writer) throws(FirnError) in
      try SafetensorsWriter.write(file, to: writer)
    }
  }

  private static func requireReadable(as path: String) -> (String) throws(FirnError) -> Void {
    { (temporary) throws(FirnError) in
      do throws(FirnError) {
        _ = try Checkpoint(contentsOf: temporary)
      } catch {
        throw FirnError(
          .file, "cannot write '\(path)': what was written cannot be read",
          remedy: "see what is wrong with it",
          causes: [error])
      }
    }
  }
}

extension CheckpointRecord {
  fileprivate var json: String {
    get throws(FirnError) {
      let encoder = JSONEncoder()
      encoder.outputFormatting = .sortedKeys
      do {
        return String(decoding: try encoder.encode(self), as: UTF8.self)
      } catch {
        throw FirnError(
          .invalidArgument, "the checkpoint's record cannot be written: \(error)",
          remedy: "give a metric that is a number")
      }
    }
  }
}

/// The digest of what a checkpoint leaves out, kept while none of it changes.
struct BaseDigest {
  private var known: (names: [String], revisions: [Int], session: ObjectIdentifier, digest: String)?

  /// SHA-256 over name, type and bytes of each variable.
  mutating func value(of variables: [Variable], in session: Session) throws(FirnError) -> String {
    let names = variables.map(\.name)
    let revisions = names.map { session.revision(of: $0) }
    let identity = ObjectIdentifier(session)
    if let known, known.names == names, known.revisions == revisions, known.session == identity {
      return known.digest
    }
    var digest = Digest()
    for variable in variables {
      digest.update("\(variable.name) \(variable.type)\n")
      try session.value(of: variable.name).withUnsafeBytes { digest.update($0) }
    }
    let value = digest.finish()
    known = (names, revisions, identity, value)
    return value
  }
}
