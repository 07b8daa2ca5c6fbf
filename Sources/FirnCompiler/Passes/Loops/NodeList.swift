import FirnGraph

/// Nodes of a graph being rebuilt, in order, under names that are each used once.
struct NodeList {
  private(set) var nodes: [Node] = []
  private var names: Set<String>

  /// - Parameter original: nodes whose names stay theirs.
  init(keepingNamesOf original: [Node]) {
    nodes.reserveCapacity(original.count)
    names = Set(original.map(\.name))
  }

  func type(of value: Value) -> TensorType { nodes[value.node].types[value.result] }

  /// Appends a node as it stands.
  mutating func adopt(_ node: Node) -> [Value] {
    nodes.append(node)
    return node.types.indices.map { Value(nodes.count - 1, $0) }
  }

  /// Appends a new node with the phase and place of `model`.
  mutating func append(_ op: any Op, _ inputs: [Value], name: String, like model: Node) -> [Value] {
    var (unique, count) = (name, 0)
    while !names.insert(unique).inserted {
      count += 1
      unique = "\(name)_\(count)"
    }
    let types: [TensorType]
    do {
      types = try op.resultTypes(of: inputs.map { type(of: $0) })
    } catch {
      firnBug("loop passes", "`\(unique)`: \(error)")
    }
    return adopt(
      Node(op: op, inputs: inputs, types: types, name: unique, phase: model.phase, location: model.location))
  }

  mutating func replace(at position: Int, with node: Node) { nodes[position] = node }
}
