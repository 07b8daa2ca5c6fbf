public import FirnGraph

/// What becomes of one variable in a program, and why.
public struct VariableStatus: Hashable, Sendable {
  public enum Status: String, Hashable, Sendable {
    case trained
    /// Some blocks are trained, the rest is frozen.
    case partlyTrained = "partly trained"
    case frozen
    /// Trainable, but every path from the loss is cut.
    case cutOff = "cut off"
    /// Trainable, but the loss does not depend on it.
    case notUnderLoss = "not under the loss"
    /// Written by the step itself.
    case state
  }

  public let variable: Variable
  public let status: Status
  /// The rule or the node that decides.
  public let reason: String
  /// The scopes that read it, in graph order; more than one for tied weights.
  public let readers: [String]
}

extension Compilation {
  /// The status of every variable, in creation order, without slots.
  ///
  /// - Parameter source: the graph as the user built it, whose readers are reported.
  package func status(readersIn source: GraphDef) -> [VariableStatus] {
    let trained = Set(self.trained)
    let readers = source.variableReaders
    return context.trainability.variables.map { variable in
      let (status, reason) = status(of: variable, isTrained: trained.contains(variable.name))
      return VariableStatus(
        variable: variable, status: status, reason: reason, readers: readers[variable.name] ?? [])
    }
  }

  private func status(of variable: Variable, isTrained: Bool) -> (VariableStatus.Status, String) {
    let decision = context.trainability.decision(variable.name)
    if isTrained {
      if case .partly = decision { return (.partlyTrained, decision.explanation) }
      return (.trained, decision.explanation)
    }
    switch decision {
    case .frozenByDeclaration, .frozenBySelection, .notDifferentiable: return (.frozen, decision.explanation)
    case .state: return (.state, decision.explanation)
    case .byDefault, .thawedBySelection, .partly: break
    }
    guard context.request.training != nil else { return (.notUnderLoss, "nothing is trained") }
    if let cut = context.pruning?.cuts[variable.name], cut.isConnected { return (.cutOff, cut.explanation) }
    return (.notUnderLoss, "the loss does not depend on it")
  }
}

extension GraphDef {
  /// For each variable, the scopes of the nodes that use its value, in graph order, each once.
  package var variableReaders: [String: [String]] {
    var result: [String: [String]] = [:]
    let consumers = consumers
    for (position, node) in nodes.enumerated() {
      guard case .reads(let name) = node.op.effect else { continue }
      for consumer in consumers[position] {
        // A request for gradients names what it differentiates by; that is no reading.
        if nodes[consumer].phase != .forward || nodes[consumer].op is Gradients { continue }
        let scope = nodes[consumer].scope
        if result[name, default: []].contains(scope) { continue }
        result[name, default: []].append(scope)
      }
    }
    return result
  }
}
