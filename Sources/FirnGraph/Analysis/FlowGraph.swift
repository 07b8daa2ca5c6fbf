/// Every edge along which a gradient could travel, found once: what autodiff, pruning and reports walk.
///
/// Values have the numbers that `ValueIndex` gives them. Edges stand in the order of the values they lead to, which is
/// topological, so that a walk is one loop over them: ascending from variables towards the loss, descending the other
/// way. A loop's result has no edge from an operand that it does not depend on. Nodes are not held: a graph that is
/// extended meanwhile is not copied for it.
package struct FlowGraph: Sendable {
  package struct Edge: Hashable, Sendable {
    /// The operand's value.
    package let from: Int
    /// The result's value.
    package let to: Int
    package let operand: Int
    package let flow: GradientFlow
  }

  /// A value of a loop's body that is another one in the next iteration.
  package struct Round: Hashable, Sendable {
    package let output: Int
    package let input: Int
  }

  package let index: ValueIndex
  package let edges: [Edge]
  /// The carries of a loop's body; walks go round by them.
  package let rounds: [Round]
  /// The node of each value.
  private let owners: [Int]
  /// For each node the number of its first edge, and last the number of edges.
  private let starts: [Int]

  /// - Parameter held: values held constant: no gradient passes into them.
  package init(_ nodes: [Node], holding held: [Value] = []) { self.init(nodes, held, rounds: { _ in [] }) }

  /// Of a loop's body.
  package init(body: GraphDef) {
    self.init(body.nodes, []) { index in
      body.nodes.enumerated().compactMap { position, node in
        guard let input = node.op as? LoopInput, input.kind == .carry else { return nil }
        return Round(output: index[body.outputs[input.position]], input: index[Value(position)])
      }
    }
  }

  private init(_ nodes: [Node], _ held: [Value], rounds: (ValueIndex) -> [Round]) {
    let index = ValueIndex(nodes)
    let held = Set(held.map { index[$0] })
    var edges: [Edge] = []
    edges.reserveCapacity(
      nodes.indices.reduce(0) { $0 + nodes[$1].inputs.count * Int(nodes[$1].resultCount) })
    var owners: [Int] = []
    owners.reserveCapacity(index.count)
    var starts: [Int] = []
    starts.reserveCapacity(nodes.count + 1)
    for (position, node) in nodes.enumerated() {
      starts.append(edges.count)
      if node.inputs.isEmpty {
        for _ in 0..<Int(node.resultCount) { owners.append(position) }
        continue
      }
      var reach = node.traits.contains(.body) ? LoopReach(node) : nil
      let op = node.op
      for result in 0..<Int(node.resultCount) {
        let to = owners.count
        owners.append(position)
        let isHeld = !held.isEmpty && held.contains(to)
        for (operand, input) in node.inputs.enumerated() {
          let flow = op.gradientFlow(from: operand, to: result)
          if flow == .notDifferentiable, reach?.depends(result, on: operand) == false { continue }
          edges.append(Edge(from: index[input], to: to, operand: operand, flow: isHeld ? .stopped : flow))
        }
      }
    }
    starts.append(edges.count)
    self.index = index
    self.edges = edges
    self.rounds = rounds(index)
    self.owners = owners
    self.starts = starts
  }

  package var nodeCount: Int { starts.count - 1 }

  package func node(of value: Int) -> Int { owners[value] }

  /// Which result of its node a value is.
  package func result(of value: Int) -> Int { value - index[Value(owners[value])] }

  /// The edges from the operands of a node to its results.
  package func edges(into node: Int) -> ArraySlice<Edge> { edges[starts[node]..<starts[node + 1]] }

  // MARK: Walks

  /// Values that one of `starts` reaches along edges that `isOpen` lets through, `starts` included.
  package func above(_ starts: [Int], _ isOpen: (Edge) -> Bool) -> [Bool] {
    goingRound(starts, rounds.map { ($0.output, $0.input) }) { marks in
      for edge in edges where marks[edge.from] && !marks[edge.to] && isOpen(edge) { marks[edge.to] = true }
    }
  }

  /// Values from which one of `starts` is reached along edges that `isOpen` lets through, `starts` included.
  package func below(_ starts: [Int], _ isOpen: (Edge) -> Bool) -> [Bool] {
    goingRound(starts, rounds.map { ($0.input, $0.output) }) { marks in
      for edge in edges.reversed() where marks[edge.to] && !marks[edge.from] && isOpen(edge) {
        marks[edge.from] = true
      }
    }
  }

  /// Walks, and round the loop as often as that marks more.
  private func goingRound(
    _ starts: [Int], _ links: [(from: Int, to: Int)], _ walk: (inout [Bool]) -> Void
  ) -> [Bool] {
    var marks = [Bool](repeating: false, count: index.count)
    for start in starts { marks[start] = true }
    while true {
      walk(&marks)
      var isDone = true
      for link in links where marks[link.from] && !marks[link.to] {
        marks[link.to] = true
        isDone = false
      }
      if isDone { return marks }
    }
  }
}

/// Which results of a loop a change of an operand can reach: those that its body makes of it.
///
/// Of any other op it is all.
private struct LoopReach {
  private let node: Node
  /// By operand, what each result depends on if only that operand varies; asked once, when it is first needed.
  private var known: [Int: [Dependence]] = [:]

  init(_ node: Node) { self.node = node }

  mutating func depends(_ result: Int, on operand: Int) -> Bool {
    if let results = known[operand] { return results[result].contains(.data) }
    let operands = node.inputs.indices.map { $0 == operand ? Dependence.data : [] }
    let results = node.op.dependence(of: operands, results: node.types.count)
    known[operand] = results
    return results[result].contains(.data)
  }
}
