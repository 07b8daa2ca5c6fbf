import FirnGraph

/// What is drawn, before it is text: items in scopes, and edges between them.
struct DOTDrawing {
  struct Item {
    var id: String
    /// The path of the cluster it stands in; a loop's body stands in a cluster named as the loop.
    var scope: String
    var lines: [String]
    var tooltip: String
    var look: DOTLook
    /// Operations it stands for.
    var ops = 0
    /// Elements of the variable it shows, for the count of a folded scope.
    var parameters = 0
  }

  struct Edge {
    var from: String
    var to: String
    var label: String
    var tooltip: String
    var line: DOTLine
    /// Whether it leads to another column, and so does not say what stands below what.
    var turns = false
  }

  var items: [Item] = []
  var edges: [Edge] = []
  /// Clusters that are loops, by path, and what their label says.
  var loops: [String: String] = [:]
  /// Clusters that stand for several scopes, by path.
  var repeats: [String: Repeat] = [:]
  /// The items at the top of columns, left to right; empty where there is one column.
  var columns: [String] = []
  /// Scopes whose variables are all frozen, apart from state.
  private(set) var frozenScopes: Set<String> = []
  let options: DOTOptions
  /// The item that stands for a node of the outermost graph.
  private var anchors: [String: String] = [:]

  init(_ graph: GraphDef, _ options: DOTOptions) {
    self.options = options
    let variables = Dictionary(graph.variables.map { ($0.name, $0) }) { first, _ in first }
    let ends = draw(graph, variables: variables, inside: Context())
    for (index, output) in graph.outputs.enumerated() {
      guard let end = ends[output] else { continue }
      let id = "output:\(index)"
      items.append(
        Item(
          id: id, scope: "",
          lines: ["output \(index)", Self.shortened(Path.last(of: graph.name(of: output)))],
          tooltip: "output \(index): \(graph.name(of: output)) : \(graph.type(of: output))", look: .output))
      edges.append(edge(from: end, to: id, type: graph.type(of: output)))
    }
    for gradient in options.removedGradients {
      guard let consumer = anchors[gradient.consumer], let producer = anchors[gradient.producer] else {
        continue
      }
      edges.append(
        Edge(
          from: consumer, to: producer, label: "no gradient",
          tooltip: "no gradient from \(gradient.consumer) to \(gradient.producer)", line: .removed))
    }
    frozenScopes = scopes { $0 == .frozen }.subtracting(scopes { $0 == .trainable || $0 == .partly })
    foldRepeats()
    fold()
    inlineLoneAdjoints()
    layColumns()
  }

  /// The scopes that hold an item of such a look, at any depth.
  private func scopes(holding matches: (DOTLook) -> Bool) -> Set<String> {
    var result: Set<String> = []
    for item in items where matches(item.look) && !item.scope.isEmpty {
      result.formUnion([item.scope] + Path.ancestors(of: item.scope))
    }
    return result
  }

  /// Every forward node gives its adjoints a scope; those that hold just one need no cluster.
  private mutating func inlineLoneAdjoints() {
    var counts: [String: Int] = [:]
    for item in items {
      counts[item.scope, default: 0] += 1
      for scope in Path.ancestors(of: item.scope) { counts[scope, default: 0] += 1 }
    }
    for index in items.indices where items[index].look == .backward {
      let scope = items[index].scope
      guard counts[scope] == 1, !scope.isEmpty, loops[scope] == nil, repeats[scope] == nil else { continue }
      items[index].scope = Path.parent(of: scope)
      items[index].lines[0] = Self.shortened(Path.last(of: scope) + "/" + items[index].lines[0])
    }
  }

  /// Where a graph stands: the outermost one, or the body of a loop.
  private struct Context {
    var prefix = ""
    var scope = ""
    var phase = Node.Phase.forward
    /// Parameters that hand on the random state, which is not drawn.
    var hidden: Set<Int> = []
  }

  /// Where an edge from a value starts.
  private struct End {
    var id: String
    var line = DOTLine.data
    /// Sources say their type themselves.
    var saysType = false
  }

  // MARK: Nodes

  /// Draws the nodes of `graph` and says where edges from their results start.
  private mutating func draw(
    _ graph: GraphDef, variables: [String: Variable], inside context: Context
  ) -> [Value: End] {
    var ends: [Value: End] = [:]
    var random = context.hidden
    let consumers = graph.consumers
    for (position, node) in graph.nodes.enumerated() {
      let phase = node.phase == .forward ? context.phase : node.phase
      if phase != .forward, !options.showsBackward { continue }
      if node.op.effect == .draws, !graph.outputs.contains(Value(position)) { random.insert(position) }
      if random.contains(position) { continue }
      if let array = (node.op as? Constant)?.array, array.elementCount == 1 { continue }
      let isUnused = consumers[position].isEmpty && !graph.outputs.contains(Value(position))
      if isUnused, (node.op as? LoopInput)?.kind == .index { continue }
      let id = context.prefix + node.name
      let isRandom = node.inputs.contains { random.contains($0.node) }
      if let body = graph.nestedGraph(of: position), !body.isFused {
        let hidden = node.inputs.map { random.contains($0.node) }
        ends.merge(
          drawLoop(node, at: position, body: body, hidden: hidden, isRandom: isRandom, phase: phase, context)
        ) { $1 }
        connect(node, in: graph, to: id, ends: ends, random: random, isLoop: true, context)
        continue
      }
      var item = Item(
        id: id, scope: Path.joined(context.scope, node.scope), lines: Self.lines(for: node),
        tooltip: Self.tooltip(for: node), look: .op, ops: 1)
      if let body = graph.nestedGraph(of: position) {
        let inner = body.nodes.filter { $0.op.effect != .receives }
        item.ops = inner.count
        item.lines.append("\(inner.count) ops")
        item.tooltip += "\n" + inner.map { "\($0.name) = \($0.mnemonic)" }.joined(separator: "\n")
      }
      describe(&item, node, phase: phase, variables: variables)
      if isRandom {
        item.lines.append("random")
        if item.look == .op { item.look = .random }
      }
      items.append(item)
      if context.prefix.isEmpty { anchors[node.name] = id }
      let saysType = node.inputs.isEmpty
      for result in node.types.indices { ends[Value(position, result)] = End(id: id, saysType: saysType) }
      connect(node, in: graph, to: id, ends: ends, random: random, isLoop: false, context)
    }
    return ends
  }

  private func describe(_ item: inout Item, _ node: Node, phase: Node.Phase, variables: [String: Variable]) {
    let type = node.types.first?.description ?? ""
    switch node.op.effect {
    case .feeds: (item.look, item.ops, item.lines) = (.placeholder, 0, [item.lines[0], "placeholder", type])
    case .receives: (item.look, item.ops, item.lines) = (.parameter, 0, item.lines + [type])
    case .reads(let name):
      item.ops = 0
      guard let variable = variables[name] else { break }
      let status = options.status(variable)
      let words = variable.kind == .slot ? "optimiser slot" : DOTLook.words(status)
      item.look = DOTLook(status)
      item.parameters = variable.elementCount
      item.lines = [Path.last(of: name), type, words]
      item.tooltip += "\nvariable \(name), \(words)"
    case .writes(let name):
      (item.look, item.lines) = (.update, ["assign", Path.last(of: name)])
      item.tooltip += "\nwrites variable \(name)"
    case .recalls:
      (item.look, item.ops, item.lines) = (.bound, 0, [item.lines[0], "computed once", type])
    case .draws: item.lines.append(type)
    case .holds: (item.look, item.ops, item.lines) = (.constant, 0, [item.lines[0], "constant", type])
    case .none:
      if (node.op as? PassThrough)?.kind == .stopGradient {
        item.look = .stop
      } else if options.computedOnce.contains(item.id) {
        item.look = .bound
        item.tooltip += "\ncomputed once, when variables are bound"
        // The smaller type that what is frozen is held in.
        if case .string(let storage)? = node.op.attributes["storage"] { item.lines.append(storage) }
      } else {
        item.look = phase == .backward ? .backward : phase == .update ? .update : .op
      }
    }
  }

  // MARK: Edges

  private mutating func connect(
    _ node: Node, in graph: GraphDef, to id: String, ends: [Value: End], random: Set<Int>, isLoop: Bool,
    _ context: Context
  ) {
    let entries = isLoop ? loopEntries[id] ?? [:] : [:]
    for (operand, input) in node.inputs.enumerated() where !random.contains(input.node) {
      let targets = entries[operand] ?? [isLoop ? control(of: node, context) : id]
      for target in targets {
        let type = graph.type(of: input)
        if let array = (graph.nodes[input.node].op as? Constant)?.array, array.elementCount == 1 {
          let source = graph.nodes[input.node]
          let copy = "\(context.prefix)\(source.name)>\(id)>\(operand)"
          let scope = isLoop ? Path.joined(context.scope, node.scope) : items.last?.scope ?? ""
          items.append(
            Item(
              id: copy, scope: scope, lines: [Self.scalar(array)], tooltip: Self.tooltip(for: source),
              look: .scalar))
          edges.append(
            Edge(
              from: copy, to: target, label: "", tooltip: "\(source.name) : \(type)",
              line: isLoop ? .boundary : .data))
        } else if var end = ends[input] {
          if isLoop { end.line = .boundary }
          edges.append(edge(from: end, to: target, type: type, name: graph.name(of: input)))
        }
      }
    }
    if case .writes(let name) = node.op.effect {
      if let reader = graph.nodes.first(where: { $0.op.effect == .reads(name) }), anchors[reader.name] != nil
      {
        edges.append(
          Edge(
            from: id, to: reader.name, label: "next run", tooltip: "\(node.name) writes \(name)",
            line: .feedback))
      }
    }
  }

  private func edge(from end: End, to target: String, type: TensorType, name: String? = nil) -> Edge {
    Edge(
      from: end.id, to: target, label: end.saysType ? "" : type.description,
      tooltip: "\(name ?? end.id) : \(type)",
      line: name.map(options.stored.contains) == true && end.line == .data ? .stored : end.line)
  }

  // MARK: Loops

  /// For each loop, by id: the items inside that an operand leads to.
  private var loopEntries: [String: [Int: [String]]] = [:]

  private mutating func drawLoop(
    _ node: Node, at position: Int, body: GraphDef, hidden: [Bool], isRandom: Bool, phase: Node.Phase,
    _ context: Context
  ) -> [Value: End] {
    let id = context.prefix + node.name
    let scope = Path.joined(context.scope, node.name)
    loops[scope] = Path.last(of: node.name) + " (\(node.mnemonic)\(isRandom ? ", random" : ""))"
    var inner = Context(prefix: id + "//", scope: scope, phase: phase)
    let map = LoopMap(node, body: body)
    var entries: [Int: [String]] = [:]
    for (index, parameter) in body.nodes.enumerated() {
      guard let operand = map.operands[index], hidden.indices.contains(operand) else { continue }
      if hidden[operand] {
        inner.hidden.insert(index)
      } else {
        entries[operand, default: []].append(inner.prefix + parameter.name)
      }
    }
    loopEntries[id] = entries
    let ends = draw(body, variables: [:], inside: inner)
    for (index, output) in map.carries {
      guard let end = ends[body.outputs[output]] else { continue }
      edges.append(
        Edge(
          from: end.id, to: inner.prefix + body.nodes[index].name, label: "next step",
          tooltip: "the next value of \(body.nodes[index].name)", line: .feedback))
    }
    var results: [Value: End] = [:]
    for result in node.types.indices {
      if let output = map.outputs[result], let end = ends[body.outputs[output]] {
        results[Value(position, result)] = End(id: end.id, line: .boundary)
      } else {
        results[Value(position, result)] = End(id: control(of: node, context), line: .boundary)
      }
    }
    if context.prefix.isEmpty {
      anchors[node.name] = results[Value(position)]?.id ?? control(of: node, context)
    }
    return results
  }

  /// The item that stands for a loop where an edge has no better end; made when first needed.
  private mutating func control(of node: Node, _ context: Context) -> String {
    let id = context.prefix + node.name
    if !items.contains(where: { $0.id == id }) {
      items.append(
        Item(
          id: id, scope: Path.joined(context.scope, node.name), lines: [node.mnemonic],
          tooltip: Self.tooltip(for: node), look: .parameter))
    }
    return id
  }
}

extension GraphDef {
  /// Whether it is the body of no loop but of a program that one op runs at once: one box, which lists what is in it.
  fileprivate var isFused: Bool {
    nodes.contains { $0.op.effect == .receives } && !nodes.contains { $0.op is LoopInput }
  }
}

/// Which operands and results of a loop belong to which parameters and outputs of its body.
private struct LoopMap {
  /// By position in the body's nodes: the operand that feeds this parameter.
  var operands: [Int: Int] = [:]
  /// By result: the output it is made of.
  var outputs: [Int: Int] = [:]
  /// Parameters that are carries, by position in the body, and the output that is their next value.
  var carries: [(parameter: Int, output: Int)] = []

  /// Asks the op; one that does not say has its carries, slices and captures as operands in this order.
  init(_ node: Node, body: GraphDef) {
    let parameters = body.nodes.enumerated().compactMap { index, node in
      (node.op as? LoopInput).map { (index: index, op: $0) }
    }
    func count(_ kind: LoopInput.Kind) -> Int {
      parameters.filter { $0.op.kind == kind }.map { $0.op.position + 1 }.max() ?? 0
    }
    let loop = node.op as? any LoopOp
    for (index, parameter) in parameters {
      if let loop {
        operands[index] = loop.operand(of: parameter)
      } else {
        switch parameter.kind {
        case .index: break
        case .carry: operands[index] = parameter.position
        case .slice: operands[index] = count(.carry) + parameter.position
        case .capture: operands[index] = count(.carry) + count(.slice) + parameter.position
        }
      }
      if parameter.kind == .carry, body.outputs.indices.contains(parameter.position) {
        carries.append((index, parameter.position))
      }
    }
    for result in node.types.indices {
      if body.outputs.indices.contains(result) { outputs[result] = result }
    }
  }
}

// MARK: Labels

extension DOTDrawing {
  /// Longer names are shortened in the middle; the tooltip has them whole.
  private static let labelLimit = 28

  /// The last component of its path and, where that does not say it, the op.
  private static func lines(for node: Node) -> [String] {
    let last = Path.last(of: node.name)
    if let parameter = node.op as? LoopInput {
      return parameter.kind.rawValue == last ? [last] : [shortened(last), parameter.kind.rawValue]
    }
    return last.hasPrefix(node.mnemonic) ? [shortened(last)] : [shortened(last), node.mnemonic]
  }

  static func shortened(_ text: String) -> String {
    text.count <= labelLimit ? text : "\(text.prefix(labelLimit / 2))…\(text.suffix(labelLimit / 2 - 1))"
  }

  private static func tooltip(for node: Node) -> String {
    let types = node.types.map(\.description).joined(separator: ", ")
    let location = node.location.map { "\n\($0)" } ?? ""
    return "\(node.name) = \(node.mnemonic) : \(types)\(location)"
  }

  private static func scalar(_ array: NDArray) -> String {
    let value = array.number(at: 0)
    switch array.dtype {
    case .bool: return value == 0 ? "false" : "true"
    case .i32: return "\(Int(value))"
    case .f32, .f64:
      if let whole = Int(exactly: value), whole.magnitude < 1_000_000 { return "\(whole)" }
      return array.dtype == .f32 ? "\(Float(value))" : "\(value)"
    }
  }
}
