package import FirnGraph

extension GraphDef {
  /// Whether something in it needs the other members of a world, loops included.
  package var exchanges: Bool {
    nodes.contains { node in
      if node.op.exchangedBytes(of: operandTypes(of: node), results: node.types) != 0 { return true }
      return node.traits.contains(.body) && node.op.asBodyOp?.pattern.exchanges == true
    }
  }

  /// What one member hands in to be summed or collected in a run, sum by sum in order; not what loops do.
  package var exchangedBytes: [(node: Int, bytes: Dim)] {
    nodes.enumerated().compactMap { position, node in
      let bytes = node.op.exchangedBytes(of: operandTypes(of: node), results: node.types)
      return bytes == 0 ? nil : (position, bytes)
    }
  }

  /// State that a run writes and that hangs on what one member alone was fed or has drawn: what was exchanged is the
  /// same for all, and so is what counts runs.
  ///
  /// - Complexity: O(nodes), once more for each variable through which another one hangs on data.
  package var ownState: [String] {
    let states = Set(variables.filter { $0.kind == .state }.map(\.name))
    var own: [String] = []
    while true {
      let found = ownState(of: states, given: Set(own))
      if found.count == own.count { return found }
      own = found
    }
  }

  private func ownState(of states: Set<String>, given own: Set<String>) -> [String] {
    var varies = [Bool](repeating: false, count: nodes.count)
    var found: [String] = []
    for (position, node) in nodes.enumerated() {
      // What waits for an exchange also keeps alive what went into it.
      let isShared =
        node.op.exchangedBytes(of: operandTypes(of: node), results: node.types) != 0
        || node.inputs.contains { nodes[$0.node].op.numerics.isUnderWay }
      let source =
        switch node.op.effect {
        case .feeds, .draws: true
        case .reads(let name): own.contains(name)
        case .none, .receives, .writes, .holds, .recalls: false
        }
      varies[position] = !isShared && (source || node.inputs.contains { varies[$0.node] })
      guard case .writes(let name) = node.op.effect, varies[position], states.contains(name),
        !found.contains(name)
      else { continue }
      found.append(name)
    }
    return found
  }

  private func operandTypes(of node: Node) -> [TensorType] { node.inputs.map { type(of: $0) } }
}
