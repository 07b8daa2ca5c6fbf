public import FirnGraph

extension Explanation {
  /// Why a variable is trained or not: a shortest path from the loss, or what cuts it.
  ///
  /// - Throws: `.unknownName`.
  public func why(_ name: String) throws(FirnError) -> VariableExplanation {
    let variable = try variable(name)
    let (status, reason) = status(of: variable)
    let reads = flow.reads[name] ?? []
    let connection = flow.loss.map { loss in
      flow.connection(of: loss, ways: flow.ways, withRespectTo: reads)
    }
    return VariableExplanation(
      variable: name, status: status, reason: reason, readers: readers[name] ?? [],
      connection: connection)
  }

  /// Whether the gradient of `source` by `target` exists, and which way or why not; any two tensors, by name
  /// (`split:1` for a result beyond the first).
  ///
  /// - Throws: `.unknownName`.
  public func whyNot(of source: String, withRespectTo target: String) throws(FirnError) -> Connection {
    let from = try flow.value(source)
    let to = try flow.value(target)
    return flow.connection(of: from, ways: flow.table.ways(to: [from]), withRespectTo: [to])
  }
}

extension FlowGraph {
  func value(_ name: String) throws(FirnError) -> Int {
    let parts = name.split(separator: ":", omittingEmptySubsequences: false)
    let result = parts.count == 2 ? Int(parts[1]) : parts.count == 1 ? 0 : nil
    if let base = parts.first, let result, let node = graph.index(ofNodeNamed: String(base)),
      graph.nodes[node].types.indices.contains(result)
    {
      return table.index[Value(node, result)]
    }
    throw FirnError(
      .unknownName, "the graph has no tensor `\(name)`",
      remedy: NearestNames(to: name, among: graph.nodes.map(\.name)).question ?? "see the graph's text")
  }

  func connection(of source: Int, ways: FlowTable.Ways, withRespectTo targets: [Int]) -> Connection {
    guard let best = targets.filter({ ways.exists(from: $0) }).min(by: { ways.length[$0] < ways.length[$1] })
    else { return Connection(verdict: .unconnected, path: [], cuts: [], opening: []) }
    guard !ways.isOpen(from: best) else {
      let trail = GradientTrail(graph: graph, table: table)
      return Connection(
        verdict: .connected, path: trail.places(from: best, along: ways).reversed(), cuts: [], opening: [])
    }
    let crossed = table.path(from: best, along: ways).filter { $0.flow != .passes }
    let cuts = minimalCut(of: source, ways: ways, withRespectTo: targets)
    return Connection(
      verdict: .cut, path: [], cuts: nodes(cuts), opening: nodes(crossed.reversed()))
  }

  /// Edges into the results of a minimal cut.
  ///
  /// Of the results that a change of a target can reach without having passed a cut, but only by an edge that is one,
  /// those from which the source is then reached without meeting another. Every path's last meeting with such a result
  /// is with one of these, so together they cut; and each has a path that meets no other, so none can be left out.
  private func minimalCut(
    of source: Int, ways: FlowTable.Ways, withRespectTo targets: [Int]
  ) -> [FlowTable.Edge] {
    let near = table.above(targets) { $0.flow == .passes }
    var isFrontier = [Bool](repeating: false, count: table.index.count)
    for edge in table.edges where edge.flow != .passes && near[edge.from] && ways.exists(from: edge.to) {
      isFrontier[edge.to] = true
    }
    let far = table.below([source]) { $0.flow == .passes || !isFrontier[$0.to] }
    return table.edges.filter { edge in
      edge.flow != .passes && near[edge.from] && isFrontier[edge.to] && far[edge.to]
    }
  }

  /// The nodes that edges without gradient enter, each once.
  private func nodes(_ edges: [FlowTable.Edge]) -> [CuttingNode] {
    var result: [CuttingNode] = []
    var places: [Int: Int] = [:]
    for edge in edges {
      let position = table.node(of: edge.to)
      let node = graph.nodes[position]
      let isLoop = node.op is any LoopOp
      let inside = isLoop ? node.stops(from: edge.operand, to: table.result(of: edge.to)) : []
      let kind: CuttingNode.Kind =
        switch edge.flow {
        case .stopped: .stopGradient
        case .zero: .zeroDerivative
        case .passes, .notDifferentiable: .noDerivative
        }
      guard let place = places[position] else {
        places[position] = result.count
        result.append(CuttingNode(node: NodePlace(node), kind: kind, inside: inside))
        continue
      }
      let known = result[place]
      let more = inside.filter { !known.inside.contains($0) }
      result[place] = CuttingNode(node: known.node, kind: known.kind, inside: known.inside + more)
    }
    return result
  }
}
