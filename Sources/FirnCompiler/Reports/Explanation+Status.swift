import FirnGraph

extension Explanation {
  /// The status of every variable and of every scope.
  public var status: StatusReport {
    let entries = variables.map { variable in
      let (status, reason) = status(of: variable)
      return StatusReport.VariableEntry(
        name: variable.name, type: variable.type.description, role: variable.role,
        count: variable.elementCount, bytes: variable.type.byteCount.value ?? 0, status: status,
        reason: reason, readers: readers[variable.name] ?? [])
    }
    return StatusReport(variables: entries, scopes: scopes(of: entries))
  }

  func status(of variable: Variable) -> (TrainingStatus, String) {
    let decision = trainability.decision(variable.name)
    if variable.kind == .state {
      return (.state, modes.motions[variable.name]?.explanation ?? decision.explanation)
    }
    if !trainability.isTrained(variable.name) { return (.frozen, decision.explanation) }
    if (readers[variable.name] ?? []).isEmpty, !isLoss(variable.name) {
      return (.neverRead, "no node of the graph reads it")
    }
    guard flow.loss != nil else { return (.notUnderLoss, "nothing is trained") }
    let reads = flow.reads[variable.name] ?? []
    if reads.contains(where: { flow.ways.isOpen(from: $0) }) {
      if case .partly = decision { return (.partly, decision.explanation) }
      return (.trained, decision.explanation)
    }
    guard reads.contains(where: { flow.ways.exists(from: $0) }) else {
      return (.notUnderLoss, "the loss does not depend on it")
    }
    return (.cutOff, "every path is cut by " + cutPhrase(reads))
  }

  private func isLoss(_ name: String) -> Bool {
    flow.reads[name]?.contains { $0 == flow.loss } ?? false
  }

  /// What cuts a variable off, by name.
  func cutPhrase(_ reads: [Int]) -> String {
    let cuts = firstCuts(of: reads)
    let names = cuts.prefix(FlowGraph.listed).flatMap { cut in
      let node = flow.node(of: cut.to)
      guard cut.flow == .stopped else { return ["\(node.mnemonic) `\(node.name)`"] }
      return node.stops(from: cut.operand, to: flow.table.result(of: cut.to)).map { "stop_gradient `\($0)`" }
    }
    return names.joined(separator: ", ") + (cuts.count >= FlowGraph.listed ? " and perhaps more" : "")
  }

  /// In graph order, one for each value they lead to.
  func firstCuts(of reads: [Int]) -> [FlowTable.Edge] {
    var result: [FlowTable.Edge] = []
    for number in reads.flatMap({ flow.firstCuts[$0] }) {
      let cut = flow.table.edges[number]
      if !result.contains(where: { $0.to == cut.to }) { result.append(cut) }
    }
    return result.sorted { $0.to < $1.to }
  }

  private func scopes(of entries: [StatusReport.VariableEntry]) -> [StatusReport.ScopeEntry] {
    var order: [String] = []
    var members: [String: ScopeTally] = [:]
    for (variable, entry) in zip(variables, entries) {
      let moves = entry.status == .trained || entry.status == .partly
      let region = moves ? trainability.trainedRegion(entry.name) : nil
      let trained = region?.elementCount(extents: variable.type.shape.extents ?? []) ?? 0
      for scope in Path.ancestors(of: entry.name).reversed() {
        if members[scope] == nil { order.append(scope) }
        members[scope, default: ScopeTally()].add(entry, trained: trained)
      }
    }
    return order.compactMap { path in
      members[path].map { tally in
        StatusReport.ScopeEntry(
          path: path, status: tally.status,
          mode: modes.isInference(inScope: path) ? .inference : .training,
          parameters: tally.parameters,
          trainedParameters: tally.trained,
          count: tally.count, trainedCount: tally.trainedCount)
      }
    }
  }
}

/// What is below one scope.
private struct ScopeTally {
  var parameters = 0
  var trained = 0
  var count = 0
  var trainedCount = 0
  private var seen: Set<TrainingStatus> = []

  /// - Parameter elements: how many of its elements a gradient moves.
  mutating func add(_ entry: StatusReport.VariableEntry, trained elements: Int) {
    seen.insert(entry.status)
    if entry.status == .state { return }
    parameters += 1
    count += entry.count
    trainedCount += elements
    if entry.status == .trained || entry.status == .partly { trained += 1 }
  }

  /// Trained where all parameters are, partly where some are; else the most telling of what they are.
  var status: TrainingStatus {
    if parameters == 0 { return .state }
    if trained > 0 { return trained == parameters && !seen.contains(.partly) ? .trained : .partly }
    return [.cutOff, .notUnderLoss, .neverRead].first { seen.contains($0) } ?? .frozen
  }
}
