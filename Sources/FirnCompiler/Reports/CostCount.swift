package import FirnGraph
import FirnOps

/// What each node and each slot of a compiled graph costs.
struct CostCount {
  private struct Item {
    /// The path it belongs to: an adjoint to that of its forward node, a slot to its own below its variable.
    var path: String
    var cost = Cost()
  }

  /// In graph order, slots last.
  private var items: [Item] = []
  /// Results of forward nodes that later phases read.
  private(set) var kept: [KeptValue] = []
  /// What is computed before; nothing where a graph alone is counted.
  private(set) var frozen = FrozenReport.none
  /// What is kept in the place of values, and what is computed again; nothing where a graph alone is counted.
  private(set) var condensed: [CondensedValue] = []
  private(set) var recomputed: [RecomputedScope] = []
  private(set) var remade: [KeptValue] = []

  init(_ compilation: Compilation) {
    self.init(compilation.graph)
    frozen = FrozenReport(compilation)
    condensed = compilation.context.condensed
    recomputed = compilation.context.recomputed.scopes
    remade = compilation.context.remade
  }

  /// What the backward program makes do with.
  var memory: MemoryReport {
    MemoryReport(kept: kept, condensed: condensed, recomputed: recomputed, remade: remade)
  }

  init(_ graph: GraphDef) {
    let held = HeldBuffers(graph)
    items.reserveCapacity(graph.nodes.count)
    for (position, node) in graph.nodes.enumerated() {
      // A program is the nodes in it, each below its own path.
      let body = node.fused?.body
      let first = items.count
      if let body {
        for inner in body.nodes.indices { items.append(Self.item(inner, in: body)) }
      } else {
        items.append(Self.item(position, in: graph))
      }
      for result in node.types.indices {
        let value = Value(position, result)
        let bytes = Quantity(node.types[result].byteCount)
        let (item, name) =
          body.map { (first + $0.outputs[result].node, $0.name(of: $0.outputs[result])) }
          ?? (first, graph.name(of: value))
        switch held[value] {
        case .kept:
          items[item].cost.keptBytes += bytes
          kept.append(KeptValue(name: name, bytes: bytes))
        case .gradient: items[item].cost.gradientBytes += bytes
        case nil: break
        }
      }
    }
    for variable in graph.variables where variable.kind == .slot {
      var item = Item(path: variable.name)
      item.cost.slotBytes = Quantity(variable.type.byteCount)
      items.append(item)
    }
  }

  /// A node with what it computes.
  private static func item(_ position: Int, in graph: GraphDef) -> Item {
    let node = graph.nodes[position]
    var item = Item(path: node.forwardPath)
    let flops = Quantity(node.op.flops(of: node.inputs.map { graph.type(of: $0) }, results: node.types))
    switch node.phase {
    case .forward: (item.cost.forwardFLOPs, item.cost.forwardNodes) = (flops, node.nodeCount)
    case .backward: (item.cost.backwardFLOPs, item.cost.backwardNodes) = (flops, node.nodeCount)
    case .update: (item.cost.updateFLOPs, item.cost.updateNodes) = (flops, node.nodeCount)
    }
    return item
  }

  /// What is at or below a path; all by default.
  func total(within scope: String = "") -> Cost {
    items.reduce(into: Cost()) { sum, item in if Path.isWithin(item.path, scope) { sum += item.cost } }
  }

  /// The scopes of `source`, the graph as it was built, with what is below each; in graph order, outer before inner.
  func scopes(of source: GraphDef) -> [(path: String, cost: Cost)] {
    var known: Set<String> = [""]
    for scope in source.nodes.map(\.scope) + source.variables.map(\.scope) where known.insert(scope).inserted
    {
      known.formUnion(Path.ancestors(of: scope))
    }
    func home(_ path: String) -> String {
      var path = Path.parent(of: path)
      while !known.contains(path) { path = Path.parent(of: path) }
      return path
    }
    var direct: [String: Cost] = [:]
    var order: [String] = []
    for item in items {
      let scope = home(item.path)
      if direct[scope] == nil { order.append(scope) }
      direct[scope, default: Cost()] += item.cost
    }
    var costs: [String: Cost] = [:]
    var scopes: [String] = []
    for scope in order where !scope.isEmpty {
      for path in Path.ancestors(of: scope).reversed() + [scope] {
        if costs[path] == nil { scopes.append(path) }
        costs[path, default: Cost()] += direct[scope] ?? Cost()
      }
    }
    return scopes.map { ($0, costs[$0] ?? Cost()) }
  }
}

extension Cost {
  /// Of a compiled graph.
  ///
  /// - Parameter scope: count only what is at or below this path, adjoint and update nodes with those they belong to.
  package init(_ graph: GraphDef, within scope: String = "") { self = CostCount(graph).total(within: scope) }
}

extension Node {
  /// The node and, for a loop, the nodes of its body, loops in it included; a program is the nodes in it.
  fileprivate var nodeCount: Int {
    if op.effect == .receives { return 0 }
    if let fused { return fused.body.nodes.reduce(0) { $0 + $1.nodeCount } }
    guard let loop else { return 1 }
    return loop.body.nodes.reduce(1) { $0 + $1.nodeCount }
  }
}

/// Which buffers of a plan outlive the phase that writes them.
///
/// A buffer is what a node that runs writes: a view has none, for it shows its operand's; variables, constants and
/// feeds are there anyway. Each is counted once, however many views and readers it has.
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
    let shown = ShownValues(graph)
    for node in graph.nodes where node.phase != .forward {
      if case (.none, .view) = (node.op.effect, node.op.aliasing) { continue }
      for input in node.inputs {
        let source = shown[input]
        let writer = graph.nodes[source.node]
        switch writer.op.effect {
        case .feeds, .receives, .draws, .reads, .holds, .recalls: continue
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
