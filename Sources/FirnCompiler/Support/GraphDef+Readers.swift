package import FirnGraph

extension GraphDef {
  /// For each variable, the scopes of the nodes that use its value, in graph order, each once.
  ///
  /// - Complexity: linear in the edges.
  package var variableReaders: [String: [String]] {
    var result: [String: [String]] = [:]
    var seen: [String: Set<String>] = [:]
    let consumers = consumers
    for (position, node) in nodes.enumerated() {
      guard case .reads(let name) = node.op.effect else { continue }
      for consumer in consumers[position] {
        // A request for gradients names what it differentiates by; that is no reading.
        if nodes[consumer].phase != .forward || nodes[consumer].gradientRequest != nil { continue }
        let scope = nodes[consumer].scope
        if seen[name, default: []].insert(scope).inserted { result[name, default: []].append(scope) }
      }
    }
    return result
  }
}
