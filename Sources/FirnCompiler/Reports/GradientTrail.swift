import FirnGraph
import FirnOps

/// Tells the way a gradient takes, node by node, through loops' bodies too.
struct GradientTrail {
  let graph: GraphDef
  let flow: FlowGraph
  /// The loops that `graph` is the body of, outermost first.
  var loops: [String] = []

  /// From what is differentiated by, in the order of the forward program; each loop comes after the nodes of its body.
  func places(from start: Int, along ways: FlowGraph.Ways) -> [NodePlace] {
    var places = [place(start)]
    for edge in flow.path(from: start, along: ways) {
      places += inside(flow.node(of: edge.to), from: edge.operand, to: flow.result(of: edge.to))
      places.append(place(edge.to))
    }
    return places.compactMap(\.self)
  }

  /// Nil for what only hands a loop's operand into its body.
  private func place(_ value: Int) -> NodePlace? {
    let node = graph.nodes[flow.node(of: value)]
    return node.loopInput != nil ? nil : NodePlace(node, in: loops)
  }

  /// The way through the body of the loop at `position` that goes round as seldom as can be; empty for another node.
  private func inside(_ position: Int, from operand: Int, to result: Int) -> [NodePlace] {
    guard let loop = graph.nodes[position].loop else { return [] }
    let body = loop.body
    let inner = GradientTrail(
      graph: body, flow: FlowGraph(body: body), loops: loops + [graph.nodes[position].name])
    let parameters = body.nodes.enumerated().compactMap { index, node in
      node.loopInput.map { (op: $0, value: inner.flow.index[Value(index)]) }
    }
    var pending: [(output: Int, rest: [NodePlace])] = [(result, [])]
    var seen: Set<Int> = [result]
    var next = 0
    while next < pending.count {
      let (output, rest) = pending[next]
      next += 1
      let ways = inner.flow.ways(to: [inner.flow.index[body.outputs[output]]])
      let open = parameters.filter { ways.isOpen(from: $0.value) }
        .sorted { ways.length(from: $0.value) < ways.length(from: $1.value) }
      if let entry = open.first(where: { loop.operand(of: $0.op) == operand }) {
        return inner.places(from: entry.value, along: ways) + rest
      }
      for carry in open where carry.op.kind == .carry && seen.insert(carry.op.position).inserted {
        pending.append((carry.op.position, inner.places(from: carry.value, along: ways) + rest))
      }
    }
    return []
  }
}
