import FirnGraph

/// What becomes of variables: the one place that puts reasons into words, for reports and errors alike.
struct Verdicts: Sendable {
  let trainability: Trainability
  let modes: Modes
  /// For each variable, the scopes that read it in the graph as built.
  let readers: [String: [String]]
  /// By what variables are trained; none where nothing is.
  let sources: [Source]

  /// What trains variables: an objective, or whatever gradients were asked for.
  struct Source: Sendable {
    /// Nil where it is not one of several.
    var name: String?
    /// What it moves, or has a part in moving.
    var trainability: Trainability
    /// Where its gradients travel.
    var flow: LossFlow
    /// Whether the gradients are given.
    var isGiven = false
  }

  /// - Parameter flow: nil where nothing is trained.
  init(_ graph: GraphDef, _ trainability: Trainability, _ modes: Modes, _ flow: LossFlow?) {
    self.init(
      graph, trainability, modes, flow.map { [Source(name: nil, trainability: trainability, flow: $0)] } ?? []
    )
  }

  init(_ graph: GraphDef, _ trainability: Trainability, _ modes: Modes, _ sources: [Source]) {
    self.trainability = trainability
    self.modes = modes
    readers = graph.variableReaders
    self.sources = sources
  }

  func verdict(on variable: Variable) -> (status: TrainingStatus, reason: String) {
    let decision = trainability.decision(variable.name)
    if variable.kind == .state {
      if let shadow = variable.shadow, modes.motions[variable.name]?.isMoving != true {
        return (.state, "it is state and \(shadow)")
      }
      return (.state, modes.motions[variable.name]?.explanation ?? decision.explanation)
    }
    if !trainability.isTrained(variable.name) { return (.frozen, decision.explanation) }
    let name = variable.name
    let own = sources.indices.filter { sources[$0].trainability.isTrained(name) }
    if let given = own.first(where: { sources[$0].isGiven }) {
      let status: TrainingStatus = if case .partly = decision { .partly } else { .trained }
      return (status, "its gradient is given" + (sources[given].name.map { " by `\($0)`" } ?? ""))
    }
    if readers[name]?.isEmpty ?? true, !own.contains(where: { sources[$0].flow.isDifferentiated(name) }) {
      return (.neverRead, "no node of the graph reads it")
    }
    guard let first = own.first else { return (.notUnderLoss, "nothing is trained") }
    let open = own.filter { sources[$0].flow.isOpen(to: name) }
    if !open.isEmpty {
      let names = open.compactMap { source in sources[source].name.map { "`\($0)`" } }
      let trained = names.isEmpty ? "" : ", trained by " + names.joined(separator: " and ")
      if case .partly = decision { return (.partly, decision.explanation + trained) }
      return (.trained, decision.explanation + trained)
    }
    let cut = own.first { sources[$0].flow.depends(on: name) }
    let told = sources[cut ?? first]
    let reason = told.flow.reason(forNoneTo: told.flow.reads[name] ?? [])
    return (
      cut == nil ? .notUnderLoss : .cutOff,
      reason + (cut == nil ? "" : told.name.map { ", from `\($0)`" } ?? "")
    )
  }

  /// Why no gradient reaches a value of the flow's graph; of a variable, what is said of the variable.
  func reason(forNoneTo target: Value) -> String {
    guard let flow = sources.first?.flow else { return "nothing is trained" }
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
