import FirnGraph

/// A node of a scope that is computed again, for the scope's gradient.
package struct RecomputedCopy: Sendable {
  let scope: String
  /// The copy's name.
  let name: String
  let flops: Quantity
  /// What would be kept of the node's results otherwise.
  let bytes: Quantity
}

extension [RecomputedCopy] {
  /// Those that are there still: what a mask was made for need not be computed again.
  func left(in graph: GraphDef) -> [RecomputedCopy] {
    if isEmpty { return self }
    let names = Set(graph.nodes.map(\.name))
    return filter { names.contains($0.name) }
  }

  /// What they are together, by scope, in graph order.
  package var scopes: [RecomputedScope] {
    var (result, places): ([RecomputedScope], [String: Int]) = ([], [:])
    for copy in self {
      let place = places[copy.scope] ?? result.count
      if place == result.count {
        places[copy.scope] = place
        result.append(RecomputedScope(scope: copy.scope, nodes: 0, flops: 0, bytes: 0))
      }
      result[place].nodes += 1
      result[place].flops += copy.flops
      result[place].bytes += copy.bytes
    }
    return result
  }
}
