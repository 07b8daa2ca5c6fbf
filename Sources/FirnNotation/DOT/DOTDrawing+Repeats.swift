import FirnGraph

extension DOTDrawing {
  /// What stands for several scopes of one structure.
  struct Repeat {
    /// How many of what: `layer ×2`.
    var label: String
    /// Their names: `layer_1, layer_2`, of more than two the first and the last.
    var which: String
    var tooltip: String
  }

  /// Draws runs of sibling scopes that differ in nothing but a number once, as the first of them.
  ///
  /// Siblings are of one kind where their names differ in a trailing number only (`layer_0`, `layer_1`; `dense`,
  /// `dense_1`), and equal where they hold the same items, joined by the same edges and entered at the same ones. What
  /// leads from one of a run to another is drawn as one edge to the next; edges from and to elsewhere are joined.
  mutating func foldRepeats() {
    guard options.foldsRepeats else { return }
    foldRepeats(below: "")
  }

  private mutating func foldRepeats(below parent: String) {
    var finished: Set<String> = []
    while true {
      let families = families(below: parent)
      var folded = false
      for family in families where family.count > 1 && !finished.contains(family[0]) {
        finished.insert(family[0])
        let runs = runs(of: family).filter { $0.count > 1 }
        for run in runs { merge(run) }
        folded = folded || !runs.isEmpty
      }
      if !folded { break }
    }
    for child in children(of: parent) { foldRepeats(below: child) }
  }

  /// What stands for a run of scopes: how many of what, and which.
  private func repeated(_ run: [String]) -> Repeat {
    let names = run.map { Path.last(of: $0) }
    // A scope named by a number alone is no kind of scope.
    let kind = loops[run[0]] ?? (Int(names[0]) == nil ? Self.base(of: names[0]) : "")
    return Repeat(
      label: (kind.isEmpty ? "" : kind + " ") + "×\(run.count)",
      which: names.count == 2 ? names.joined(separator: ", ") : "\(names[0]) … \(names[names.count - 1])",
      tooltip: "\(run[0]) … \(run[run.count - 1])")
  }

  // MARK: Finding

  /// Scopes directly below `parent`, in the order of their first items.
  private func children(of parent: String) -> [String] {
    var seen: Set<String> = []
    var result: [String] = []
    for item in items where item.scope != parent && Path.isWithin(item.scope, parent) {
      let rest = Path.relative(item.scope, to: parent)
      let child = Path.joined(parent, String(rest.prefix { $0 != "/" }))
      if seen.insert(child).inserted { result.append(child) }
    }
    return result
  }

  /// The children of `parent` by their names without a number at the end.
  private func families(below parent: String) -> [[String]] {
    var order: [String] = []
    var members: [String: [String]] = [:]
    for child in children(of: parent) {
      let name = Path.last(of: child)
      let base = Int(name) == nil ? Self.base(of: name) : ""
      if members[base] == nil { order.append(base) }
      members[base, default: []].append(child)
    }
    return order.compactMap { members[$0] }
  }

  /// `layer` for `layer_3`, `layer3` and `layer`.
  private static func base(of name: String) -> String {
    var base = Substring(name)
    while let last = base.last, last.isASCII, last.isNumber { base.removeLast() }
    if base.count < name.count, base.last == "_" || base.last == "-" || base.last == "." { base.removeLast() }
    return base.isEmpty ? name : String(base)
  }

  /// All that tells one scope from another, apart from where it stands.
  private struct Signature: Hashable {
    struct Member: Hashable {
      var scope: String
      var lines: [String]
      var look: DOTLook
      var ops: Int
      var parameters: Int
    }
    struct Inner: Hashable {
      var from: Int
      var to: Int
      var label: String
      var line: DOTLine
    }

    var members: [Member] = []
    var inner: [Inner] = []
    /// Members that edges from outside lead to, each as often as they do.
    var entries: [Int] = []
  }

  /// Splits a family into stretches of equal scopes.
  private func runs(of family: [String]) -> [[String]] {
    var places: [String: (scope: Int, member: Int)] = [:]
    var signatures = [Signature](repeating: Signature(), count: family.count)
    let numbers = Dictionary(uniqueKeysWithValues: family.enumerated().map { ($1, $0) })
    for item in items {
      guard let (path, number) = Self.enclosing(item.scope, numbers) else { continue }
      places[item.id] = (number, signatures[number].members.count)
      var lines = item.lines
      if loops[item.scope] != nil { lines.append("loop") }
      signatures[number].members.append(
        .init(
          scope: item.scope == path ? "" : Path.relative(item.scope, to: path), lines: lines, look: item.look,
          ops: item.ops, parameters: item.parameters))
    }
    for edge in edges {
      guard let to = places[edge.to] else { continue }
      if let from = places[edge.from], from.scope == to.scope {
        signatures[to.scope].inner.append(
          .init(from: from.member, to: to.member, label: edge.label, line: edge.line))
      } else if edge.line != .removed {
        signatures[to.scope].entries.append(to.member)
      }
    }
    var result: [[String]] = []
    for (number, path) in family.enumerated() {
      signatures[number].entries.sort()
      // One that is opened stands for itself alone.
      let isJoined = number > 0 && !options.opens(path) && !options.opens(family[number - 1])
      if isJoined, signatures[number] == signatures[number - 1] {
        result[result.count - 1].append(path)
      } else {
        result.append([path])
      }
    }
    return result
  }

  private static func enclosing(_ scope: String, _ numbers: [String: Int]) -> (path: String, number: Int)? {
    for path in [scope] + Path.ancestors(of: scope) {
      if let number = numbers[path] { return (path, number) }
    }
    return nil
  }

  // MARK: Merging

  /// Keeps the first of `run` and leads the edges of the others there.
  private mutating func merge(_ run: [String]) {
    let numbers = Dictionary(uniqueKeysWithValues: run.enumerated().map { ($1, $0) })
    var representatives: [String] = []
    var places: [String: (run: Int, id: String)] = [:]
    var counts = [Int](repeating: 0, count: run.count)
    var kept: [Item] = []
    for var item in items {
      guard let (_, number) = Self.enclosing(item.scope, numbers) else {
        kept.append(item)
        continue
      }
      if number == 0 {
        representatives.append(item.id)
        places[item.id] = (0, item.id)
        item.ops *= run.count
        item.parameters *= run.count
        kept.append(item)
      } else {
        places[item.id] = (number, representatives[counts[number]])
        counts[number] += 1
      }
    }
    items = kept
    var merged: [Edge] = []
    var known: [String: Int] = [:]
    for var edge in edges {
      let (from, to) = (places[edge.from], places[edge.to])
      edge.from = from?.id ?? edge.from
      edge.to = to?.id ?? edge.to
      if let from, let to, from.run == to.run {
        if from.run == 0 { merged.append(edge) }
        continue
      }
      if from == nil, to == nil {
        merged.append(edge)
        continue
      }
      let crosses = from != nil && to != nil
      if crosses, edge.line != .removed {
        edge.line = .feedback
        edge.label = "next " + Self.base(of: Path.last(of: run[0]))
      }
      let key = "\(edge.from)\n\(edge.to)\n\(edge.line)"
      if let place = known[key] {
        if merged[place].label != edge.label { merged[place].label = "several" }
      } else {
        known[key] = merged.count
        merged.append(edge)
      }
    }
    edges = merged
    repeats[run[0]] = repeated(run)
  }
}
