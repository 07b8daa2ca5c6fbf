internal import FirnCompiler
internal import FirnGraph

extension GraphDef {
  /// What a graph is for: forward values that no node reads; what is written back, such as moving averages, is none.
  var outputNames: [String] {
    let consumers = self.consumers
    return nodes.indices.filter { index in
      let node = nodes[index]
      if case .writes = node.op.effect { return false }
      return !node.inputs.isEmpty && node.phase == .forward && consumers[index].isEmpty
    }.map { nodes[$0].name }
  }

  /// The variables without given values, of those that these tensors are made of.
  func untrainedVariables(of outputs: [String]) -> [String] {
    var graph = self
    graph.outputs = outputs.compactMap { value(named: $0) }
    let read = Set(
      graph.removingDeadNodes(keepingAssignments: false).nodes.compactMap { node in
        if case .reads(let name) = node.op.effect { name } else { nil }
      })
    return variables.filter { read.contains($0.name) && !$0.initializer.isGiven }.map(\.name)
  }

  /// Outputs that a loss can be added to, with their types, as an error or a report lists them; nil where there are
  /// none.
  var lossOutputs: String? {
    let found = outputNames.compactMap { name -> String? in
      guard let index = index(ofNodeNamed: name), let type = nodes[index].types.first,
        type.dtype.isFloatingPoint, type.shape.rank > 0
      else { return nil }
      return "`\(name)` \(type)"
    }
    return found.isEmpty ? nil : found.prefix(6).joined(separator: ", ") + (found.count > 6 ? ", …" : "")
  }
}
