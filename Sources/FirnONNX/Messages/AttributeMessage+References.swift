extension AttributeMessage {
  /// The attribute with what it refers to put in; nil where neither the call nor the function gives that.
  func resolved(by given: [AttributeMessage], defaults: [AttributeMessage]) -> AttributeMessage? {
    var result = self
    if !reference.isEmpty {
      guard
        let value = given.first(where: { $0.name == reference })
          ?? defaults.first(where: { $0.name == reference })
      else { return nil }
      result = value
      result.name = name
      return result
    }
    if var graph = result.graph {
      graph.nodes = graph.nodes.map { node in
        var node = node
        node.attributes = node.attributes.compactMap { $0.resolved(by: given, defaults: defaults) }
        return node
      }
      result.graph = graph
    }
    return result
  }
}

extension NodeMessage {
  /// Whether it is a constant that holds its value itself, and takes none of the function's it is in.
  var isFixedConstant: Bool {
    op == "Constant" && (domain.isEmpty || domain == "ai.onnx") && inputs.isEmpty
      && attributes.allSatisfy { $0.reference.isEmpty }
  }
}
