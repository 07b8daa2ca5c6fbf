/// The names most like a mistyped one, for the remedy of an error.
package struct NearestNames {
  package var names: [String]

  package init(to wanted: String, among candidates: [String], limit: Int = 3) {
    let leaf = wanted.split(separator: "/").last.map(String.init) ?? wanted
    var scored: [(distance: Int, order: Int, name: String)] = []
    for (order, name) in candidates.enumerated() {
      let whole = Self.distance(wanted, name)
      let last = name.split(separator: "/").last.map { Self.distance(leaf, String($0)) } ?? whole
      let within = name.contains(wanted) || wanted.contains(name) ? 1 : Int.max
      let distance = min(whole, last + 1, within)
      if distance <= max(2, wanted.count / 2) { scored.append((distance, order, name)) }
    }
    scored.sort { ($0.distance, $0.order) < ($1.distance, $1.order) }
    names = scored.prefix(limit).map(\.name)
  }

  /// `did you mean a, b or c?`, or nil where nothing is near.
  package var question: String? {
    guard let last = names.last else { return nil }
    let head = names.dropLast().joined(separator: ", ")
    return "did you mean " + (head.isEmpty ? last : "\(head) or \(last)") + "?"
  }

  /// Levenshtein distance: insertions, deletions and substitutions, each counted 1.
  static func distance(_ a: String, _ b: String) -> Int {
    let a = Array(a.utf8)
    let b = Array(b.utf8)
    var row = Array(0...b.count)
    for i in 0..<a.count {
      var diagonal = row[0]
      row[0] = i + 1
      for j in 0..<b.count {
        let cost = min(row[j + 1] + 1, row[j] + 1, diagonal + (a[i] == b[j] ? 0 : 1))
        diagonal = row[j + 1]
        row[j + 1] = cost
      }
    }
    return row[b.count]
  }
}
