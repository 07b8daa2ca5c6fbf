import FirnGraph

extension Compilation {
  /// The tables that a step looks rows of up and yet updates whole, though their optimiser was asked to leave the others
  /// alone, and why each is.
  package var rowWarnings: [String] {
    let objectives = context.objectives
    guard objectives.contains(where: { $0.goal.optimizer.isLazy }) else { return [] }
    let source = context.request.graph
    var lookedUp: Set<String> = []
    for node in source.nodes {
      guard node.isRowLookup, case .reads(let variable) = source.nodes[node.inputs[0].node].op.effect
      else { continue }
      lookedUp.insert(variable)
    }
    let byRows = graph.nodes.compactMap { node -> String? in
      guard node.inputs.count == 2, node.op.writtenRows != nil, case .writes(let name) = node.op.effect else {
        return nil
      }
      return name
    }
    let shadowed = Set(source.variables.compactMap { $0.shadow?.source })
    var warnings: [String] = []
    for (part, number) in context.liveParts {
      let (name, goal) = (part.variable.name, objectives[number].goal)
      guard goal.optimizer.isLazy, lookedUp.contains(name), !byRows.contains(name) else { continue }
      let reason =
        if goal.window != nil {
          "gradients are accumulated"
        } else if context.averaged.contains(part) {
          "an average of it is kept"
        } else if shadowed.contains(name) {
          "a shadow follows it"
        } else if context.request.training?.exchange != nil {
          "the other processes look up other rows"
        } else {
          "its gradient is not made of rows that are looked up alone"
        }
      let warning =
        "`\(goal.optimizer.name)` is to update rows that are looked up alone, but updates all of `\(name)`: \(reason)"
      if warnings.last != warning { warnings.append(warning) }
    }
    return warnings
  }
}
