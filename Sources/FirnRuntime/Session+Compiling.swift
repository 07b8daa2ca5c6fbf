public import FirnCompiler
public import FirnGraph
public import FirnNotation
import FirnWorlds

/// What turns requests into programs, and keeps count of whose memory slots are.
extension Session {
  /// A program that computes tensors.
  ///
  /// - Parameters:
  ///   - fetching: what a run returns, by handle or by name.
  ///   - freezing: variables without gradient, for explicit `graph.gradients` in what is fetched.
  ///   - thawing: variables trained although declared or selected frozen.
  ///   - keepingTrainingMode: scopes in training mode although frozen (rule 4); needs `inTrainingMode`.
  ///   - keepingInferenceMode: scopes in inference mode although not frozen; needs `inTrainingMode`.
  ///   - inTrainingMode: whether dropout and the like are active outside frozen scopes; false by default, as a program
  ///     that trains nothing is mostly for evaluation.
  ///   - averages: the name of averages that a program compiled before keeps (`averaging:`): they are read in the place
  ///     of the variables that they are of. What the step writes itself, as moving averages of batch norms, is read as
  ///     it is.
  ///   - storingFrozen: the smaller type in which kernels that the program does not move are held and multiplied; by
  ///     default they are `f32`. Variables keep their values.
  ///   - recomputing: scopes whose values are not kept for the gradient but computed again, by paths in which `*` is any
  ///     part of a component: `["encoder/layer_*"]`. Each is one piece: what comes into it is kept. Bits stay; a scope
  ///     that no gradient passes costs nothing. None by default.
  /// - Throws: the faults of the graph; `.unknownName` for a tensor or averages it has not, `.invalidSelection` for
  ///   selections and for scopes that name nothing,
  ///   `.noGradient` where a gradient that is asked for has no path, `.invalidGraph` where one run would write a
  ///   variable twice, `.invalidArgument` where a selection of modes could have no effect.
  /// - Complexity: no data is touched, and no buffers are made before the first run.
  public func compile(
    fetching: [any TensorReference], freezing: Selection? = nil, thawing: Selection? = nil,
    keepingTrainingMode: Selection? = nil, keepingInferenceMode: Selection? = nil,
    inTrainingMode: Bool = false,
    underAverages averages: String? = nil, storingFrozen: FrozenStorage? = nil, recomputing: [String] = []
  ) throws(FirnError) -> Program {
    try addVariables()
    try requireOwn([freezing, thawing, keepingTrainingMode, keepingInferenceMode])
    if !inTrainingMode, keepingTrainingMode != nil || keepingInferenceMode != nil {
      let name = keepingTrainingMode != nil ? "keepingTrainingMode" : "keepingInferenceMode"
      throw FirnError(
        .invalidArgument, "`\(name):` has no effect: the program is in inference mode",
        remedy: "compile it with `inTrainingMode: true`, or leave the selection out")
    }
    var request = CompilationRequest(
      graph: graph.definition, fetches: try values(fetching), freezing: freezing, thawing: thawing,
      keepingTrainingMode: keepingTrainingMode, keepingInferenceMode: keepingInferenceMode,
      isTrainingMode: inTrainingMode)
    request.storingFrozen = storingFrozen
    request.recomputing = recomputing
    if let averages {
      request.graph = try underAverages(averages, request.graph, request.fetches)
      request.fetches = request.graph.outputs
    }
    return try program(request, fetches: fetching.map(\.tensorName))
  }

  /// A program whose run is one step of training; it returns the loss before the step, and what else is fetched.
  ///
  /// - Parameters:
  ///   - loss: a scalar, of floating point, by handle or by name.
  ///   - optimizer: makes the updates, nodes of the same program.
  ///   - freezing: variables held fixed besides those declared so; nothing of them is computed backward.
  ///   - thawing: variables trained although declared or selected frozen.
  ///   - keepingTrainingMode: scopes in training mode although frozen (rule 4).
  ///   - keepingInferenceMode: scopes in inference mode although trained: batch norms normalise by their averages and
  ///     move none, dropout passes all, as in Keras by `training=False`. What is learned there is learned.
  ///   - clippingNorm: the largest global norm ‖g‖ of the trained gradients together: all are multiplied by
  ///     min(clippingNorm / max(‖g‖, 1e-12), 1); by default they are not clipped.
  ///   - holding: for variables, elements that stay exactly as they are, as in `compile(updates:)`.
  ///   - averaging: averages that are kept of what is trained; none by default.
  ///   - storingFrozen: the smaller type in which frozen kernels are held and multiplied, forward and backward; by
  ///     default they are `f32`. What is trained, and what variables and checkpoints hold, is `f32` either way.
  ///   - fetching: what a run returns besides the loss, by handle or by name.
  ///   - recomputing: scopes whose values are not kept for the gradient but computed again, by paths in which `*` is any
  ///     part of a component: `["encoder/layer_*"]`. Each is one piece: what comes into it is kept. Bits stay; a scope
  ///     that no gradient passes costs nothing. None by default.
  /// - Throws: as the other `compile`; besides `.notScalar`, `.noGradient` where nothing is left to train, with what
  ///   cuts it, and `.invalidArgument` for hyperparameters no step can be made with.
  public func compile(
    minimizing loss: any TensorReference, with optimizer: any Optimizer, freezing: Selection? = nil,
    thawing: Selection? = nil,
    keepingTrainingMode: Selection? = nil, keepingInferenceMode: Selection? = nil,
    clippingNorm: Double? = nil,
    holding: KeyValuePairs<any TensorReference, any TensorReference> = [:], averaging: Averaging? = nil,
    storingFrozen: FrozenStorage? = nil, fetching: [any TensorReference] = [], recomputing: [String] = []
  ) throws(FirnError) -> Program {
    try compile(
      updates: [.minimize(loss, with: optimizer, clipping: clippingNorm.map { .globalNorm($0) })],
      freezing: freezing, thawing: thawing, keepingTrainingMode: keepingTrainingMode,
      keepingInferenceMode: keepingInferenceMode, holding: holding,
      averaging: averaging, storingFrozen: storingFrozen, fetching: fetching, recomputing: recomputing)
  }

  /// A program whose run is one step of several objectives at once; it returns what is fetched, then each loss before
  /// the step.
  ///
  /// One forward pass serves all. Every objective reads variables as they were before the run, so the order of the list
  /// decides nothing but the order of losses.
  ///
  /// - Parameters:
  ///   - objectives: which loss, or which gradients, move what, and how.
  ///   - freezing: variables held fixed besides those declared so, whatever objectives say.
  ///   - thawing: variables trained although declared or selected frozen, where an objective trains them.
  ///   - keepingTrainingMode: scopes in training mode although frozen (rule 4); what any objective trains is not
  ///     frozen.
  ///   - keepingInferenceMode: scopes in inference mode although trained: batch norms normalise by their averages and
  ///     move none, dropout passes all. What is learned there is learned.
  ///   - holding: for variables, a `bool` of the shape of each, true where an element stays exactly as it is, through
  ///     momentum and decay: `[kernel: pruned]`. What is held has no part in the norms of clipping. Memory is kept for
  ///     it.
  ///   - averaging: averages that are kept of what is trained, over the values after each step; none by default.
  ///   - storingFrozen: the smaller type in which frozen kernels are held and multiplied, forward and backward; by
  ///     default they are `f32`. What is trained, and what variables and checkpoints hold, is `f32` either way.
  ///   - fetching: what a run returns besides losses, by handle or by name.
  ///   - recomputing: scopes whose values are not kept for the gradient but computed again, by paths in which `*` is any
  ///     part of a component: `["encoder/layer_*"]`. Each is one piece: what comes into it is kept. Bits stay; a scope
  ///     that no gradient passes costs nothing. None by default.
  /// - Throws: as the other `compile`; besides `.invalidSelection` where two objectives would train one variable, or
  ///   one adds to what no other trains, and `.shapeMismatch` or `.typeMismatch` for gradients, masks, weights and
  ///   conditions that are not of the type they must be.
  public func compile(
    updates objectives: [Objective], freezing: Selection? = nil, thawing: Selection? = nil,
    keepingTrainingMode: Selection? = nil, keepingInferenceMode: Selection? = nil,
    holding: KeyValuePairs<any TensorReference, any TensorReference> = [:], averaging: Averaging? = nil,
    storingFrozen: FrozenStorage? = nil, fetching: [any TensorReference] = [], recomputing: [String] = []
  ) throws(FirnError) -> Program {
    try addVariables()
    try requireOwn(
      [freezing, thawing, keepingTrainingMode, keepingInferenceMode]
        + objectives.flatMap { [$0.selection, $0.adding] })
    let fetches = try values(fetching)
    var goals: [CompilationRequest.Goal] = []
    var losses: [String] = []
    for objective in objectives {
      goals.append(try goal(objective))
      if case .loss(let loss) = objective.source { losses.append(loss.tensorName) }
    }
    var held: [(read: Value, mask: Value)] = []
    for (variable, mask) in holding { held.append((try value(variable), try value(mask))) }
    var training = CompilationRequest.Training(goals: goals, holding: held, averaging: averaging)
    if world.size > 1 { training.exchange = .init(weight: try exchangeWeight()) }
    var request = CompilationRequest(
      graph: graph.definition, fetches: fetches, training: training,
      freezing: freezing, thawing: thawing, keepingTrainingMode: keepingTrainingMode,
      keepingInferenceMode: keepingInferenceMode)
    request.storingFrozen = storingFrozen
    request.recomputing = recomputing
    return try program(request, fetches: fetching.map(\.tensorName) + losses)
  }

  private func goal(_ objective: Objective) throws(FirnError) -> CompilationRequest.Goal {
    let source: CompilationRequest.Goal.Source
    switch objective.source {
    case .loss(let loss): source = .loss(try value(loss))
    case .gradients(let pairs):
      var found: [(read: Value, gradient: Value)] = []
      for pair in pairs { found.append((try value(pair.variable), try value(pair.gradient))) }
      source = .gradients(found)
    }
    var window: CompilationRequest.Goal.Window?
    if let accumulation = objective.accumulation {
      window = .init(runs: accumulation.runs)
      if let weight = accumulation.weight { window?.weight = try value(weight) }
      if let closing = accumulation.closing { window?.closing = try value(closing) }
    }
    let condition: CompilationRequest.Goal.Condition? =
      switch objective.condition?.form {
      case .every(let runs)?: .every(runs)
      case .flag(let flag)?: .flag(try value(flag))
      case nil: nil
      }
    return CompilationRequest.Goal(
      source: source, name: objective.name, selection: objective.selection, adding: objective.adding,
      optimizer: objective.optimizer, clipping: objective.clipping, window: window, condition: condition)
  }

  /// A program for a request made by hand.
  ///
  /// - Parameter pipeline: other passes, for benchmarks and tests.
  package func compile(
    _ request: CompilationRequest, pipeline: [Pass]? = nil
  ) throws(FirnError) -> Program {
    try addVariables()
    let results = request.fetches + (request.training?.losses ?? [])
    return try program(
      request, fetches: results.map { request.graph.name(of: $0) }, pipeline: pipeline)
  }

  func program(
    _ request: CompilationRequest, fetches: [String], pipeline: [Pass]? = nil
  ) throws(FirnError) -> Program {
    var request = request
    request.values = knownValues
    request.winogradTile = winogradTile
    let passes =
      if let pipeline { pipeline } else {
        try Compiler.pipeline(changedBy: passes ?? Platform.environment("FIRN_PASSES") ?? "")
      }
    let compilation = try Compiler.compile(request, pipeline: passes, dump: DirectoryDump.fromEnvironment())
    let slots = try prepareSlots(of: compilation)
    let initial = request.training == nil ? [] : frozenAtFirstValues(compilation.context.trainability)
    let frozenInitial =
      initial.isEmpty
      ? []
      : ["frozen but never loaded or trained: " + initial.map { "`\($0)`" }.joined(separator: ", ")]
    let warnings =
      (request.training == nil ? [] : graph.warnings) + frozenInitial + compilation.storageWarnings
      + compilation.rowWarnings
    warnings.forEach(onWarning)
    return Program(
      compilation: compilation, session: identity, home: graph.identity, fetches: fetches,
      outputs: compilation.fetchOutputs,
      feedCheck: FeedCheck(compilation.graph, known: request.graph.placeholders, home: graph.identity),
      isExchanging: compilation.graph.exchanges,
      trainedBlocks: Dictionary(grouping: compilation.trainedParts.filter { $0.block != nil }) {
        $0.variable.name
      }.mapValues { $0.compactMap(\.block) },
      warnings: warnings, slotReport: slots)
  }

  /// - Throws: `.unknownName` where a selection names another graph's tensor by its handle.
  func requireOwn(_ selections: [Selection?]) throws(FirnError) {
    for case let selection? in selections { try selection.requireHome(graph.identity) }
  }

  /// What is frozen and holds its first value still, variables and blocks of them, in creation order.
  private func frozenAtFirstValues(_ trainability: Trainability) -> [String] {
    trainability.variables.flatMap { variable -> [String] in
      let status = trainability.status(of: variable)
      guard status == .frozen || status == .partly, !variable.initializer.isGiven,
        variable.shadow == nil, let initial = store[variable.name]?.origin.initialRegion
      else { return [] }
      let frozen: Region?
      do throws(FirnError) {
        frozen = try .difference(initial, trainability.trainedRegion(variable.name), of: variable)
      } catch {
        // Blocks along two axes: what is set may be another part than what is frozen.
        frozen = .whole
      }
      switch frozen {
      case nil: return []
      case .whole: return [variable.name]
      case .blocks(let blocks): return blocks.map { variable.name + $0.description }
      }
    }
  }

  /// Adds the slots of a program, and starts over those that are not kept; all or nothing, as memory of the programs
  /// compiled before is at stake.
  func prepareSlots(of compilation: Compilation) throws(FirnError) -> [SlotReport] {
    if compilation.context.request.training == nil { return [] }
    var (store, ledger) = (self.store, self.ledger)
    let decision = ledger.compile(compilation, among: graph.variables)
    try store.add(compilation.slots.map(\.variable))
    for slot in compilation.slots {
      let name = slot.variable.name
      let part = slot.startsAtValue ? slot.owner.part : nil
      try store.redeclare(slot.variable, startingAs: part.map { ($0.variable.name, $0.block) })
      let isFresh = decision.fresh.contains(name) || slot.window.map { self.store[$0] == nil } == true
      if isFresh { store.replace(name, with: nil, origin: .initialized) }
    }
    (self.store, self.ledger) = (store, ledger)
    return decision.reports
  }

  func value(_ reference: any TensorReference) throws(FirnError) -> Value {
    try values([reference])[0]
  }

  /// - Throws: `.unknownName` for what the graph has not, and for handles of another graph's tensors.
  package func values(_ references: [any TensorReference]) throws(FirnError) -> [Value] {
    var values: [Value] = []
    for reference in references {
      if let tensor = reference as? Tensor {
        if tensor.isPoisoned { try tensor.graph.root.validate() }
        guard tensor.graph === graph, !tensor.isPoisoned else {
          throw FirnError(
            .unknownName, "`\(tensor.name)` belongs to another graph than this session's",
            remedy: tensor.graph.root === graph
              ? "values inside a loop are fetched by returning them as outputs of the loop"
              : "use the tensor of the graph the session was made of, or name it by its path")
        }
        values.append(tensor.value)
      } else if let tensor = graph.tensor(named: reference.tensorName) {
        values.append(tensor.value)
      } else {
        let name = reference.tensorName
        throw FirnError(
          .unknownName, "the graph has no tensor `\(name)`",
          remedy: NearestNames(to: name, among: graph.nodes.map(\.name)).question
            ?? "see `graph.definition.text`")
      }
    }
    return values
  }
}
