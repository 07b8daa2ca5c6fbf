/// Hands out names that are not taken: `dense`, `dense_1`, `dense_2`.
struct UniqueNames {
  private var taken = NameSet()
  /// By the number of a name, the last one behind it that was given out.
  private var counters: [Int: Int] = [:]

  mutating func reserve(_ name: String) { _ = taken.insert(name) }

  /// Before any other name.
  mutating func reserve(namesOf nodes: [Node]) {
    if !taken.isEmpty {
      for node in nodes { reserve(node.name) }
      return
    }
    taken = NameSet(of: nodes)
    taken.reserve(nodes.count * 2)
    for position in nodes.indices { _ = taken.insert(nodeAt: position) }
  }

  /// Whether `name` was free; it no longer is.
  mutating func claim(_ name: String) -> Bool { taken.insert(name) }

  mutating func unique(_ wanted: String) -> String { unique(wanted, NameSet.hash(wanted)).name }

  /// The same, given the hash of what is wanted; with that of the name.
  mutating func unique(_ wanted: String, _ wantedHash: UInt32) -> (name: String, hash: UInt32) {
    let (number, isNew) = taken.place(of: wanted, wantedHash)
    if isNew { return (wanted, wantedHash) }
    var count = counters[number, default: 0]
    var (name, hash) = (wanted, wantedHash)
    repeat {
      count += 1
      name = wanted + "_" + String(count)
      hash = NameSet.hash(name)
    } while !taken.place(of: name, hash).isNew
    counters[number] = count
    return (name, hash)
  }
}
