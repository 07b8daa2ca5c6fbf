import FirnGraph

/// The variables of a session: bytes, and what is known of where they came from.
struct VariableStore {
  enum Provenance {
    case initialized
    case trained
    case loaded
  }

  struct Entry {
    let variable: Variable
    let type: ArrayType
    let storage: Storage
    var provenance: Provenance
  }

  private var entries: [Entry] = []
  private var positions: [String: Int] = [:]

  /// In the order they were made.
  var variables: [Variable] { entries.map(\.variable) }

  subscript(name: String) -> Entry? { positions[name].map { entries[$0] } }

  /// Adds a variable with its first value, unless it is there already.
  mutating func add(_ variable: Variable, seed: UInt64) throws(FirnError) {
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
    let value = try variable.initializer.sample(type, seed: seed, name: variable.name)
    let storage = Storage(byteCount: type.byteCount)
    value.withUnsafeBytes { bytes in
      if let base = bytes.baseAddress { storage.pointer.copyMemory(from: base, byteCount: bytes.count) }
    }
    positions[variable.name] = entries.count
    entries.append(Entry(variable: variable, type: type, storage: storage, provenance: .initialized))
  }

  func value(_ entry: Entry) -> NDArray { NDArray(entry.type, copying: entry.storage.pointer) }

  func write(_ array: NDArray, to entry: Entry) {
    array.withUnsafeBytes { bytes in
      if let base = bytes.baseAddress { entry.storage.pointer.copyMemory(from: base, byteCount: bytes.count) }
    }
  }

  mutating func mark(_ name: String, _ provenance: Provenance) {
    if let position = positions[name] { entries[position].provenance = provenance }
  }
}
