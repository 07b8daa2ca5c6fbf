public import FirnGraph
import FirnOps

extension Explanation {
  /// Why a variable is trained or not: a shortest path from the loss, or what cuts it.
  ///
  /// - Throws: `.unknownName`.
  public func why(_ name: String) throws(FirnError) -> VariableExplanation {
    let variable = try variable(name)
    let (status, reason) = verdicts.verdict(on: variable)
    let flow = flow(by: name)
    let reads = flow.reads[name] ?? []
    let connection = flow.ends.first.map { loss in
      flow.connection(of: loss, along: flow.ways, withRespectTo: reads)
    }
    return VariableExplanation(
      variable: name, status: status, reason: reason, readers: verdicts.readers[name] ?? [],
      connection: connection)
  }

  /// Whether the gradient of `source` by `target` exists, and which way or why not; any two tensors, by name
  /// (`split:1` for a result beyond the first).
  ///
  /// - Throws: `.unknownName`.
  /// - Complexity: linear in the nodes of the graph.
  public func whyNot(of source: String, withRespectTo target: String) throws(FirnError) -> Connection {
    let from = try flow.value(source)
    let to = try flow.value(target)
    return flow.connection(of: from, along: flow.routes.ways(to: [from]), withRespectTo: [to])
  }
}

extension LossFlow {
  fileprivate func value(_ name: String) throws(FirnError) -> Int {
    let parts = name.split(separator: ":", omittingEmptySubsequences: false)
    let result = parts.count == 2 ? Int(parts[1]) : parts.count == 1 ? 0 : nil
    if let base = parts.first, let result, let node = graph.index(ofNodeNamed: String(base)),
      graph.nodes[node].types.indices.contains(result)
    {
      return routes.index[Value(node, result)]
    }
    throw FirnError(
      .unknownName, "the graph has no tensor `\(name)`",
      remedy: NearestNames(to: name, among: graph.nodes.map(\.name)).question ?? "see the graph's text")
  }

  fileprivate func connection(
    of source: Int, along ways: FlowGraph.Ways, withRespectTo targets: [Int]
  ) -> Connection {
    let connected = targets.filter(ways.exists)
    guard let best = connected.min(by: { ways.length(from: $0) < ways.length(from: $1) }) else {
      return Connection(verdict: .unconnected, path: [], cuts: [], opening: [])
    }
    guard !ways.isOpen(from: best) else {
      let trail = GradientTrail(graph: graph, flow: routes)
      return Connection(
        verdict: .connected, path: trail.places(from: best, along: ways).reversed(), cuts: [], opening: [])
    }
    let crossed = routes.path(from: best, along: ways).filter { $0.flow != .passes }
    let cuts = routes.minimalCut(of: source, along: ways, withRespectTo: targets)
    return Connection(verdict: .cut, path: [], cuts: nodes(cuts), opening: nodes(crossed.reversed()))
  }

  /// The nodes that edges without gradient enter, each once.
  private func nodes(_ edges: [FlowGraph.Edge]) -> [CuttingNode] {
    var result: [CuttingNode] = []
    var places: [Int: Int] = [:]
    for edge in edges {
      let position = routes.node(of: edge.to)
      let node = graph.nodes[position]
      let inside = node.loop == nil ? [] : node.stops(from: edge.operand, to: routes.result(of: edge.to))
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
