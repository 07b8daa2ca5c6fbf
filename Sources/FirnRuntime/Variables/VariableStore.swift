import FirnGraph

/// The variables of a session: values, and what is known of where they came from.
///
/// A value's storage is shared with whoever gave or took it (an array, a snapshot, a mapped file) until the session
/// writes it; then the session has its own. Pointers into it hold until `version` moves.
struct VariableStore {
  struct Entry {
    var variable: Variable
    let type: ArrayType
    /// Nil while the first value has not been asked for.
    fileprivate(set) var storage: Storage?
    fileprivate(set) var origin = Origin.initialized
    /// The blocks whose training `origin` has taken in.
    fileprivate var trainedBlocks: [Block]?
    /// Whether it has been looked through for NaN and infinity since it was last written.
    fileprivate(set) var isKnownFinite = false
    /// Moves whenever the value is another.
    fileprivate(set) var revision = 0
  }

  /// Decides first values, with the names.
  let seed: UInt64
  private(set) var entries: [Entry] = []
  private var positions: [String: Int] = [:]
  /// Moves whenever the storage of a variable is another one.
  private(set) var version = 0

  init(seed: UInt64) { self.seed = seed }

  /// In the order they were made.
  var variables: [Variable] { entries.map(\.variable) }

  subscript(name: String) -> Entry? { positions[name].map { entries[$0] } }

  /// Names of variables of this provenance.
  func names(_ provenance: Provenance) -> Set<String> {
    Set(entries.lazy.filter { $0.origin.provenance == provenance }.map(\.variable.name))
  }

  /// Adds a variable, unless it is there already.
  ///
  /// - Throws: where the session holds it with another type, where its initialiser does not fit it, and where the
  ///   machine has not enough memory for it.
  mutating func add(_ variable: Variable) throws(FirnError) {
    if let known = self[variable.name] {
      guard known.variable.type == variable.type else {
        throw FirnError(
          .shapeMismatch,
          "`\(variable.name)` is \(variable.type) here, but the session holds it as \(known.variable.type)",
          remedy: "use another name, or another session", place: variable.name)
      }
      return
    }
    guard let type = ArrayType(variable.type) else {
      firnBug("session", "variable `\(variable.name)` has open dimensions")
    }
    try Platform.requireMemory(type.byteCount, for: "variable `\(variable.name)`")
    try variable.initializer.validate(for: type, name: variable.name)
    positions[variable.name] = entries.count
    entries.append(Entry(variable: variable, type: type))
  }

  // MARK: Reading

  /// Where the value is; made now where it is the first one and nobody asked before.
  mutating func storage(of name: String) throws(FirnError) -> Storage {
    let position = position(of: name)
    if let storage = entries[position].storage { return storage }
    let entry = entries[position]
    let value = try entry.variable.initializer.sample(entry.type, seed: seed, name: name)
    entries[position].storage = value.sharedStorage
    version += 1
    return value.sharedStorage
  }

  /// The value; it shares the variable's storage until that is written.
  mutating func value(of name: String) throws(FirnError) -> NDArray {
    let storage = try storage(of: name)
    return NDArray(entries[position(of: name)].type, in: storage)
  }

  /// Where the first NaN or infinity is; a value that was looked through is not read again until it is written.
  mutating func firstNotFinite(in name: String) throws(FirnError) -> (index: Int, value: Double)? {
    let position = position(of: name)
    if entries[position].isKnownFinite { return nil }
    let storage = try storage(of: name)
    let fault = FirnRuntime.firstNotFinite(storage.pointer, entries[position].type)
    entries[position].isKnownFinite = fault == nil
    return fault
  }

  // MARK: Writing

  /// Takes over the array's storage; nil goes back to the first value.
  ///
  /// - Parameter origin: where the value comes from; nil leaves that as it is.
  /// - Precondition: the array is of the variable's type.
  mutating func replace(_ name: String, with array: NDArray?, origin: Origin?) {
    let position = position(of: name)
    precondition(array.map { $0.type == entries[position].type } ?? true)
    entries[position].storage = array?.sharedStorage
    entries[position].isKnownFinite = false
    entries[position].revision += 1
    if let origin { entries[position].origin = origin }
    entries[position].trainedBlocks = nil
    version += 1
  }

  /// Copies what a run made into the variable: where it is if nobody shares it, else to storage of its own.
  ///
  /// - Parameter blocks: what of it the run trains, where that is not the whole.
  mutating func write(_ bytes: UnsafeRawPointer, to name: String, training blocks: [Block]? = nil) {
    let position = position(of: name)
    entries[position].isKnownFinite = false
    entries[position].revision += 1
    let variable = entries[position].variable
    if variable.kind != .slot, entries[position].origin != .trained,
      blocks == nil || entries[position].trainedBlocks != blocks
    {
      entries[position].origin.set(blocks, to: .trained, of: variable)
      entries[position].trainedBlocks = blocks
    }
    let isOwn = isKnownUniquelyReferenced(&entries[position].storage)
    if isOwn, let storage = entries[position].storage, storage.isWritable {
      storage.pointer.copyMemory(from: bytes, byteCount: storage.byteCount)
      return
    }
    let storage = Storage(byteCount: entries[position].type.byteCount)
    storage.pointer.copyMemory(from: bytes, byteCount: storage.byteCount)
    entries[position].storage = storage
    version += 1
  }

  /// Declares a slot anew: another optimiser of the same name may start it from another value.
  mutating func redeclare(_ variable: Variable) { entries[position(of: variable.name)].variable = variable }

  private func position(of name: String) -> Int {
    guard let position = positions[name] else { firnBug("session", "`\(name)` is used but not held") }
    return position
  }
}
