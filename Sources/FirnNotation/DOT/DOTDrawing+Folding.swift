import FirnGraph

extension DOTDrawing {
  /// Replaces scopes deeper than asked for, and layers if asked for, by one box each; joins edges that then coincide.
  mutating func fold() {
    let depth = options.depth.map { max(0, $0) } ?? .max
    let layers = options.collapsesLayers ? Set(items.filter(\.look.isVariable).map(\.scope)) : []
    if depth == .max, layers.isEmpty { return }
    var boxes: [String: String] = [:]
    var members: [String: [Item]] = [:]
    var order: [String] = []
    var kept: [Item] = []
    for item in items {
      let scopes = item.scope.isEmpty ? [] : Path.ancestors(of: item.scope).reversed() + [item.scope]
      guard let path = scopes.enumerated().first(where: { $0 >= depth || layers.contains($1) })?.element
      else {
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
      repeats[path]?.label ?? loops[path] ?? Path.last(of: path), ops == 1 ? "1 op" : "\(ops) ops",
    ]
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
      onlyBackward ? .foldedBackward : frozen > 0 && trainable + partly == 0 ? .foldedFrozen : .folded
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
