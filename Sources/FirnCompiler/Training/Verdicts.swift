import FirnGraph

/// What becomes of variables: the one place that puts reasons into words, for reports and errors alike.
struct Verdicts: Sendable {
  let trainability: Trainability
  let modes: Modes
  /// For each variable, the scopes that read it in the graph as built.
  let readers: [String: [String]]
  /// Where gradients travel; nil where nothing is trained.
  let flow: LossFlow?

  init(_ graph: GraphDef, _ trainability: Trainability, _ modes: Modes, _ flow: LossFlow?) {
    self.trainability = trainability
    self.modes = modes
    readers = graph.variableReaders
    self.flow = flow
  }

  func verdict(on variable: Variable) -> (status: TrainingStatus, reason: String) {
    let decision = trainability.decision(variable.name)
    if variable.kind == .state {
      return (.state, modes.motions[variable.name]?.explanation ?? decision.explanation)
    }
    if !trainability.isTrained(variable.name) { return (.frozen, decision.explanation) }
    let reads = flow?.reads[variable.name] ?? []
    let isEnd = reads.contains { flow?.ends.contains($0) == true }
    if (readers[variable.name] ?? []).isEmpty, !isEnd { return (.neverRead, "no node of the graph reads it") }
    guard let flow else { return (.notUnderLoss, "nothing is trained") }
    if reads.contains(where: flow.ways.isOpen) {
      if case .partly = decision { return (.partly, decision.explanation) }
      return (.trained, decision.explanation)
    }
    return (
      reads.contains(where: flow.ways.exists) ? .cutOff : .notUnderLoss, flow.reason(forNoneTo: reads)
    )
  }

  /// Why no gradient reaches a value of the flow's graph; of a variable, what is said of the variable.
  func reason(forNoneTo target: Value) -> String {
    guard let flow else { return "nothing is trained" }
    if case .reads(let name) = flow.graph.nodes[target.node].op.effect,
      let variable = trainability.variables.first(where: { $0.name == name })
    {
      let (status, reason) = verdict(on: variable)
      // Of a variable that is read twice, one read may learn and another not.
      if status != .trained, status != .partly { return reason }
    }
    return flow.reason(forNoneTo: [flow.routes.index[target]])
  }
}
