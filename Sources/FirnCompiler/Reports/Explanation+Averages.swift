import FirnGraph

extension Explanation {
  /// Assignments of a training step that are made of weights alone: they read what the weights were before it.
  ///
  /// What is made of data too, as a batch's statistics are, belongs to the weights that made it.
  func laggingAverages() -> [Finding] {
    let graph = request.graph
    // Most graphs write nothing, and need not be looked at as a whole.
    guard graph.nodes.contains(where: { $0.traits.contains(.writes) }) else { return [] }
    let dependence = DependenceAnalysis(graph)
    let isComputed = graph.upstream(
      of: request.fetches + (request.training.map { $0.losses + $0.followed } ?? []))
    return graph.nodes.enumerated().compactMap { position, node -> Finding? in
      guard node.traits.contains(.writes), case .writes(let name) = node.op.effect else { return nil }
      if let assignment = node.trainingAssignment {
        guard verdicts.modes.motions[name]?.isMoving == true, isComputed[assignment.beside.node] else {
          return nil
        }
      } else if !isComputed[position] {
        return nil
      }
      let weights = trainedVariables(behind: node.inputs[0], in: graph, dependence)
      guard !weights.isEmpty else { return nil }
      return Finding(
        .laggingAssignment,
        "`\(node.name)` gives `\(name)` a value made of "
          + weights.map { "`\($0)`" }.joined(separator: ", ") + " as before the step that moves "
          + (weights.count == 1 ? "it" : "them"),
        subjects: [name] + weights, places: [NodePlace(node)],
        remedy:
          "for an average of weights after the step, fetch it by a program of its own, run after each step")
    }
  }

  /// In the order of variables.
  private func trainedVariables(
    behind value: Value, in graph: GraphDef, _ dependence: DependenceAnalysis
  ) -> [String] {
    var found: Set<String> = []
    var seen: Set<Value> = []
    var pending = [value]
    while let value = pending.popLast() {
      guard seen.insert(value).inserted, !dependence[value].contains(.data) else { continue }
      let node = graph.nodes[value.node]
      if case .reads(let name) = node.op.effect { found.insert(name) }
      pending += node.inputs
    }
    return variables.filter { variable in
      found.contains(variable.name) && [.trained, .partly].contains(verdicts.verdict(on: variable).status)
    }.map(\.name)
  }
}

extension GraphDef {
  /// For each node, whether one of `values` is made of it.
  fileprivate func upstream(of values: [Value]) -> [Bool] {
    var result = [Bool](repeating: false, count: nodes.count)
    for value in values { result[value.node] = true }
    for position in nodes.indices.reversed() where result[position] {
      for input in nodes[position].inputs { result[input.node] = true }
    }
    return result
  }
}
