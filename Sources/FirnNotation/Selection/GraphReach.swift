import FirnGraph

/// The variables before and behind a node, by the edges of the graph.
struct GraphReach {
  let graph: GraphDef

  /// Names of the variables that `node` is computed from.
  ///
  /// - Complexity: linear in the nodes before it and their operands.
  func upstream(of node: Int) -> Set<String> {
    var seen = [Bool](repeating: false, count: node + 1)
    seen[node] = true
    return variables(from: [node], seen: &seen) { _ in true }
  }

  /// Names of the variables that enter behind `node`: read by a node that depends on it, directly or after ops that
  /// no data reaches, such as a transposition or a cast.
  ///
  /// What gradient requests and later phases read does not count, unless `node` belongs to one.
  ///
  /// - Complexity: linear in the nodes and their operands.
  func downstream(of node: Int) -> Set<String> {
    let dependence = DependenceAnalysis(graph)
    let isForward = graph.nodes[node].phase == .forward
    var behind = [Bool](repeating: false, count: graph.nodes.count)
    behind[node] = true
    var entering: [Int] = []
    for position in graph.nodes.indices.dropFirst(node + 1) {
      let consumer = graph.nodes[position]
      if isForward, consumer.phase != .forward || consumer.op is Gradients { continue }
      guard consumer.inputs.contains(where: { behind[$0.node] }) else { continue }
      behind[position] = true
      entering += consumer.inputs.lazy.map(\.node).filter { !behind[$0] }
    }
    var seen = behind
    return variables(from: entering.filter { !behind[$0] }, seen: &seen) { position in
      graph.nodes[position].types.indices.allSatisfy {
        !dependence[Value(position, $0)].contains(.data)
      }
    }
  }

  private func variables(
    from starts: [Int], seen: inout [Bool], walks: (Int) -> Bool
  ) -> Set<String> {
    var result: Set<String> = []
    var pending = starts
    while let position = pending.popLast() {
      guard walks(position) else { continue }
      if case .reads(let name) = graph.nodes[position].op.effect { result.insert(name) }
      for input in graph.nodes[position].inputs where !seen[input.node] {
        seen[input.node] = true
        pending.append(input.node)
      }
    }
    return result
  }
}
