internal import FirnCompiler
internal import FirnGraph

/// The figures of a graph: what `firn inspect` shows.
struct GraphOverview: Codable, Hashable, Sendable {
  struct Input: Codable, Hashable, Sendable {
    var name: String
    var type: String
  }

  struct Scope: Codable, Hashable, Sendable {
    /// Empty for the whole graph.
    var path: String
    /// What it and the scopes in it hold.
    var variables = 0
    var parameters = 0
    /// Elements of parameters that are frozen.
    var frozen = 0
    /// Elements of variables that the file of weights holds; nil where none is given.
    var loaded: Int?
    var bytes = 0
    /// Nodes that compute, those in loops counted once.
    var ops = 0
  }

  struct VariableLine: Codable, Hashable, Sendable {
    var name: String
    var type: String
    var role: String
    /// What the selections make of it, before any loss is looked at.
    var status: TrainingStatus
  }

  struct OpCount: Codable, Hashable, Sendable {
    var name: String
    var count: Int
    /// How many of them stand in the body of a loop.
    var inLoops: Int
  }

  var nodes = 0
  var variables: Int
  /// Elements of parameters; state and optimiser slots are not counted.
  var parameters: Int
  var bytes: Int
  /// Names of dimensions that feeds bind.
  var dimensions: [String]
  var loss: String?
  var placeholders: [Input]
  /// The whole graph first, then each scope before the scopes in it, in creation order.
  var scopes: [Scope]
  /// Those that stand in no scope, in creation order: where names are flat, all that there is to freeze by.
  var topVariables: [VariableLine]
  /// Most frequent first.
  var ops: [OpCount]

  init(_ question: GraphQuestion) throws(FirnError) {
    let graph = question.graph
    let trainability = try question.trainability()
    var tally = Tally()
    for variable in graph.variables {
      let isFrozen = variable.kind == .parameter && !trainability.isTrained(variable.name)
      tally.add(to: variable.scope) { scope in
        scope.variables += 1
        scope.bytes += variable.type.byteCount.value ?? 0
        if variable.kind == .parameter { scope.parameters += variable.elementCount }
        if isFrozen { scope.frozen += variable.elementCount }
        if let loaded = question.weights?.loaded {
          scope.loaded = (scope.loaded ?? 0) + (loaded.contains(variable.name) ? variable.elementCount : 0)
        }
      }
    }
    topVariables = graph.variables.filter { $0.scope.isEmpty }.map { variable in
      VariableLine(
        name: variable.name, type: variable.type.description, role: variable.role,
        status: trainability.status(of: variable))
    }
    tally.count(graph, scope: "", inLoop: false)
    scopes = tally.ordered
    nodes = tally.nodes
    variables = graph.variables.count
    parameters = scopes.first?.parameters ?? 0
    bytes = scopes.first?.bytes ?? 0
    dimensions = tally.dimensions.sorted()
    loss = question.plainLoss.map { graph.name(of: $0) }
    placeholders = graph.nodes.compactMap { node in
      guard case .feeds = node.op.effect, let type = node.types.first else { return nil }
      return Input(name: node.name, type: type.description)
    }
    ops = tally.ops.values.sorted { ($1.count, $0.name) < ($0.count, $1.name) }
  }
}

/// Sums by scope and by op while a graph is walked.
private struct Tally {
  var nodes = 0
  var dimensions: Set<String> = []
  var ops: [String: GraphOverview.OpCount] = [:]
  private var scopes: [String: GraphOverview.Scope] = ["": .init(path: "")]
  private var children: [String: [String]] = [:]

  /// Changes the figures of a scope and of all that it lies in.
  mutating func add(to path: String, _ change: (inout GraphOverview.Scope) -> Void) {
    var below: String?
    for scope in (path.isEmpty ? [] : [path] + Path.ancestors(of: path)) + [""] {
      let isNew = scopes[scope] == nil
      change(&scopes[scope, default: .init(path: scope)])
      if let below { children[scope, default: []].append(below) }
      below = isNew ? scope : nil
    }
  }

  mutating func count(_ graph: GraphDef, scope: String, inLoop: Bool) {
    for (position, node) in graph.nodes.enumerated() {
      for type in node.types { dimensions.formUnion(type.shape.flatMap(\.names)) }
      if node.op.effect == .receives { continue }
      nodes += 1
      ops[node.mnemonic, default: .init(name: node.mnemonic, count: 0, inLoops: 0)].count += 1
      if inLoop { ops[node.mnemonic]?.inLoops += 1 }
      let path = inLoop ? scope : node.scope
      if !node.inputs.isEmpty { add(to: path) { $0.ops += 1 } }
      if let body = graph.nestedGraph(of: position) {
        count(body, scope: path, inLoop: inLoop || node.op.asBodyOp is any LoopOp)
      }
    }
  }

  /// Each scope before the scopes in it.
  var ordered: [GraphOverview.Scope] {
    var result: [GraphOverview.Scope] = []
    var pending = [""]
    while let path = pending.popLast() {
      if let scope = scopes[path] { result.append(scope) }
      pending += (children[path] ?? []).reversed()
    }
    return result
  }
}
