public import FirnGraph

extension GraphDef {
  /// The graph as Graphviz DOT: scopes as nested clusters, loops with their bodies inside.
  ///
  /// Folded to what a person can read unless the options say otherwise; what a program froze is frozen in its graph. The
  /// same graph and options give the same text. Scalar constants are drawn beside each use, and random ops carry
  /// the word instead of an edge from the random state.
  public func dot(_ options: DOTOptions = .init()) -> String {
    let options = options.knowing(decided)
    var writer = DOTWriter(drawing: DOTDrawing(self, options))
    writer.write(options)
    return writer.text
  }
}

/// Writes a drawing as DOT.
private struct DOTWriter {
  let drawing: DOTDrawing
  var text = ""

  init(drawing: DOTDrawing) { self.drawing = drawing }

  mutating func write(_ options: DOTOptions) {
    text = "digraph \(Self.quoted(options.title ?? "firn")) {\n"
    var graph = [
      ("fontname", "Helvetica"), ("fontsize", "11"), ("nodesep", "0.25"), ("ranksep", "0.4"),
      ("tooltip", options.title ?? "graph"),
    ]
    // Rows across frames: heads of columns stand in one, whatever scopes they are in.
    if !drawing.columns.isEmpty { graph.append(("newrank", "true")) }
    if let title = options.title { graph += [("label", title), ("labelloc", "t")] }
    text += "  graph\(Self.list(graph));\n"
    text += "  node\(Self.list([("fontname", "Helvetica"), ("fontsize", "10"), ("margin", "0.1,0.05")]));\n"
    text +=
      "  edge\(Self.list([("fontname", "Helvetica"), ("fontsize", "8"), ("fontcolor", "#4b5563"), ("color", "#6b7280"), ("arrowsize", "0.7")]));\n"
    write(ScopeTree(drawing.items), indent: "  ")
    for edge in drawing.edges {
      var attributes = edge.line.attributes
      if edge.turns, !attributes.contains(where: { $0.0 == "constraint" }) {
        attributes += [("constraint", "false"), ("color", "#1558b0")]
      }
      if !edge.label.isEmpty { attributes.append(("label", " " + edge.label)) }
      attributes += [
        ("tooltip", edge.tooltip), ("labeltooltip", edge.tooltip), ("class", edge.line.cssClass),
      ]
      text += "  \(Self.quoted(edge.from)) -> \(Self.quoted(edge.to))\(Self.list(attributes));\n"
    }
    writeColumns()
    if options.legend { writeLegend() }
    text += "}\n"
  }

  /// The heads of columns in one row, in this order.
  private mutating func writeColumns() {
    guard !drawing.columns.isEmpty else { return }
    text += "  { rank=\"same\"; " + drawing.columns.map { Self.quoted($0) + "; " }.joined() + "}\n"
    for (left, right) in zip(drawing.columns, drawing.columns.dropFirst()) { order(left, right) }
  }

  private mutating func write(_ scope: ScopeTree, indent: String) {
    for index in scope.items {
      let item = drawing.items[index]
      let attributes =
        item.look.attributes + [
          ("label", item.lines.joined(separator: "\n")), ("tooltip", item.tooltip),
          ("class", item.look.cssClass),
        ]
      text += "\(indent)\(Self.quoted(item.id))\(Self.list(attributes));\n"
    }
    for child in scope.children {
      let isFrozen = drawing.frozenScopes.contains(child.path)
      let loop = drawing.loops[child.path]
      let several = drawing.repeats[child.path]
      let name =
        several.map { "\($0.label): \($0.which)" } ?? DOTDrawing.shortened(loop ?? Path.last(of: child.path))
      let classes = [
        "scope", loop == nil ? nil : "loop", isFrozen ? "frozen" : nil, several == nil ? nil : "repeated",
      ]
      let attributes = [
        ("label", name + (isFrozen ? " (frozen)" : "")),
        ("tooltip", several?.tooltip ?? child.path),
        ("class", classes.compactMap(\.self).joined(separator: " ")),
        ("style", isFrozen ? "rounded,dashed" : loop == nil ? "rounded" : "bold"),
        ("color", "#9ca3af"), ("bgcolor", loop == nil ? "#0000000a" : "#1558b00d"), ("labeljust", "l"),
      ]
      text += "\(indent)subgraph \(Self.quoted("cluster:" + child.path)) {\n"
      text += "\(indent)  graph\(Self.list(attributes));\n"
      write(child, indent: indent + "  ")
      text += "\(indent)}\n"
    }
  }

  /// The looks and lines that occur, each once, in rows of a frame of its own: samples of one size, each with what it
  /// means at its right, in columns.
  private mutating func writeLegend() {
    let size = [("fixedsize", "true"), ("width", "0.7"), ("height", "0.35")]
    var entries: [(id: String, sample: [(String, String)], line: [(String, String)], words: String)] = []
    for look in DOTLook.allCases where drawing.items.contains(where: { $0.look == look }) {
      guard let explanation = look.explanation else { continue }
      let attributes = look.attributes.filter { $0.0 != "margin" }
      entries.append(("\(look)", attributes + size + [("label", "")], [("style", "invis")], explanation))
    }
    for line in DOTLine.allCases where drawing.edges.contains(where: { $0.line == line }) {
      let attributes = line.attributes.filter { $0.0 != "constraint" }
      let sample = [("shape", "point"), ("width", "0.05")]
      entries.append(("\(line)-line", sample, attributes + [("minlen", "2")], line.explanation))
    }
    text += "  subgraph \"cluster:legend\" {\n"
    text += "    graph\(Self.list([("label", "legend"), ("style", "solid"), ("color", "#d1d5db")]));\n"
    let columns = 3
    for (number, entry) in entries.enumerated() {
      let (sample, words) = ("legend:\(entry.id)", "legend:\(entry.id):words")
      text += "    \(Self.quoted(sample))\(Self.list(entry.sample));\n"
      let look = [
        ("shape", "plaintext"), ("fixedsize", "true"), ("width", "2.1"), ("height", "0.35"), ("margin", "0"),
      ]
      text += "    \(Self.quoted(words)) [" + look.map { "\($0)=\(Self.quoted($1))" }.joined(separator: ", ")
      // `\l` sets the line at the left.
      text += ", label=\"\(entry.words)\\l\"];\n"
      text += "    \(Self.quoted(sample)) -> \(Self.quoted(words))\(Self.list(entry.line));\n"
      if number % columns > 0 {
        order("legend:\(entries[number - 1].id):words", sample)
      } else {
        let row = entries[number..<min(number + columns, entries.count)]
        let ids = row.flatMap { ["legend:\($0.id)", "legend:\($0.id):words"] }
        text += "    { rank=\"same\"; " + ids.map { Self.quoted($0) + "; " }.joined() + "}\n"
      }
      if number >= columns { order("legend:\(entries[number - columns].id):words", words, weight: 100) }
    }
    text += "  }\n"
  }

  /// Puts `first` above `second`, in one row before it, by an edge nobody sees; the heavier, the straighter.
  private mutating func order(_ first: String, _ second: String, weight: Int = 1) {
    text += "    \(Self.quoted(first)) -> \(Self.quoted(second)) [style=\"invis\", weight=\"\(weight)\"];\n"
  }

  // MARK: Quoting

  private static func list(_ attributes: [(String, String)]) -> String {
    " [" + attributes.map { "\($0)=\(quoted($1))" }.joined(separator: ", ") + "]"
  }

  /// A DOT string whose backslashes stand for themselves and whose line breaks are DOT's `\n`.
  private static func quoted(_ text: String) -> String {
    // Hardly any has what is not as it stands.
    guard text.utf8.contains(where: { $0 < 0x20 || $0 == 0x22 || $0 == 0x5C || $0 == 0x7F }) else {
      return "\"\(text)\""
    }
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case _ where scalar.value < 0x20 || scalar.value == 0x7f: result += " "
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}

/// Clusters by path, in the order their first item was drawn.
private struct ScopeTree {
  var path = ""
  /// Positions in the drawing's items.
  var items: [Int] = []
  var children: [ScopeTree] = []

  init(_ drawn: [DOTDrawing.Item]) {
    for (index, item) in drawn.enumerated() { insert(index, below: item.scope.split(separator: "/")[...]) }
  }

  private init(path: String) { self.path = path }

  private mutating func insert(_ index: Int, below parts: ArraySlice<Substring>) {
    guard let first = parts.first else {
      items.append(index)
      return
    }
    let path = Path.joined(self.path, String(first))
    let place = children.firstIndex { $0.path == path } ?? children.endIndex
    if place == children.endIndex { children.append(ScopeTree(path: path)) }
    children[place].insert(index, below: parts.dropFirst())
  }
}
