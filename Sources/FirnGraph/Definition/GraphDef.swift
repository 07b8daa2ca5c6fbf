/// A graph as a value: nodes in topological order, addressed by position.
///
/// What passes rewrite, text stores and a plan is made from.
public struct GraphDef: Sendable {
  /// Each after those it reads.
  public package(set) var nodes: [Node]
  /// What the graph is run for; for the body of a loop, its next carries and its outputs.
  package var outputs: [Value]
  /// In creation order, which nothing ever changes.
  public package(set) var variables: [Variable]
  /// The name of the scalar that training minimises, where whoever wrote the graph said it; nil where nobody did.
  ///
  /// By name, since passes move nodes and keep their names.
  public package(set) var lossName: String?
  /// What a compilation made of variables, by name; others are as declared.
  ///
  /// For drawings: neither written nor compared.
  package var decided: [String: TrainingStatus] = [:]
  /// For each node where it stood in the graph that was verified last, as far as rewriting knows.
  ///
  /// -1, or beyond the end, for others; nil for that graph itself. A hint for `verify(knowing:)`, which looks whether it
  /// is right: neither written nor compared.
  package var origins: [Int32]?

  package init(
    nodes: [Node] = [], outputs: [Value] = [], variables: [Variable] = [], lossName: String? = nil
  ) {
    self.nodes = nodes
    self.outputs = outputs
    self.variables = variables
    self.lossName = lossName
  }

  /// The floating-point scalar called `lossName`; nil where none is, or none is any more.
  package var loss: Value? {
    guard let lossName, let index = index(ofNodeNamed: lossName), isLoss(Value(index)) else { return nil }
    return Value(index)
  }

  /// Whether a value can be minimised: a scalar of a floating-point type.
  package func isLoss(_ value: Value) -> Bool {
    type(of: value).shape.rank == 0 && type(of: value).dtype.isFloatingPoint
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
  package var consumers: Consumers { Consumers(nodes) }

  /// The origins of a graph made from this one, given where its nodes stood here.
  func origins(through places: [Int32]) -> [Int32] {
    guard let origins else { return places }
    return places.map { origins.indices.contains(Int($0)) ? origins[Int($0)] : -1 }
  }

  /// The graph that the op of `node` carries; nil where it carries none.
  package func nestedGraph(of node: Int) -> GraphDef? { nodes[node].op.asBodyOp?.body }
}

extension GraphDef: Hashable {
  /// Whether nodes, outputs, variables and the loss agree.
  public static func == (a: GraphDef, b: GraphDef) -> Bool {
    a.nodes == b.nodes && a.outputs == b.outputs && a.variables == b.variables && a.lossName == b.lossName
  }

  /// Of nodes and outputs.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(nodes)
    hasher.combine(outputs)
  }
}

/// For each node of a graph, the positions of the nodes that read a result of it, each once, ascending.
package struct Consumers: Sendable {
  private let starts: [Int]
  private let positions: [Int]

  init(_ nodes: [Node]) {
    var starts = [Int](repeating: 0, count: nodes.count + 1)
    var last = [Int](repeating: -1, count: nodes.count)
    for position in nodes.indices {
      for operand in nodes[position].inputs.indices {
        let source = nodes[position].inputs[operand].node
        if last[source] == position { continue }
        last[source] = position
        starts[source + 1] += 1
      }
    }
    for node in nodes.indices { starts[node + 1] += starts[node] }
    var positions = [Int](repeating: -1, count: starts[nodes.count])
    var next = starts
    for position in nodes.indices {
      for operand in nodes[position].inputs.indices {
        let source = nodes[position].inputs[operand].node
        let end = next[source]
        if end > starts[source], positions[end - 1] == position { continue }
        positions[end] = position
        next[source] = end + 1
      }
    }
    self.starts = starts
    self.positions = positions
  }

  package subscript(node: Int) -> ArraySlice<Int> { positions[starts[node]..<starts[node + 1]] }
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
    for position in nodes.indices {
      offsets.append(total)
      total += Int(nodes[position].resultCount)
    }
    self.offsets = offsets
    count = total
  }

  package subscript(value: Value) -> Int { offsets[value.node] + value.result }
}
