package import FirnGraph
import FirnNotation

/// What passes read besides the graph, and what they leave for those after them and for reports.
package struct CompilationContext: Sendable {
  package let request: CompilationRequest
  /// What is trained by any of the objectives.
  package let trainability: Trainability
  /// What each objective is about; none where nothing is trained.
  package let objectives: [ObjectiveScope]
  /// The trained parts of which averages are kept.
  package let averaged: Set<TrainedPart>
  /// What `prune-gradients` decided, for each objective.
  package var prunings: [PruningRecord] = []
  /// For each objective the name of the request for gradients that `prune-gradients` wrote, for `apply-optimizer`; nil
  /// where gradients are given.
  package var gradientRequests: [String?] = []
  /// Whether what objectives follow through the passes is among the outputs still.
  package var isFollowing = true
  /// The optimiser's memory that `apply-optimizer` declared, in creation order.
  package var slots: [CompiledSlot] = []
  /// The updates, `apply-optimizer` says, that leave rows without gradient as they are; for `update-rows`.
  package var rowUpdates: [RowUpdate] = []
  /// Whether a pass makes the copies of updates that `apply-optimizer` leaves out.
  var copiesUpdates = false
  /// The updates that it left out.
  package var copies = UpdateCopies()
  /// By result of the objectives' requests, counted through all of them, the names of gradients that are rows added into
  /// zeros, as `expand-gradients` found them.
  package var rowGradients: [Int: String] = [:]
  /// What `hoist-frozen` took out of the step: a graph that returns what the step reads of it.
  package var bound = GraphDef()
  /// What `store-frozen` did.
  var stored = StoredKernels.none
  /// What `fold-frozen` did.
  package var folds: [Fold] = []
  /// The scopes that `recompute` is to compute again, none of them in another.
  package var recomputing: [String] = []
  /// What it computes again of them, as far as later passes have left it.
  package var recomputed: [RecomputedCopy] = []
  /// What `keep-bits` keeps in the place of values.
  package var condensed: [CondensedValue] = []
  /// What `remake-quick` has the backward program make anew.
  package var remade: [KeptValue] = []
  /// What `transform-frozen` did.
  package var transforms: [FrozenTransform] = []
  /// What each pass did.
  package var history: [PassRecord] = []

  /// - Throws: what is wrong with the request's selections.
  package init(_ request: CompilationRequest) throws(FirnError) {
    self.request = request
    let base: Trainability
    if let trainability = request.trainability {
      base = trainability
    } else {
      base = try Trainability(
        request.selectionContext, freezing: request.freezing, thawing: request.thawing)
    }
    (objectives, trainability) = try [ObjectiveScope].resolved(request, base)
    averaged = try Self.averaged(request, objectives)
    recomputing = try ScopePatterns(request.recomputing).resolve(in: request.graph)
  }

  /// The trained parts that averages are asked of.
  private static func averaged(
    _ request: CompilationRequest, _ objectives: [ObjectiveScope]
  ) throws(FirnError) -> Set<TrainedPart> {
    guard let averaging = request.training?.averaging else { return [] }
    let parts = objectives.flatMap { objective in
      objective.trainability.variables.flatMap { objective.trainability.parts(of: $0) }
    }
    guard let selection = averaging.selection else { return Set(parts) }
    let named = Dictionary(
      try selection.resolve(in: request.selectionContext).map { ($0.variable.name, $0.region) },
      uniquingKeysWith: { $1 })
    var result: Set<TrainedPart> = []
    for part in parts {
      guard let region = named[part.variable.name],
        try part.isNamed(by: region, "the average of `\(selection)`")
      else { continue }
      result.insert(part)
    }
    return result
  }

  /// What a graph is compiled to return: what was fetched, then the losses of a training program, then, as long as passes
  /// need it, what else its objectives are made of.
  var outputs: [Value] {
    request.fetches + (request.training?.losses ?? [])
      + (isFollowing ? request.training?.followed ?? [] : [])
  }

  /// How many outputs the graph has now: those, and what copies of updates are made of.
  var outputCount: Int { outputs.count + copies.outputCount }

  /// Variables whose updates are made last, as copies: until then nothing in the graph writes them.
  var writtenByCopies: Set<String> { Set(copies.members.map(\.variable)) }

  /// What is trained in the whole program, by objectives that are not asked about too.
  var together: Trainability { request.together ?? trainability }

  /// Where the program runs in training mode.
  ///
  /// - Throws: where a selection of modes names nothing that has two, or two the same.
  func modes(of graph: GraphDef) throws(FirnError) -> Modes { try Modes(graph, request, together) }

  /// What becomes of the variables, given where gradients travel; nil where nothing is trained.
  ///
  /// - Throws: where a selection of modes names nothing that has two, or two the same.
  func verdicts(_ flow: LossFlow?) throws(FirnError) -> Verdicts {
    Verdicts(request.graph, trainability, try modes(of: request.graph), flow)
  }

  /// What becomes of the variables by each objective, given where the gradients of each travel.
  ///
  /// - Throws: where a selection of modes names nothing that has two, or two the same.
  func verdicts(of objectives: [ObjectiveScope], _ flows: [LossFlow]) throws(FirnError) -> Verdicts {
    Verdicts(
      request.graph, objectives.count == 1 ? objectives[0].targets : trainability,
      try modes(of: request.graph),
      zip(objectives, flows).map { objective, flow in
        Verdicts.Source(
          name: self.objectives.count > 1 ? objective.name : nil, trainability: objective.targets, flow: flow,
          isGiven: !objective.goal.given.isEmpty)
      })
  }

  /// The objectives with their tensors in a graph of this compilation; nil where nothing is trained.
  func training(in graph: GraphDef, for pass: String) -> CompilationRequest.Training? {
    guard let training = request.training else { return nil }
    guard graph.outputs.count == outputs.count, isFollowing else {
      firnBug(pass, "\(graph.outputs.count) outputs where the objectives have \(outputs.count)")
    }
    let count = training.losses.count
    var losses = graph.outputs[request.fetches.count...].prefix(count)
    var others = graph.outputs[(request.fetches.count + count)...]
    var result = training
    result.goals = training.goals.map { $0.following(&losses, &others) }
    result.holding = training.holding.map { _ in (others.removeFirst(), others.removeFirst()) }
    if case .value? = training.exchange?.weight { result.exchange?.weight = .value(others.removeFirst()) }
    return result
  }

  /// The place of an objective's first gradient among those of all.
  func firstGradient(of objective: Int) -> Int {
    (0..<objective).reduce(0) { $0 + (gradientRequests[$1] == nil ? 0 : prunings[$1].targets.count) }
  }

  /// What is trained of a variable, block by block, where objectives do not train all of it as one.
  func trainedBlocks(_ name: String) -> [Block] {
    objectives.flatMap { $0.trainability.trainedRegion(name)?.blocks ?? [] }
      .sorted { $0.range.lowerBound < $1.range.lowerBound }
  }

  /// What is trained, in the creation order of variables, blocks in theirs, and by which objective.
  package var liveParts: [(part: TrainedPart, objective: Int)] {
    let reached = Set(prunings.flatMap(\.targetParts))
    return trainability.variables.flatMap { variable in
      objectives.indices.flatMap { number in
        objectives[number].trainability.parts(of: variable).map { (part: $0, objective: number) }
      }.filter { reached.contains($0.part) }.sorted {
        ($0.part.block?.range.lowerBound ?? 0) < ($1.part.block?.range.lowerBound ?? 0)
      }
    }
  }
}
