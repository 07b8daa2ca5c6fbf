extension GraphMessage {
  /// Takes out the nodes, and the initialisers without metadata, that nothing reads: what is written as one operator
  /// has left what it was made of behind.
  mutating func removeUnread() {
    var read = Set(outputs.map(\.name))
    var kept: [NodeMessage] = []
    for node in nodes.reversed() where node.outputs.contains(where: read.contains) {
      node.addRead(to: &read)
      kept.append(node)
    }
    nodes = kept.reversed()
    initializers.removeAll { $0.metadata.isEmpty && !read.contains($0.name) }
  }
}

extension NodeMessage {
  /// Adds the names that it and the graphs within it read.
  func addRead(to read: inout Set<String>) {
    read.formUnion(inputs)
    for graph in attributes.compactMap(\.graph) {
      read.formUnion(graph.outputs.map(\.name))
      for node in graph.nodes { node.addRead(to: &read) }
    }
  }
}
