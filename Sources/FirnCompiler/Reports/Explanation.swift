public import FirnGraph
package import FirnNotation

/// A graph, a loss and a selection, ready to be asked: status, why, cost, lint, difference.
///
/// Made once in time linear in the graph; no session and no weights are needed. Each question is answered in linear
/// time, cost by compiling.
public struct Explanation: Sendable {
  /// What would be compiled; without a loss nothing is trained.
  package let request: CompilationRequest
  let verdicts: Verdicts
  /// Where gradients of all losses travel: the graph as built, or with the gradients in its losses written out.
  let flow: LossFlow
  /// What is asked about.
  let objectives: [ObjectiveScope]
  /// What the request costs.
  let count = Once<CostCount, FirnError>()

  /// - Parameters:
  ///   - loss: the scalar that would be minimised; nil where nothing is trained.
  ///   - optimizer: for the cost of updates; without one they cost nothing.
  ///   - storingFrozen: the smaller type in which frozen kernels are held; none by default.
  ///   - loaded: names of variables that were loaded, for selections that ask.
  ///   - recomputing: scopes that are computed again for their gradient, by path patterns.
  /// - Throws: what is wrong with the selections or with the loss.
  package init(
    graph: GraphDef, loss: Value?, freezing: Selection? = nil, thawing: Selection? = nil,
    keepingTrainingMode: Selection? = nil, keepingInferenceMode: Selection? = nil,
    storingFrozen: FrozenStorage? = nil,
    optimizer: (any Optimizer)? = nil, loaded: Set<String> = [], recomputing: [String] = []
  ) throws(FirnError) {
    var request = CompilationRequest(
      graph: graph, fetches: [],
      training: loss.map { .init(loss: $0, optimizer: optimizer ?? GradientsOnly()) },
      freezing: freezing, thawing: thawing, keepingTrainingMode: keepingTrainingMode,
      keepingInferenceMode: keepingInferenceMode)
    request.values.loaded = loaded
    request.storingFrozen = storingFrozen
    request.recomputing = recomputing
    try self.init(request)
  }

  package init(_ request: CompilationRequest) throws(FirnError) {
    try self.init(CompilationContext(request))
  }

  /// Of what was compiled; selections are not resolved again.
  package init(_ context: CompilationContext) throws(FirnError) {
    try self.init(context, of: context.objectives)
  }

  /// Of some of the objectives.
  private init(_ context: CompilationContext, of objectives: [ObjectiveScope]) throws(FirnError) {
    var request = context.request
    if request.training != nil, objectives.count != context.objectives.count {
      request.training?.goals = objectives.map { objective in
        var goal = objective.goal
        goal.name = objective.name
        (goal.selection, goal.adding) = (nil, nil)
        return goal
      }
      request.trainability = objectives.first?.targets
      request.together = context.together
    }
    self.request = request
    self.objectives = objectives
    var graph = request.graph.choosing(try context.modes(of: request.graph))
    var losses = objectives.compactMap(\.goal.loss)
    let names = losses.map { request.graph.name(of: $0) }
    for loss in losses { try graph.requireScalar(loss) }
    if !losses.isEmpty, graph.hasGradientRequests {
      graph.outputs = losses
      graph = graph.removingDeadNodes(keepingAssignments: false)
      var context = context
      graph = try Compiler.expandGradients.run(graph, &context)
      losses = graph.outputs
    }
    flow = LossFlow(graph, of: losses, named: names)
    var flows: [LossFlow] = []
    var rest = losses[...]
    for objective in objectives {
      if objectives.count == 1 {
        flows.append(flow)
      } else {
        let own = objective.goal.loss == nil ? [] : [rest.removeFirst()]
        flows.append(
          LossFlow(graph, of: own, named: objective.goal.loss.map { [request.graph.name(of: $0)] }))
      }
    }
    verdicts = try context.verdicts(of: objectives, flows)
  }

  /// What can be asked, of one objective of several alone: its loss, its selection, its gradients.
  ///
  /// What others train counts as frozen here; layers run in the mode that they have in the program of all.
  ///
  /// - Parameter objective: its name.
  /// - Throws: `.unknownName`.
  public func objective(_ name: String) throws(FirnError) -> Explanation {
    if objectives.count == 1, objectives[0].name == name { return self }
    guard let objective = objectives.first(where: { $0.name == name }) else {
      throw FirnError(
        .unknownName, "there is no objective `\(name)`",
        remedy: NearestNames(to: name, among: objectives.map(\.name)).question
          ?? (objectives.isEmpty
            ? "nothing is trained" : "it is one of " + objectives.map(\.name).joined(separator: ", ")))
    }
    return try Explanation(CompilationContext(request), of: [objective])
  }

  /// The status of every variable and of every scope.
  public var status: StatusReport { verdicts.report.storing(stored) }

  /// What is held in a smaller type; nil where that was not asked for, or nothing can be compiled.
  var stored: StoredReport? {
    guard request.storingFrozen != nil, request.training != nil else { return nil }
    return try? counted().frozen.stored
  }

  package var trainability: Trainability { verdicts.trainability }

  /// Where gradients travel from the losses that train a variable: from the first that reaches it, else from the first.
  func flow(by name: String) -> LossFlow {
    let own = verdicts.sources.filter { $0.trainability.isTrained(name) && !$0.flow.ends.isEmpty }.map(\.flow)
    return own.first { $0.reads[name]?.contains(where: $0.ways.isOpen) == true } ?? own.first ?? flow
  }

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
