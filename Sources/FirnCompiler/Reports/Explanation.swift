package import FirnGraph
package import FirnNotation

/// A graph, a loss and a selection, ready to be asked: status, why, cost, lint, difference.
///
/// Made once in time linear in the graph; no session and no weights are needed. Each question is answered in linear time,
/// cost by compiling.
public struct Explanation: Sendable {
  /// What would be compiled; without a loss nothing is trained.
  package let request: CompilationRequest
  package let trainability: Trainability
  let modes: Modes
  /// Where gradients travel: the graph as built, or with the gradients in its loss written out.
  let flow: FlowGraph
  /// For each variable, the scopes that read it in the graph as built.
  let readers: [String: [String]]

  /// - Parameters:
  ///   - loss: the scalar that would be minimised; nil where nothing is trained.
  ///   - optimizer: for the cost of updates; without one they cost nothing.
  ///   - loaded: names of variables that were loaded, for selections that ask.
  /// - Throws: what is wrong with the selections or with the loss.
  package init(
    graph: GraphDef, loss: Value?, freezing: Selection? = nil, thawing: Selection? = nil,
    keepingTrainingMode: Selection? = nil, optimizer: (any Optimizer)? = nil, loaded: Set<String> = []
  ) throws(FirnError) {
    var request = CompilationRequest(
      graph: graph, fetches: [],
      training: loss.map { .init(loss: $0, optimizer: optimizer ?? GradientsOnly()) },
      freezing: freezing, thawing: thawing, keepingTrainingMode: keepingTrainingMode)
    request.values.loaded = loaded
    try self.init(request)
  }

  package init(_ request: CompilationRequest) throws(FirnError) {
    self.request = request
    var context = try CompilationContext(request)
    trainability = context.trainability
    modes = try Modes(request.graph, request, trainability)
    readers = request.graph.variableReaders
    var graph = request.graph.choosing(modes)
    var loss = request.training?.loss
    if let value = loss {
      let type = graph.type(of: value)
      guard type.shape.rank == 0, type.dtype.isFloatingPoint else {
        throw FirnError(
          .notScalar, "the loss is \(type), not a floating-point scalar",
          remedy: "reduce it, for instance with `mean()`", place: graph.name(of: value),
          location: graph.nodes[value.node].location)
      }
      if graph.nodes.contains(where: { $0.op is Gradients }) {
        graph.outputs = [value]
        graph = graph.removingDeadNodes(keepingAssignments: false)
        graph = try Compiler.expandGradients.run(graph, &context)
        loss = graph.outputs.first
      }
    }
    flow = FlowGraph(graph, loss: loss, trainability: trainability)
  }

  var variables: [Variable] { trainability.variables }

  func variable(_ name: String) throws(FirnError) -> Variable {
    if let variable = variables.first(where: { $0.name == name }) { return variable }
    throw FirnError(
      .unknownName, "the graph has no variable `\(name)`",
      remedy: NearestNames(to: name, among: variables.map(\.name)).question ?? "list them with `status`")
  }
}

/// Where gradients of a loss travel in a graph, found by a handful of linear walks.
struct FlowGraph: Sendable {
  let graph: GraphDef
  let table: FlowTable
  let loss: Int?
  /// By variable, the values that read it.
  let reads: [String: [Int]]
  /// From each value, the way to the loss with the fewest cuts.
  let ways: FlowTable.Ways
  /// Values of trained variables.
  let trainedReads: [Int]
  /// For each value the loss depends on and no gradient reaches, where its paths are first cut: numbers of edges
  /// without gradient, at most `listed` of them and one for each value they lead to.
  let firstCuts: [[Int]]

  /// How many cutting nodes are listed where all variables are answered at once.
  static let listed = 4

  init(_ graph: GraphDef, loss: Value?, trainability: Trainability) {
    self.graph = graph
    table = FlowTable(graph)
    let index = table.index
    let end = loss.map { index[$0] }
    self.loss = end
    var reads: [String: [Int]] = [:]
    var trainedReads: [Int] = []
    for (position, node) in graph.nodes.enumerated() {
      guard case .reads(let name) = node.op.effect else { continue }
      let value = table.index[Value(position)]
      reads[name, default: []].append(value)
      if trainability.isTrained(name) { trainedReads.append(value) }
    }
    self.reads = reads
    self.trainedReads = trainedReads
    ways = table.ways(to: end.map { [$0] } ?? [])
    let edges = table.edges
    var cuts = [[Int]](repeating: [], count: table.index.count)
    for (number, edge) in edges.enumerated().reversed()
    where ways.exists(from: edge.to) && !ways.isOpen(from: edge.from) {
      for cut in edge.flow == .passes ? cuts[edge.to] : [number]
      where cuts[edge.from].count < Self.listed
        && !cuts[edge.from].contains(where: { edges[$0].to == edges[cut].to })
      {
        cuts[edge.from].append(cut)
      }
    }
    firstCuts = cuts
  }

  func node(of value: Int) -> Node { graph.nodes[table.node(of: value)] }

  func place(_ value: Int) -> NodePlace { NodePlace(node(of: value)) }
}

/// Stands for an optimiser where none is given: every update is the gradient itself, and free.
struct GradientsOnly: Optimizer {
  var name: String { "none" }
  func slots(for part: TrainedPart) -> [OptimizerSlot] { [] }
  func update(_ update: ParameterUpdate) -> UpdatedParameter { UpdatedParameter(value: update.gradient) }
}
