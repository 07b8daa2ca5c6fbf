internal import CFirnKernels
import FirnGraph
internal import Synchronization

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
    /// The variable, or the block of one, that its first value is a copy of; nil where its initialiser makes it.
    fileprivate var start: (name: String, block: Block?)?
    /// Whether nobody has given it a value yet, and no run has written it.
    fileprivate var isFirst = true
    /// The blocks whose training `origin` has taken in.
    fileprivate var trainedBlocks: [Block]?
    /// Whether it has been looked through for NaN and infinity since it was last written.
    fileprivate(set) var isKnownFinite = false
    /// Moves whenever the value is another.
    fileprivate(set) var revision = 0
  }

  /// Bytes of the first values that nobody has asked for yet; they are taken when somebody does.
  private(set) var pendingBytes = 0

  /// Decides first values, with the names.
  let seed: UInt64
  private(set) var entries: [Entry] = []
  private var positions: [String: Int] = [:]
  /// For each variable that others begin as, their entries.
  private var followers: [String: [Int]] = [:]
  /// Moves whenever somebody gives a variable a value from outside of runs.
  private(set) var changes = 0
  /// The entries that were given one since somebody last said that he knows.
  private var given: Set<Int> = []
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

  /// Adds the variables that are not there already; all or none.
  ///
  /// - Throws: where the session holds one with another type, where an initialiser does not fit, and where the process
  ///   cannot have the memory for them and what else is still to be made.
  mutating func add(_ variables: [Variable]) throws(FirnError) {
    var made: [Entry] = []
    var bytes = pendingBytes
    for variable in variables {
      if let known = self[variable.name] {
        guard known.variable.type == variable.type else {
          throw FirnError(
            .shapeMismatch,
            "`\(variable.name)` is \(variable.type) here, but the session holds it as \(known.variable.type)",
            remedy: "use another name, or another session", place: variable.name)
        }
        continue
      }
      guard let type = ArrayType(variable.type), variable.type.fault == nil else {
        throw FirnError(
          .invalidArgument,
          "variable `\(variable.name)` is \(variable.type), \(variable.type.fault ?? "an open shape")",
          remedy: "give extents that are numbers, and check them", place: variable.name)
      }
      try variable.initializer.validate(for: type, name: variable.name)
      bytes = bytes.saturatingSum(type.byteCount)
      made.append(Entry(variable: variable, type: type))
    }
    if made.isEmpty { return }
    try FreeMemory.require(bytes, for: Self.named(made, besides: pendingBytes))
    for var entry in made {
      if let shadow = entry.variable.shadow {
        entry.start = (shadow.source, nil)
        followers[shadow.source, default: []].append(entries.count)
      }
      positions[entry.variable.name] = entries.count
      entries.append(entry)
    }
    pendingBytes = bytes
  }

  /// Variables as an error about their memory names them: the largest, and how many others.
  private static func named(_ made: [Entry], besides pending: Int) -> String {
    guard let largest = made.max(by: { $0.type.byteCount < $1.type.byteCount }) else { return "nothing" }
    let others = made.count > 1 ? " with \(made.count - 1) further variables" : ""
    return "variable `\(largest.variable.name)`\(others)"
      + (pending > 0 ? " and those that are still to be made" : "")
  }

  /// The most that making the first values nobody asked for takes for a while, so many at a time.
  func pendingScratch(_ count: Int) -> Int {
    pendingBytes == 0 ? 0 : Self.scratchBytes(of: entries.filter { $0.storage == nil }, count)
  }

  private static func scratchBytes(of entries: [Entry], _ count: Int) -> Int {
    entries.map { $0.variable.initializer.scratchBytes(for: $0.type) }.sorted(by: >).prefix(count)
      .reduce(0) { $0.saturatingSum($1) }
  }

  /// Bytes that writing these variables takes, as others hold their storage too.
  ///
  /// - Parameter names: one that stands there several times in a row, for parts of it, is copied once.
  mutating func copiedBytes(writing names: [String]) -> Int {
    var bytes = 0
    for (number, name) in names.enumerated() where number == 0 || names[number - 1] != name {
      let position = position(of: name)
      // Not a word of the storage before: whoever held it here would count as one of the others.
      let isOwn = isKnownUniquelyReferenced(&entries[position].storage)
      if isOwn, entries[position].storage?.isWritable == true { continue }
      bytes = bytes.saturatingSum(entries[position].type.byteCount)
    }
    return bytes
  }

  private mutating func put(_ storage: Storage?, at position: Int) {
    let bytes = entries[position].type.byteCount
    if entries[position].storage == nil { pendingBytes -= min(bytes, pendingBytes) }
    if storage == nil { pendingBytes = pendingBytes.saturatingSum(bytes) }
    entries[position].storage = storage
  }

  // MARK: Reading

  /// Where the value is; made now where it is the first one and nobody asked before.
  mutating func storage(of name: String) throws(FirnError) -> Storage {
    let position = position(of: name)
    if let storage = entries[position].storage { return storage }
    let entry = entries[position]
    let value: NDArray
    if let copied = try copiedValue(at: position) {
      value = copied
    } else {
      value = try entry.variable.initializer.sample(entry.type, seed: seed, name: name)
    }
    put(value.sharedStorage, at: position)
    version += 1
    return value.sharedStorage
  }

  /// Makes the first values of these variables that nobody asked for before, each worker one after the other.
  ///
  /// Each is a function of seed and name, so who makes it and when is nothing to its bits.
  ///
  /// - Throws: where the process cannot have the memory for all of them; then none is made.
  mutating func makeFirstValues(of names: [String], by workers: any Workers) throws(FirnError) {
    var chosen: Set<Int> = []
    var pending = names.map(position).filter {
      entries[$0].storage == nil && entries[$0].start == nil && chosen.insert($0).inserted
    }
    // One alone is made when it is read, and a few small ones are made before a thread is awake.
    let bytes = pending.reduce(0) { $0.saturatingSum(entries[$1].type.byteCount) }
    guard workers.count > 1, pending.count > 1, bytes >= Self.sharedBytes else { return }
    // What takes longest goes first, as no worker should be left with it in the end: what takes scratch, then by size.
    let work = pending.map { position in
      let entry = entries[position]
      return (entry.variable.initializer.scratchBytes(for: entry.type), entry.type.byteCount, -position)
    }
    pending = zip(pending, work).sorted { $0.1 > $1.1 }.map(\.0)
    let made = pending.map { entries[$0] }
    try FreeMemory.require(
      bytes.saturatingSum(Self.scratchBytes(of: made, workers.count)),
      for: "making the first values of \(made.count) variables")
    let values = UnsafeMutableBufferPointer<Result<NDArray, FirnError>?>.allocate(capacity: made.count)
    values.initialize(repeating: nil)
    defer {
      values.deinitialize()
      values.deallocate()
    }
    let next = Atomic<Int>(0)
    let seed = self.seed
    workers.split(made.count, grain: 1) { _, _ in
      // The pool's threads take denormal numbers for 0, which first values can be.
      let mode = firn_flush_denormals()
      firn_restore_denormals(0)
      defer { firn_restore_denormals(mode) }
      while true {
        let task = next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard task < made.count else { return }
        let variable = made[task].variable
        values[task] = Result { () throws(FirnError) in
          try variable.initializer.sample(made[task].type, seed: seed, name: variable.name)
        }
      }
    }
    let arrays = try values.map { value throws(FirnError) in try value?.get() }
    for case (let position, let array?) in zip(pending, arrays) { put(array.sharedStorage, at: position) }
    version += 1
  }

  /// Bytes of first values that are worth sharing between workers: they take a tenth of a millisecond or more.
  private static let sharedBytes = 1 << 15

  /// The first value where that is another variable's, as it is now; nil where an initialiser makes it.
  private mutating func copiedValue(at position: Int) throws(FirnError) -> NDArray? {
    guard let start = entries[position].start else { return nil }
    let whole = try value(of: start.name)
    return start.block.map(whole.block) ?? whole
  }

  /// The value; it shares the variable's storage until that is written.
  ///
  /// To look at what begins as another variable does not begin it.
  mutating func value(of name: String) throws(FirnError) -> NDArray {
    let position = position(of: name)
    if entries[position].storage == nil, let value = try copiedValue(at: position) { return value }
    let storage = try storage(of: name)
    return NDArray(entries[position].type, in: storage)
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
    changes += 1
    given.insert(position)
    put(array?.sharedStorage, at: position)
    entries[position].isKnownFinite = false
    entries[position].revision += 1
    if let origin { entries[position].origin = origin }
    // What a snapshot gives back of a shadow may be its first value still; of optimisers' memory that is not known.
    let isShadow = entries[position].variable.shadow != nil
    entries[position].isFirst = array == nil || isShadow && entries[position].origin == .initialized
    entries[position].trainedBlocks = nil
    // What begins as this one is so until a step moves it, even where somebody has looked at it.
    for follower in followers[name] ?? []
    where entries[follower].isFirst && entries[follower].start?.name == name {
      put(nil, at: follower)
      entries[follower].isKnownFinite = false
      entries[follower].revision += 1
    }
    version += 1
  }

  /// The variables that were given values from outside of runs since ``forgetGiven()``, in the order they were made.
  var givenNames: [String] { given.sorted().map { entries[$0].variable.name } }

  mutating func forgetGiven() { given = [] }

  /// Copies what a run made into the variable: where it is if nobody shares it, else to storage of its own.
  ///
  /// - Parameters:
  ///   - blocks: what of it the run trains, where that is not the whole.
  ///   - workers: who copies what is large, as a table and its moments are.
  mutating func write(
    _ bytes: UnsafeRawPointer, to name: String, training blocks: [Block]? = nil, by workers: any Workers
  ) {
    let position = beginWriting(name, training: blocks)
    let storage = ownStorage(at: position, keepsValue: false)
    workers.split(storage.byteCount, grain: Self.copyGrain) { part, _ in
      (storage.pointer + part.lowerBound).copyMemory(from: bytes + part.lowerBound, byteCount: part.count)
    }
  }

  /// Bytes that are worth handing to a worker to be copied: they take some hundred microseconds.
  private static let copyGrain = 1 << 20

  /// Copies rows that a run made into the variable; the others stay.
  ///
  /// - Parameters:
  ///   - count: how many there are.
  ///   - range: the rows that may be written.
  ///   - indices: which row each is, passed over outside of `range`; nil where they are all of it, in order.
  ///   - blocks: what of it the run trains, where that is not the whole.
  /// - Precondition: the variable has a value: `storage(of:)` was asked for.
  mutating func write(
    _ bytes: UnsafeRawPointer, rows count: Int, in range: Range<Int>, at indices: UnsafePointer<Int32>?,
    to name: String, training blocks: [Block]? = nil
  ) {
    let position = beginWriting(name, training: blocks)
    let storage = ownStorage(at: position, keepsValue: true)
    let size = entries[position].type.shape.dropFirst().reduce(1, *) * entries[position].type.dtype.byteCount
    guard let indices else {
      (storage.pointer + range.lowerBound * size).copyMemory(from: bytes, byteCount: range.count * size)
      return
    }
    for row in 0..<count where range.contains(Int(indices[row])) {
      (storage.pointer + Int(indices[row]) * size).copyMemory(from: bytes + row * size, byteCount: size)
    }
  }

  /// The same values, with a future of their own: its versions are none that this store comes to.
  func forked() -> VariableStore {
    var result = self
    result.version += 1 << 40
    return result
  }

  /// Sees to it that a run can write over a variable's value where it is: nobody else holds it then.
  ///
  /// - Precondition: the variable has a value: `storage(of:)` was asked for.
  mutating func makeOwn(_ name: String) { _ = ownStorage(at: position(of: name), keepsValue: true) }

  /// Takes note that a run has written over the variable's value where it is.
  mutating func noteWritten(_ name: String, training blocks: [Block]? = nil) {
    _ = beginWriting(name, training: blocks)
  }

  private mutating func beginWriting(_ name: String, training blocks: [Block]?) -> Int {
    let position = position(of: name)
    entries[position].isFirst = false
    entries[position].isKnownFinite = false
    entries[position].revision += 1
    let variable = entries[position].variable
    if variable.kind != .slot, entries[position].origin != .trained,
      blocks == nil || entries[position].trainedBlocks != blocks
    {
      entries[position].origin.set(blocks, to: .trained, of: variable)
      entries[position].trainedBlocks = blocks
    }
    return position
  }

  /// Storage that nobody shares.
  ///
  /// - Parameter keepsValue: whether it must hold what the variable holds.
  private mutating func ownStorage(at position: Int, keepsValue: Bool) -> Storage {
    let isOwn = isKnownUniquelyReferenced(&entries[position].storage)
    if isOwn, let storage = entries[position].storage, storage.isWritable { return storage }
    let storage = Storage(byteCount: entries[position].type.byteCount)
    if keepsValue {
      guard let old = entries[position].storage else {
        firnBug("session", "`\(entries[position].variable.name)` is written over before it has a value")
      }
      storage.pointer.copyMemory(from: old.pointer, byteCount: storage.byteCount)
    }
    put(storage, at: position)
    version += 1
    return storage
  }

  /// Declares a slot anew: another optimiser of the same name may start it from another value.
  ///
  /// What it holds stays.
  ///
  /// - Parameter start: the variable, or the block of it, that it begins as when it is first read; nil where its
  ///   initialiser makes its first value.
  /// - Throws: where the initialiser does not fit.
  mutating func redeclare(
    _ variable: Variable, startingAs start: (name: String, block: Block?)?
  ) throws(FirnError) {
    let position = position(of: variable.name)
    try variable.initializer.validate(for: entries[position].type, name: variable.name)
    entries[position].variable = variable
    entries[position].start = start
    if let start, followers[start.name]?.contains(position) != true {
      followers[start.name, default: []].append(position)
    }
  }

  // MARK: Going back

  /// Takes on the values of an earlier state of this store; what was added since starts over.
  ///
  /// Versions and revisions go on counting, so that nothing made of a later state is taken for this one's.
  ///
  /// - Complexity: O(variables); storage is shared until it is written.
  mutating func goBack(to earlier: VariableStore) {
    var result = earlier
    result.version = max(version, earlier.version) + 1
    result.changes = max(changes, earlier.changes)
    result.given = given
    for index in result.entries.indices {
      guard let now = self[result.entries[index].variable.name],
        now.revision != result.entries[index].revision
      else { continue }
      result.entries[index].revision = max(now.revision, result.entries[index].revision) + 1
    }
    for entry in entries where result.positions[entry.variable.name] == nil {
      var fresh = entry
      fresh.storage = nil
      fresh.origin = .initialized
      fresh.trainedBlocks = nil
      fresh.isFirst = true
      fresh.isKnownFinite = false
      fresh.revision += 1
      if let start = entry.start {
        result.followers[start.name, default: []].append(result.entries.count)
      }
      result.positions[entry.variable.name] = result.entries.count
      result.entries.append(fresh)
      result.pendingBytes = result.pendingBytes.saturatingSum(entry.type.byteCount)
    }
    self = result
  }

  /// Where it stands among the entries, which never changes.
  func position(of name: String) -> Int {
    guard let position = positions[name] else { firnBug("session", "`\(name)` is used but not held") }
    return position
  }
}
