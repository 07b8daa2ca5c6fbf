public import FirnGraph

extension Explanation {
  /// What a step costs, in all and by scope, with this selection and with nothing frozen.
  ///
  /// Counted over the compiled graphs.
  ///
  /// - Throws: what compiling throws; without a loss there is nothing to cost.
  public func cost() throws(FirnError) -> CostReport {
    let own = CostCount(try compiled())
    var request = request
    request.freezing = nil
    request.thawing = try allParameters()
    let whole = (try? Compiler.compile(request)).map { CostCount($0.graph) }
    let scopes = (whole ?? own).scopes
    let known = Set(scopes)
    return CostReport(
      total: own.total, unfrozen: whole?.total,
      scopes: (scopes + own.scopes.filter { !known.contains($0) }).map { path in
        .init(path: path, cost: own[path], unfrozen: whole.map { $0[path] })
      })
  }

  /// What freezing one more variable would save, and which kept results it alone holds.
  ///
  /// - Throws: `.unknownName`; `.noGradient` for the only trained variable.
  public func pin(_ name: String) throws(FirnError) -> Pin {
    let variable = try variable(name)
    let own = try compiled()
    guard trainability.isTrained(name) else { return Pin(variable: name, saved: Cost(), kept: []) }
    var request = request
    // Thawing wins over freezing, so the variable has to leave both.
    let one = try Selection(variable.name)
    request.freezing = request.freezing.map { $0 | one } ?? one
    request.thawing = try thawed(without: name)
    let (before, after) = (CostCount(own), CostCount(try Compiler.compile(request).graph))
    let left = Set(after.kept.map(\.name))
    return Pin(
      variable: name, saved: before.total - after.total, kept: before.kept.filter { !left.contains($0.name) })
  }

  /// For each trained variable, what freezing it too would save; each is one compilation.
  public func pins() throws(FirnError) -> [Pin] {
    var result: [Pin] = []
    let trained = variables.filter { [.trained, .partly].contains(standing(of: $0).0) }
    if trained.count < 2 { return [] }
    for variable in trained { result.append(try pin(variable.name)) }
    return result
  }

  func compiled() throws(FirnError) -> GraphDef {
    guard request.training != nil else {
      throw FirnError(.invalidArgument, "without a loss nothing is trained", remedy: "name the loss")
    }
    return try Compiler.compile(request).graph
  }

  private func allParameters() throws(FirnError) -> Selection? {
    try union(variables.filter { $0.kind == .parameter && !$0.isTrainable }.map(\.name))
  }

  private func thawed(without name: String) throws(FirnError) -> Selection? {
    guard request.thawing != nil else { return nil }
    return try union(
      variables.map(\.name).filter {
        if case .thawedBySelection = trainability.decision($0) { $0 != name } else { false }
      })
  }

  private func union(_ names: [String]) throws(FirnError) -> Selection? {
    var parts: [Selection] = []
    for name in names { parts.append(try Selection(name)) }
    // In halves, so that thousands of names nest a dozen deep.
    while parts.count > 1 {
      parts = stride(from: 0, to: parts.count, by: 2).map { place in
        place + 1 < parts.count ? parts[place] | parts[place + 1] : parts[place]
      }
    }
    return parts.first
  }
}

/// Costs of a compiled graph, summed over scopes.
struct CostCount {
  private(set) var total = Cost()
  /// In graph order, outer before inner.
  private(set) var scopes: [String] = []
  /// Results of forward nodes that backward nodes read.
  private(set) var kept: [KeptValue] = []
  private var costs: [String: Cost] = [:]

  subscript(scope: String) -> Cost { costs[scope] ?? Cost() }

  init(_ graph: GraphDef) {
    let index = ValueIndex(graph)
    // What a view shows.
    var roots = Array(0..<index.count)
    var owners: [Value] = []
    for (position, node) in graph.nodes.enumerated() {
      for result in node.types.indices {
        owners.append(Value(position, result))
        if case .view(let operand) = node.op.aliasing, result == 0 {
          roots[index[owners[owners.count - 1]]] = roots[index[node.inputs[operand]]]
        }
      }
    }
    var isKept = [Bool](repeating: false, count: index.count)
    var isGradient = isKept
    for node in graph.nodes where node.phase != .forward {
      for input in node.inputs {
        let root = roots[index[input]]
        let producer = graph.nodes[owners[root].node]
        guard case .none = producer.op.effect, !(producer.op is Constant) else { continue }
        if node.phase == .backward, producer.phase == .forward { isKept[root] = true }
        if node.phase == .update, producer.phase == .backward { isGradient[root] = true }
      }
    }
    var direct: [String: Cost] = [:]
    var order: [String] = []
    func add(_ cost: Cost, to scope: String) {
      if direct[scope] == nil { order.append(scope) }
      direct[scope] = direct[scope].map { $0 + cost } ?? cost
    }
    for (position, node) in graph.nodes.enumerated() {
      var cost = Cost()
      let flops = Quantity(node.op.flops(of: node.inputs.map { graph.type(of: $0) }, results: node.types))
      switch node.phase {
      case .forward: cost.forwardFLOPs = flops
      case .backward: cost.backwardFLOPs = flops
      case .update: cost.updateFLOPs = flops
      }
      for result in node.types.indices {
        let value = Value(position, result)
        let bytes = Quantity(node.types[result].byteCount)
        if isKept[index[value]] {
          cost.keptBytes += bytes
          kept.append(KeptValue(name: graph.name(of: value), bytes: bytes))
        }
        if isGradient[index[value]] { cost.gradientBytes += bytes }
      }
      add(cost, to: Path.parent(of: node.forwardPath))
    }
    for variable in graph.variables where variable.kind == .slot {
      var cost = Cost()
      cost.slotBytes = Quantity(variable.type.byteCount)
      // `scope/variable/optimiser/slot`.
      add(cost, to: Path.parent(of: Path.parent(of: variable.scope)))
    }
    for scope in order {
      guard let cost = direct[scope] else { continue }
      total = total + cost
      guard !scope.isEmpty else { continue }
      for path in Path.ancestors(of: scope).reversed() + [scope] {
        if costs[path] == nil { scopes.append(path) }
        costs[path] = costs[path].map { $0 + cost } ?? cost
      }
    }
  }
}
