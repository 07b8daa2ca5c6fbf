package import FirnGraph
package import FirnNotation

/// A graph, a loss and a selection, ready to be asked: status, why, cost, lint, difference.
///
/// Made once in time linear in the graph; no session and no weights are needed. Each question is answered in linear
/// time, cost by compiling.
public struct Explanation: Sendable {
  /// What would be compiled; without a loss nothing is trained.
  package let request: CompilationRequest
  let verdicts: Verdicts
  /// Where gradients travel: the graph as built, or with the gradients in its loss written out.
  let flow: LossFlow
  /// What the request costs.
  let count = Once<CostCount, FirnError>()

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
    try self.init(CompilationContext(request))
  }

  /// Of what was compiled; selections are not resolved again.
  package init(_ context: CompilationContext) throws(FirnError) {
    request = context.request
    let modes = try Modes(request.graph, request, context.trainability)
    var graph = request.graph.choosing(modes)
    var loss = request.training?.loss
    if let value = loss {
      try graph.requireScalar(value)
      if graph.hasGradientRequests {
        graph.outputs = [value]
        graph = graph.removingDeadNodes(keepingAssignments: false)
        var context = context
        graph = try Compiler.expandGradients.run(graph, &context)
        loss = graph.outputs.first
      }
    }
    flow = LossFlow(graph, of: loss.map { [$0] } ?? [], named: request.lossName.map { [$0] })
    verdicts = Verdicts(request.graph, context.trainability, modes, loss == nil ? nil : flow)
  }

  /// The status of every variable and of every scope.
  public var status: StatusReport { verdicts.report }

  package var trainability: Trainability { verdicts.trainability }

  var variables: [Variable] { trainability.variables }

  func variable(_ name: String) throws(FirnError) -> Variable {
    if let variable = variables.first(where: { $0.name == name }) { return variable }
    throw FirnError(
      .unknownName, "the graph has no variable `\(name)`",
      remedy: NearestNames(to: name, among: variables.map(\.name)).question ?? "list them with `status`")
  }
}

/// Stands for an optimiser where none is given: every update is the gradient itself, and free.
struct GradientsOnly: Optimizer {
  var name: String { "none" }
  func slots(for part: TrainedPart) -> [OptimizerSlot] { [] }
  func update(_ update: ParameterUpdate) -> UpdatedParameter { UpdatedParameter(value: update.gradient) }
}
