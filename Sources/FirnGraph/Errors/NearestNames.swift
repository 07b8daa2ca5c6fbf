/// The names most like a mistyped one, for the remedy of an error.
package struct NearestNames {
  package var names: [String]

  package init(to wanted: String, among candidates: [String], limit: Int = 3) {
    let leaf = wanted.split(separator: "/").last.map(String.init) ?? wanted
    var scored: [(distance: Int, order: Int, name: String)] = []
    // The distance takes quadratic time, so names too long for anyone to mistype are not compared.
    guard wanted.utf8.count <= 256 else {
      names = []
      return
    }
    let farthest = max(2, wanted.count / 2)
    for (order, name) in candidates.enumerated() {
      let within = name.contains(wanted) || wanted.contains(name) ? 1 : farthest + 1
      let whole = Self.distance(wanted, name, farthest: farthest)
      let last = name.split(separator: "/").last.map { Self.distance(leaf, String($0), farthest: farthest) }
      let distance = min(whole, (last ?? whole) + 1, within)
      if distance <= farthest { scored.append((distance, order, name)) }
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
  ///
  /// Where the lengths alone tell that it is more than `farthest`, the result is their difference.
  static func distance(_ a: String, _ b: String, farthest: Int = .max) -> Int {
    let a = Array(a.utf8)
    let b = Array(b.utf8)
    if abs(a.count - b.count) > farthest { return abs(a.count - b.count) }
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
