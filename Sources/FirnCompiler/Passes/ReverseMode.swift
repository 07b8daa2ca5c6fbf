package import FirnGraph
import FirnOps

/// Reverse-mode differentiation of whatever graph it is given, a loop's body included.
package struct ReverseMode: Differentiator {
  package var prefix: String

  package init(prefix: String) { self.prefix = prefix }

  package func adjoints(
    of results: [Value], seeds: [Tensor], withRespectTo targets: [Value], stopping: [Value], in graph: Graph
  ) -> [Tensor?] {
    let last = results.map(\.node).max() ?? -1
    let flow = FlowGraph(graph.nodes, holding: stopping)
    let liveness = flow.liveness(of: results, withRespectTo: targets)
    let stopped = Set(stopping)
    // By value of the graph as it is now.
    var adjoint = [Tensor?](repeating: nil, count: flow.index.count)
    func accumulate(_ value: Value, _ term: Tensor) {
      let place = flow.index[value]
      adjoint[place] = adjoint[place].map { $0 + term } ?? term
    }
    for (result, seed) in zip(results, seeds) where liveness.isLive(result) {
      graph.section(Path.joined(prefix, graph.nodes[result.node].name), phase: .backward) {
        accumulate(result, seed)
      }
    }
    for position in stride(from: last, through: 0, by: -1) {
      let first = flow.index[Value(position)]
      let end = position + 1 < flow.nodeCount ? flow.index[Value(position + 1)] : flow.index.count
      guard adjoint[first..<end].contains(where: { $0 != nil }) else { continue }
      let node = graph.nodes[position]
      let values = node.types.indices.map { Value(position, $0) }
      let cotangents = values.map { value in
        !stopped.isEmpty && stopped.contains(value) ? nil : adjoint[flow.index[value]]
      }
      guard cotangents.contains(where: { $0 != nil }) else { continue }
      var wants = [Bool](repeating: false, count: node.inputs.count)
      for edge in flow.edges(into: position)
      where edge.flow == .passes && cotangents[flow.result(of: edge.to)] != nil {
        if liveness.isLive(node.inputs[edge.operand]) { wants[edge.operand] = true }
      }
      guard wants.contains(true) else { continue }
      graph.section(Path.joined(prefix, node.name), phase: .backward) {
        let context = GradientContext(
          operands: node.inputs.map { Tensor(graph, $0) }, results: values.map { Tensor(graph, $0) },
          cotangents: cotangents, wants: wants, node: position, differentiator: self)
        // An adjoint points to the line of what it is the adjoint of.
        let terms = graph.at(node.location) { node.op.gradient(context) }
        for (input, term) in zip(node.inputs, terms) {
          guard let term else { continue }
          guard term.isPoisoned || term.type == graph.nodes[input.node].types[input.result] else {
            firnBug(
              "expand-gradients",
              "the rule of `\(node.op.mnemonic)` made \(term.type) for an operand of type \(graph.nodes[input.node].types[input.result])"
            )
          }
          accumulate(input, term)
        }
      }
    }
    return targets.map { adjoint[flow.index[$0]] }
  }
}
