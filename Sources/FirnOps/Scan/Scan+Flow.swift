import FirnGraph

/// Which gradients a loop passes, and what stops the others.
extension Scan {
  /// Paths through a body, closed over any number of iterations: a path is as good as its worst edge, and the best path
  /// counts.
  static func flow(body: GraphDef, carries: Int, slices: Int, captures: Int) -> [[GradientFlow]] {
    let operands = carries + slices + captures
    let edges = FlowGraph(body: body)
    var reached = [[GradientFlow]](
      repeating: Array(repeating: .notDifferentiable, count: operands), count: edges.index.count)
    for (position, node) in body.nodes.enumerated() {
      guard let input = node.op as? LoopInput, node.types[0].dtype.isFloatingPoint else { continue }
      let base: Int? =
        switch input.kind {
        case .index: nil
        case .carry: 0
        case .slice: carries
        case .capture: carries + slices
        }
      if let base { reached[edges.index[Value(position)]][base + input.position] = .passes }
    }
    for edge in edges.edges where edge.flow != .notDifferentiable {
      let incoming = reached[edge.from]
      for source in 0..<operands { reached[edge.to][source].join(incoming[source].followed(by: edge.flow)) }
    }
    var flow = (0..<operands).map { operand in body.outputs.map { reached[edges.index[$0]][operand] } }
    for carry in 0..<carries where body.type(of: body.outputs[carry]).dtype.isFloatingPoint {
      flow[carry][carry] = .passes
    }
    for carry in 0..<carries {
      for operand in 0..<operands {
        for result in body.outputs.indices {
          flow[operand][result].join(flow[operand][carry].followed(by: flow[carry][result]))
        }
      }
    }
    return flow
  }

  package func stops(from operand: Int, to result: Int) -> [String] {
    let flow = FlowGraph(body: body)
    let entries = body.nodes.indices.filter { position in
      (body.nodes[position].op as? LoopInput).map { self.operand(of: $0) == operand } ?? false
    }
    // A gradient may go round several times before it meets a stop.
    let isReached = flow.above(entries.map { flow.index[Value($0)] }) {
      $0.flow == .passes || $0.flow == .zero
    }
    let isNeeded = flow.below([flow.index[body.outputs[result]]]) { $0.flow != .notDifferentiable }
    var names: [String] = []
    for edge in flow.edges where edge.flow == .stopped && isReached[edge.from] && isNeeded[edge.to] {
      let node = body.nodes[flow.node(of: edge.to)]
      let stops = node.stops(from: edge.operand, to: flow.result(of: edge.to))
      names += stops.filter { !names.contains($0) }
    }
    return names
  }
}
