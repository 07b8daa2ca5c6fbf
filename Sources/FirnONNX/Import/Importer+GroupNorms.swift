import FirnGraph

extension Importer {
  /// The graph with group norms that were taken apart as one node again, with weights of one element a channel.
  ///
  /// Else ones and zeros would be weights that the model has not, and its own would have names and shapes of the
  /// exporter's.
  func withGroupNorms(_ graph: GraphMessage) -> GraphMessage {
    guard graph.nodes.contains(where: { $0.op == "InstanceNormalization" }) else { return graph }
    let search = GroupNormSearch(graph, files: files, fault: fault)
    let found = graph.nodes.indices.compactMap { search.parts(around: $0) }
    if found.isEmpty { return graph }
    var result = graph
    for place in result.nodes.indices where result.nodes[place].number == nil {
      result.nodes[place].number = place + 1
    }
    let names = Set(found.flatMap(\.weights))
    for index in result.initializers.indices where names.contains(result.initializers[index].name) {
      // It has one axis that is not of one element, the first.
      result.initializers[index].dimensions = Array(result.initializers[index].dimensions.prefix(1))
    }
    var removed: Set<Int> = []
    for parts in found {
      removed.formUnion(parts.places)
      var node = result.nodes[parts.last]
      (node.op, node.inputs) = ("GroupNormalization", [parts.input] + parts.weights)
      var groups = AttributeMessage()
      (groups.name, groups.integer, groups.type) = ("num_groups", parts.groups, 2)
      node.attributes = [groups] + [parts.epsilon].compactMap(\.self)
      if let shape = parts.shape {
        var message = AttributeMessage()
        (message.name, message.integers, message.type) = ("firn.shape", shape, 7)
        node.attributes.append(message)
      } else {
        var message = AttributeMessage()
        (message.name, message.integer, message.type) = ("firn.rank", parts.rank, 2)
        node.attributes.append(message)
      }
      result.nodes[parts.last] = node
    }
    result.nodes = result.nodes.indices.filter { !removed.contains($0) }.map { result.nodes[$0] }
    return result
  }
}
