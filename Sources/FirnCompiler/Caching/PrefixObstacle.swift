import FirnGraph
import FirnOps

/// A place where caching ends although nothing that is trained comes in there.
package struct PrefixObstacle: Hashable, Sendable {
  /// The node's path.
  package let node: String
  /// Why its results cannot be stored, as the end of a sentence that begins with its name.
  package let reason: String
}

extension FrozenPrefix {
  /// The first nodes, on each way from the data, that keep what comes after them from being cached, with reasons; in
  /// the order of the graph.
  ///
  /// What reads a trained variable is no obstacle: there the prefix ends because it is meant to.
  package var obstacles: [PrefixObstacle] {
    let written = Set(graph.writtenVariables)
    let trained = Set(
      graph.variables.filter { $0.kind == .parameter && written.contains($0.name) }.map(\.name))
    return graph.nodes.indices.compactMap { position in
      reason(against: position, written, trained).map {
        PrefixObstacle(node: graph.nodes[position].name, reason: $0)
      }
    }
  }

  /// Whether a value is stored, or made again of what is.
  private func isGood(_ value: Value) -> Bool {
    isCandidate[value.node] && (rows[value].isByExamples || !rows[value].variesWithExamples)
  }

  private func reason(against position: Int, _ written: Set<String>, _ trained: Set<String>) -> String? {
    let node = graph.nodes[position]
    if node.traits.contains(.feeds) {
      return isCandidate[position] ? nil : "is fed anew in each run and belongs to no example"
    }
    let data = node.inputs.filter { dependence[$0].contains(.data) }
    guard !data.isEmpty, data.allSatisfy(isGood) else { return nil }
    if case .writes(let variable) = node.op.effect {
      return "writes `\(variable)` in every step, which stored features would not"
    }
    if isCandidate[position] {
      return node.types.indices.allSatisfy { isGood(Value(position, $0)) }
        ? nil : "mixes the examples of a batch: its result belongs to none of them alone"
    }
    let varies = node.inputs.reduce(into: Dependence()) { $0.formUnion(dependence[$1]) }
    let moving = variables(behind: position).filter(written.contains)
    if varies.contains(.trainable) || moving.contains(where: trained.contains) { return nil }
    if let variable = moving.first { return "reads `\(variable)`, which the step writes" }
    return varies.contains(.random) ? "is random: its result is another in every step" : nil
  }

  /// The variables that a node depends on, but not by what can be cached.
  private func variables(behind position: Int) -> [String] {
    var seen: Set<Int> = []
    var names: [String] = []
    var pending = [position]
    while let next = pending.popLast() {
      guard !isCandidate[next], seen.insert(next).inserted else { continue }
      if case .reads(let name) = graph.nodes[next].op.effect { names.append(name) }
      pending += graph.nodes[next].inputs.map(\.node)
    }
    return names
  }
}
