package import FirnGraph

/// Where gradients travel in a graph between what is differentiated and variables, found by a handful of linear walks.
package struct LossFlow: Sendable {
  package let graph: GraphDef
  /// The edges that gradients could take.
  package let routes: FlowGraph
  /// The values that are differentiated; for a training program the loss alone, and none where nothing is trained.
  let ends: [Int]
  /// What reasons call these values.
  private let names: [String]
  /// Values held constant, besides what stops hold.
  private let held: Set<Int>
  private let variableReads: [(variable: String, value: Value)]
  /// What only reports and errors ask for, worked out when one does.
  private let trails = Once<Trails, Never>()

  private struct Trails: Sendable {
    var reads: [String: [Int]]
    var ways: FlowGraph.Ways
    /// For each value that `ends` depend on and no gradient reaches, where its paths are first cut.
    var cuts: [[Int]]
  }

  /// How many cutting nodes are listed where all variables are answered at once.
  static let listed = 4

  /// - Parameters:
  ///   - names: what the sources are called where the graph was built; by default as in `graph`.
  ///   - held: values held constant.
  ///   - reads: what variables are read by; by default all nodes that read one.
  init(
    _ graph: GraphDef, of sources: [Value], named names: [String]? = nil, holding held: [Value] = [],
    reads: [(variable: String, value: Value)]? = nil
  ) {
    self.graph = graph
    self.names = names ?? sources.map { graph.name(of: $0) }
    routes = FlowGraph(graph.nodes, holding: held)
    let index = routes.index
    ends = sources.map { index[$0] }
    self.held = Set(held.map { index[$0] })
    variableReads = reads ?? graph.variableReads
  }

  private var known: Trails {
    trails {
      let ways = routes.ways(to: ends)
      return Trails(
        reads: Dictionary(grouping: variableReads, by: \.variable)
          .mapValues { $0.map { routes.index[$0.value] } },
        ways: ways, cuts: routes.firstCuts(along: ways, limit: Self.listed))
    }
  }

  /// By variable, the values by which it would be differentiated.
  var reads: [String: [Int]] { known.reads }

  /// From each value, the way with the fewest cuts to what is differentiated.
  var ways: FlowGraph.Ways { known.ways }

  /// Whether what is differentiated is the variable itself.
  func isDifferentiated(_ variable: String) -> Bool {
    reads[variable]?.contains(where: ends.contains) == true
  }

  /// Whether a gradient reaches a variable.
  func isOpen(to variable: String) -> Bool {
    let known = known
    return known.reads[variable]?.contains(where: known.ways.isOpen) == true
  }

  /// Whether what is differentiated depends on a variable, be it along paths that no gradient takes.
  func depends(on variable: String) -> Bool {
    let known = known
    return known.reads[variable]?.contains(where: known.ways.exists) == true
  }

  func node(of value: Int) -> Node { graph.nodes[routes.node(of: value)] }

  /// Values that have a derivative, be it zero everywhere.
  var differentiable: [Bool] { routes.below(ends) { $0.flow == .passes || $0.flow == .zero } }

  // MARK: Reasons

  /// Why no gradient reaches what these values are of.
  func reason(forNoneTo values: [Int]) -> String {
    let ways = ways
    return values.contains(where: ways.exists) ? "every path is cut by " + cutPhrase(values) : independence
  }

  /// That none of what is differentiated depends on what is asked about.
  var independence: String {
    guard !names.isEmpty else { return "nothing is differentiated" }
    let listed = names.prefix(Self.listed).map { "`\($0)`" }.joined(separator: ", ")
    if names.count == 1 { return "\(listed) does not depend on it" }
    let rest = names.count - Self.listed
    return "none of \(listed)" + (rest > 0 ? " and \(rest) more" : "") + " depends on it"
  }

  /// What cuts the values off, by name.
  private func cutPhrase(_ values: [Int]) -> String {
    let cuts = firstCuts(of: values)
    var names: [String] = []
    for name in cuts.prefix(Self.listed).flatMap(phrases) where !names.contains(name) {
      names.append(name)
    }
    return names.joined(separator: ", ") + (cuts.count >= Self.listed ? " and perhaps more" : "")
  }

  /// In graph order, one for each value they lead to.
  func firstCuts(of values: [Int]) -> [FlowGraph.Edge] {
    let cuts = known.cuts
    return routes.firstCuts(among: values.flatMap { cuts[$0] }).map { routes.edges[$0] }
  }

  private func phrases(for cut: FlowGraph.Edge) -> [String] {
    let node = node(of: cut.to)
    if held.contains(cut.to) { return ["`stopping: \(node.name)`"] }
    guard cut.flow == .stopped else { return ["\(node.mnemonic) `\(node.name)`"] }
    return node.stops(from: cut.operand, to: routes.result(of: cut.to)).map { "stop_gradient `\($0)`" }
  }
}

extension GraphDef {
  /// The nodes that read variables, in graph order.
  var variableReads: [(variable: String, value: Value)] {
    nodes.indices.compactMap { position in
      guard nodes[position].traits.contains(.reads), case .reads(let name) = nodes[position].op.effect else {
        return nil
      }
      return (name, Value(position))
    }
  }
}
