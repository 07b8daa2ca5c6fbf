/// Hands out names that are not taken: `dense`, `dense_1`, `dense_2`.
struct UniqueNames {
  private var taken: Set<String> = []
  private var counters: [String: Int] = [:]

  mutating func reserve(_ name: String) { taken.insert(name) }

  /// Whether `name` was free; it no longer is.
  mutating func claim(_ name: String) -> Bool { taken.insert(name).inserted }

  mutating func unique(_ wanted: String) -> String {
    if taken.insert(wanted).inserted { return wanted }
    var count = counters[wanted, default: 0]
    repeat { count += 1 } while !taken.insert("\(wanted)_\(count)").inserted
    counters[wanted] = count
    return "\(wanted)_\(count)"
  }
}
