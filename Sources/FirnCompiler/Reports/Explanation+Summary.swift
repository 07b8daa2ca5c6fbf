public import FirnGraph

extension Explanation {
  /// The model at a glance: scopes, what comes out of them, parameters trained and frozen, arithmetic and kept bytes.
  ///
  /// Where nothing is trained costs are of the forward program alone.
  ///
  /// - Throws: what compiling throws.
  /// - Complexity: a compilation, unless what this costs was asked before.
  public func summary() throws(FirnError) -> ModelSummary {
    let graph = request.graph
    let count: CostCount
    if request.training == nil {
      var modes = request
      modes.fetches = request.fetches.isEmpty ? graph.leaves : request.fetches
      count = CostCount(try Compiler.compile(modes).graph)
    } else {
      count = try counted()
    }
    let isTrained = request.training != nil
    var tallies: [String: SummaryTally] = [:]
    for (variable, entry) in zip(variables, status.variables) {
      // Without a loss nobody knows what a gradient reaches: what is declared and selected is all there is.
      let known = isTrained ? entry.status : trainability.status(of: variable)
      let isMoved = [.trained, .partly, .trainable].contains(known)
      let region = isMoved ? trainability.trainedRegion(entry.name) : nil
      let trainable = region?.elementCount(extents: variable.type.shape.extents ?? []) ?? 0
      for path in Path.ancestors(of: variable.name) + [""] {
        tallies[path, default: SummaryTally()].add(variable, known, trainable: trainable)
      }
    }
    let costs = Dictionary(
      count.scopes(of: graph).map { ($0.path, $0.cost) }, uniquingKeysWith: { first, _ in first })
    let results = graph.resultsOfScopes
    func row(_ path: String, _ cost: Cost) -> ModelSummary.Row {
      let tally = tallies[path] ?? SummaryTally()
      return ModelSummary.Row(
        path: path, result: results[path]?.description, status: tally.status, parameters: tally.parameters,
        trainable: tally.trainable, trained: isTrained ? tally.trainable : 0, state: tally.state,
        bytes: tally.bytes, cost: cost)
    }
    return ModelSummary(
      scopes: graph.scopePaths.map { row($0, costs[$0] ?? Cost()) }, total: row("", count.total()))
  }
}

/// What variables a scope has.
private struct SummaryTally {
  var parameters = 0
  var trainable = 0
  var state = 0
  var bytes = 0
  private var seen: [TrainingStatus] = []

  mutating func add(_ variable: Variable, _ status: TrainingStatus, trainable elements: Int) {
    bytes += variable.type.byteCount.value ?? 0
    if variable.kind == .state {
      state += variable.elementCount
      return
    }
    parameters += variable.elementCount
    trainable += elements
    if !seen.contains(status) { seen.append(status) }
  }

  /// That of all where it is the same; partly where some are trained, or trainable, and others not.
  var status: TrainingStatus? {
    if seen.count < 2 { return seen.first }
    let moving: [TrainingStatus] = [.trained, .partly, .trainable]
    return seen.contains(where: moving.contains) ? .partly : seen.first
  }
}

extension GraphDef {
  /// Scopes of nodes and variables, outer before inner, in the order in which they first appear.
  fileprivate var scopePaths: [String] {
    var seen: Set<String> = [""]
    var result: [String] = []
    for scope in nodes.lazy.filter({ $0.phase == .forward }).map(\.scope) + variables.map(\.scope)
    where !seen.contains(scope) {
      for path in Path.ancestors(of: scope).reversed() + [scope] where seen.insert(path).inserted {
        result.append(path)
      }
    }
    return result
  }

  /// The type of the last value that leaves each scope.
  fileprivate var resultsOfScopes: [String: TensorType] {
    // By node, the outermost scopes in which all that reads it stands.
    var result: [String: TensorType] = [:]
    let readers = consumers
    for position in nodes.indices {
      let node = nodes[position]
      guard node.phase == .forward, node.traits.isDisjoint(with: [.reads, .writes]),
        let type = node.types.first
      else { continue }
      let scopes = readers[position].map { nodes[$0].scope }
      for path in Path.ancestors(of: node.name)
      where scopes.isEmpty || scopes.contains(where: { $0 != path && !Path.isWithin($0, path) }) {
        result[path] = type
      }
    }
    return result
  }

  /// What nobody reads: what a graph is for where nobody says what is wanted.
  fileprivate var leaves: [Value] {
    let readers = consumers
    return nodes.indices.filter {
      readers[$0].isEmpty && !nodes[$0].types.isEmpty && nodes[$0].traits.isDisjoint(with: [.writes])
        && !nodes[$0].holdsGradientRequest
    }.map { Value($0) }
  }
}
