/// A graph as a value: nodes in topological order, addressed by position.
///
/// What passes rewrite, text stores and a plan is made from.
public struct GraphDef: Hashable, Sendable {
  /// Each after those it reads.
  public package(set) var nodes: [Node]
  /// What the graph is run for; for the body of a loop, its next carries and its outputs.
  package var outputs: [Value]
  /// In creation order, which nothing ever changes.
  public package(set) var variables: [Variable]

  package init(nodes: [Node] = [], outputs: [Value] = [], variables: [Variable] = []) {
    self.nodes = nodes
    self.outputs = outputs
    self.variables = variables
  }

  package func type(of value: Value) -> TensorType { nodes[value.node].types[value.result] }

  /// `name`, or `name:1` for a result beyond the first.
  package func name(of value: Value) -> String {
    let name = nodes[value.node].name
    return value.result == 0 ? name : "\(name):\(value.result)"
  }

  /// The variable of this path; nil where there is none.
  public func variable(named name: String) -> Variable? { variables.first { $0.name == name } }

  /// The position of the node called `name`.
  package func index(ofNodeNamed name: String) -> Int? { nodes.firstIndex { $0.name == name } }

  /// For each node, the positions of the nodes that read a result of it, each once, ascending.
  package var consumers: [[Int]] {
    var result = [[Int]](repeating: [], count: nodes.count)
    for (index, node) in nodes.enumerated() {
      for input in node.inputs where result[input.node].last != index { result[input.node].append(index) }
    }
    return result
  }

  /// The graph that the op of `node` carries; nil where it carries none.
  package func nestedGraph(of node: Int) -> GraphDef? { nodes[node].op.asBodyOp?.body }
}

/// A number for every value of a graph, without hashing: `offset(of node) + result`.
package struct ValueIndex: Sendable {
  private let offsets: [Int]
  package let count: Int

  package init(_ graph: GraphDef) { self.init(graph.nodes) }

  package init(_ nodes: [Node]) {
    var offsets: [Int] = []
    offsets.reserveCapacity(nodes.count)
    var total = 0
    for node in nodes {
      offsets.append(total)
      total += node.types.count
    }
    self.offsets = offsets
    count = total
  }

  package subscript(value: Value) -> Int { offsets[value.node] + value.result }
}
