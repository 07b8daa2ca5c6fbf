import FirnGraph

extension DOTDrawing {
  /// As many boxes as are read at a glance, about what fits on a page.
  private static let readable = 40

  /// Replaces scopes deeper than asked for, and layers and loops if asked for, by one box each; joins edges that then
  /// coincide.
  mutating func fold() {
    let layers =
      options.collapsesLayers ? Set(items.filter(\.look.isVariable).map(\.scope)).union(loops.keys) : []
    if let depth = options.depth {
      fold(below: max(0, depth), layers)
    } else if options.collapsesLayers {
      // As deep as can be read; what is opened is meant to be seen, however much it is.
      let deepest = items.reduce(0) { max($0, $1.scope.split(separator: "/").count) }
      let depth = (0...deepest).reversed().first { shown(below: $0, layers) <= Self.readable } ?? 0
      fold(below: depth, layers)
    }
  }

  /// The scope whose box an item goes into; nil where it is drawn.
  private func folded(_ item: Item, below depth: Int, _ layers: Set<String>) -> String? {
    let scopes = item.scope.isEmpty ? [] : Path.ancestors(of: item.scope).reversed() + [item.scope]
    return scopes.enumerated().first { number, scope in
      (number >= depth || layers.contains(scope)) && !options.opens(scope)
    }?.element
  }

  /// How many boxes and other items are left, apart from what is opened.
  private func shown(below depth: Int, _ layers: Set<String>) -> Int {
    var boxes: Set<String> = []
    var others = 0
    for item in items where item.look != .scalar && !(options.opens(item.scope) && !item.scope.isEmpty) {
      if let path = folded(item, below: depth, layers) { boxes.insert(path) } else { others += 1 }
    }
    return boxes.count + others
  }

  private mutating func fold(below depth: Int, _ layers: Set<String>) {
    if depth == .max, layers.isEmpty { return }
    var boxes: [String: String] = [:]
    var members: [String: [Item]] = [:]
    var order: [String] = []
    var kept: [Item] = []
    for item in items {
      guard let path = folded(item, below: depth, layers) else {
        kept.append(item)
        continue
      }
      boxes[item.id] = "scope:" + path
      if members[path] == nil { order.append(path) }
      members[path, default: []].append(item)
    }
    items = kept + order.map { box($0, members[$0] ?? []) }
    var places: [String: Int] = [:]
    var merged: [Edge] = []
    for edge in edges {
      var edge = edge
      let isInside = boxes[edge.from] != nil && boxes[edge.from] == boxes[edge.to]
      if isInside { continue }
      let isFolded = boxes[edge.from] != nil || boxes[edge.to] != nil
      edge.from = boxes[edge.from] ?? edge.from
      edge.to = boxes[edge.to] ?? edge.to
      let key = "\(edge.from)\n\(edge.to)\n\(edge.line)"
      if isFolded, let place = places[key] {
        if merged[place].label != edge.label { merged[place].label = "several" }
        merged[place].tooltip += "\n" + edge.tooltip
      } else {
        places[key] = merged.count
        merged.append(edge)
      }
    }
    edges = merged
  }

  private func box(_ path: String, _ members: [Item]) -> Item {
    func count(_ look: DOTLook) -> Int {
      members.reduce(0) { $0 + ($1.look == look ? $1.parameters : 0) }
    }
    let ops = members.reduce(0) { $0 + $1.ops }
    let (trainable, partly) = (count(.trainable), count(.partly))
    let (frozen, state) = (count(.frozen), count(.state))
    var lines = [
      repeats[path]?.label ?? loops[path] ?? Path.last(of: path), repeats[path]?.which,
      ops == 1 ? "1 op" : "\(ops) ops",
    ].compactMap(\.self)
    let statuses = [
      (trainable, "trainable"), (partly, "partly frozen"), (frozen, "frozen"), (state, "state"),
    ]
    for (number, status) in statuses where number > 0 {
      lines.append("\(Self.grouped(number)) \(status)")
    }
    let onlyBackward =
      members.contains { $0.look == .backward }
      && members.allSatisfy { [.backward, .scalar, .constant, .parameter].contains($0.look) }
    let look: DOTLook =
      if onlyBackward {
        .foldedBackward
      } else if trainable + partly + frozen == 0 {
        .folded
      } else if trainable + partly == 0 {
        .foldedFrozen
      } else {
        partly + frozen == 0 ? .foldedTrainable : .foldedPartly
      }
    return Item(
      id: "scope:" + path, scope: Path.parent(of: path), lines: lines,
      tooltip:
        "\(repeats[path]?.tooltip ?? path): \(ops) ops, \(Self.grouped(trainable + partly + frozen)) parameters",
      look: look)
  }

  /// `1234567` as `1,234,567`.
  private static func grouped(_ number: Int) -> String {
    var result = ""
    for (index, digit) in String(number).reversed().enumerated() {
      if index > 0, index % 3 == 0 { result = "," + result }
      result = String(digit) + result
    }
    return result
  }
}
