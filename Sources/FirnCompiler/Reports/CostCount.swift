import FirnGraph

/// Costs of a compiled graph, summed over scopes.
struct CostCount {
  private(set) var total = Cost()
  /// In graph order, outer before inner.
  private(set) var scopes: [String] = []
  /// Results of forward nodes that later phases read.
  private(set) var kept: [KeptValue] = []
  private var costs: [String: Cost] = [:]

  subscript(scope: String) -> Cost { costs[scope] ?? Cost() }

  /// - Parameter source: the graph as it was built, whose scopes are reported.
  init(_ graph: GraphDef, of source: GraphDef) {
    let held = HeldBuffers(graph)
    var known: Set<String> = [""]
    for scope in source.nodes.map(\.scope) + source.variables.map(\.scope) where known.insert(scope).inserted
    {
      known.formUnion(Path.ancestors(of: scope))
    }
    // An adjoint stands below the path of its forward node, a slot below that of its variable.
    func home(_ path: String) -> String {
      var path = path
      while !known.contains(path) { path = Path.parent(of: path) }
      return path
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
        switch held[value] {
        case .kept:
          cost.keptBytes += bytes
          kept.append(KeptValue(name: graph.name(of: value), bytes: bytes))
        case .gradient: cost.gradientBytes += bytes
        case nil: break
        }
      }
      add(cost, to: home(Path.parent(of: node.forwardPath)))
    }
    for variable in graph.variables where variable.kind == .slot {
      var cost = Cost()
      cost.slotBytes = Quantity(variable.type.byteCount)
      add(cost, to: home(variable.scope))
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

/// Which buffers of a plan outlive the phase that writes them.
///
/// A buffer is what a node that runs writes: a view has none, for it shows its operand's; variables, constants and feeds
/// are there anyway. Each is counted once, however many views and readers it has.
private struct HeldBuffers {
  enum Use {
    /// Written by a forward node, read by a later phase.
    case kept
    /// Written by a backward node, read by an update.
    case gradient
  }

  private let index: ValueIndex
  private var uses: [Use?]

  subscript(value: Value) -> Use? { uses[index[value]] }

  init(_ graph: GraphDef) {
    index = ValueIndex(graph)
    uses = Array(repeating: nil, count: index.count)
    /// For each value the one whose bytes it shows.
    var shown: [Value] = []
    shown.reserveCapacity(index.count)
    for (position, node) in graph.nodes.enumerated() {
      for result in node.types.indices {
        guard result == 0, case .view(let operand) = node.op.aliasing else {
          shown.append(Value(position, result))
          continue
        }
        let source = shown[index[node.inputs[operand]]]
        // One variable is not overwritten straight from another: a copy is made first.
        switch (node.op.effect, graph.nodes[source.node].op.effect) {
        case (.writes, .reads): shown.append(Value(position))
        default: shown.append(source)
        }
      }
    }
    for node in graph.nodes where node.phase != .forward {
      if case (.none, .view) = (node.op.effect, node.op.aliasing) { continue }
      for input in node.inputs {
        let source = shown[index[input]]
        let writer = graph.nodes[source.node]
        switch writer.op.effect {
        case .feeds, .receives, .draws, .reads, .holds: continue
        case .none, .writes: break
        }
        switch (writer.phase, node.phase) {
        case (.forward, _): uses[index[source]] = .kept
        case (.backward, .update): uses[index[source]] = .gradient
        default: break
        }
      }
    }
  }
}
