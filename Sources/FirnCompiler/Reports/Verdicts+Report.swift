import FirnGraph

extension Verdicts {
  /// The status of every variable and of every scope.
  var report: StatusReport {
    let entries = trainability.variables.map { variable in
      let (status, reason) = verdict(on: variable)
      return StatusReport.VariableEntry(
        name: variable.name, type: variable.type.description, role: variable.role,
        count: variable.elementCount, bytes: variable.type.byteCount.value ?? 0, status: status,
        reason: reason, readers: readers[variable.name] ?? [])
    }
    return StatusReport(variables: entries, scopes: scopes(of: entries))
  }

  private func scopes(of entries: [StatusReport.VariableEntry]) -> [StatusReport.ScopeEntry] {
    var order: [String] = []
    var members: [String: ScopeTally] = [:]
    for (variable, entry) in zip(trainability.variables, entries) {
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
