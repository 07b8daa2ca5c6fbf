public import FirnCompiler
public import FirnGraph
public import FirnNotation
import FirnOps
public import FirnWorlds

/// The state of a model and the programs that use it.
///
/// Several programs, with different selections frozen, share the variables; nothing about freezing is stored here, so
/// nothing can be stale. Not `Sendable`: use a session from one task at a time.
public final class Session {
  /// The model; variables added to it later join the session when it next compiles.
  public let graph: Graph
  /// What first values and random ops depend on, with names and the number of runs.
  public let seed: UInt64
  /// Whether every run looks for NaN and infinity after each op, and fails naming the first that produced one.
  ///
  /// Infinities of a constant, such as the -inf of a mask, are let pass where they stand, as is what `select` discards.
  public var checksNumerics = false
  /// How many bytes plans that are kept for dimensions run before may hold together; 256 MiB by default.
  ///
  /// A plan is made for each program and each set of extents, with the buffers its runs use. The one run last always
  /// stays; of others, the least recently run go first, as they do where memory is wanted. What is gone is planned
  /// again when it is run.
  public var keptPlanBytes = 1 << 28
  /// Called with each warning of a compilation; by default they go to standard error.
  public var onWarning: (String) -> Void = StandardError.write

  /// What stands in the place of the environment's `FIRN_PASSES`; nil for that itself.
  package var passes: String?

  var store: VariableStore
  private let identity = SessionIdentity()
  let workers: WorkerPool
  /// The world as kernels see it.
  let link: WorldLink
  /// What says how much a run weighs; nil for the extent of the batch.
  let weighing: (any TensorReference)?
  /// What the members of the world have found alike.
  var agreement = Agreement()
  private var executions = ExecutionCache()
  private var boundValues = BoundValues()
  /// How many bound values have been made, or made again, so far.
  package private(set) var boundValuesMade = 0
  /// Names of those made last.
  package private(set) var lastBoundValues: [String] = []
  /// How many runs there have been; drives random ops, with the seed.
  package var runs: UInt64 = 0
  /// Whose memory the optimisers' slots are.
  var ledger = SlotLedger()

  /// A session with every variable of `graph` at its first value.
  ///
  /// First values are drawn when they are first read, so that loading weights over them costs nothing.
  ///
  /// - Parameters:
  ///   - seed: decides first values and random ops; the same seed gives the same bits on any number of threads.
  ///   - threads: how many kernels may use; all cores by default, or this member's share of them.
  ///   - world: the members that train together, each with a session of the same graph and seed: the gradients of what
  ///     is trained are exchanged, and nothing else; ``World/alone`` by default.
  ///   - weight: how many examples a run is of, a scalar, by which gradients, losses and metrics of the members are
  ///     averaged; by default the extent `batch`, or the only named first extent of placeholders.
  /// - Throws: every fault recorded while the graph was built, as `graph.validate()` does.
  public init(
    _ graph: Graph, seed: UInt64 = 0, threads: Int? = nil, world: World = .alone,
    weighingBy weight: (any TensorReference)? = nil
  ) throws(FirnError) {
    self.graph = graph
    self.seed = seed
    weighing = weight
    store = VariableStore(seed: seed)
    link = WorldLink(world)
    workers = WorkerPool(
      count: threads ?? max(1, Platform.coreCount / Platform.neighbourCount(of: world.size)),
      world: world.size > 1 ? link : nil)
    try addVariables()
  }

  /// A session of a graph that was read from a file, or taken from another session's `graph.definition`.
  ///
  /// Everything is named: `compile(minimizing: "loss", …)`, `run(program, feeding: ["x": images])`. Variables have
  /// their first values, of the same bits as in the session of whoever built the graph, given the same seed.
  ///
  /// - Parameters:
  ///   - seed: decides first values and random ops.
  ///   - threads: how many kernels may use; all cores by default, or this member's share of them.
  ///   - world: the members that train together; ``World/alone`` by default.
  ///   - weight: how many examples a run is of, by name; see the other initialiser.
  /// - Throws: where a first value cannot be made, or the machine has not the memory.
  public convenience init(
    _ definition: GraphDef, seed: UInt64 = 0, threads: Int? = nil, world: World = .alone,
    weighingBy weight: (any TensorReference)? = nil
  ) throws(FirnError) {
    try self.init(Graph(definition), seed: seed, threads: threads, world: world, weighingBy: weight)
  }

  /// The members that train together, of which this session is one's.
  public var world: World { link.world }

  func addVariables() throws(FirnError) {
    try graph.validate()
    try store.add(graph.variables)
  }

  // MARK: Compiling

  /// A program that computes tensors.
  ///
  /// - Parameters:
  ///   - fetching: what a run returns, by handle or by name.
  ///   - freezing: variables without gradient, for explicit `graph.gradients` in what is fetched.
  ///   - thawing: variables trained although declared or selected frozen.
  ///   - keepingTrainingMode: scopes in training mode although frozen (rule 4); needs `inTrainingMode`.
  ///   - inTrainingMode: whether dropout and the like are active outside frozen scopes; false by default, as a program
  ///     that trains nothing is mostly for evaluation.
  ///   - averages: the name of averages that a program compiled before keeps (`averaging:`): they are read in the place
  ///     of the variables that they are of. What the step writes itself, as moving averages of batch norms, is read as
  ///     it is.
  /// - Throws: the faults of the graph; `.unknownName` for a tensor or averages it has not, `.invalidSelection`,
  ///   `.noGradient` where a gradient that is asked for has no path, `.invalidGraph` where one run would write a
  ///   variable twice, `.invalidArgument` where `keepingTrainingMode` could have no effect.
  /// - Complexity: no data is touched, and no buffers are made before the first run.
  public func compile(
    fetching: [any TensorReference], freezing: Selection? = nil, thawing: Selection? = nil,
    keepingTrainingMode: Selection? = nil, inTrainingMode: Bool = false,
    underAverages averages: String? = nil
  ) throws(FirnError) -> Program {
    try addVariables()
    try requireOwn([freezing, thawing, keepingTrainingMode])
    guard inTrainingMode || keepingTrainingMode == nil else {
      throw FirnError(
        .invalidArgument, "`keepingTrainingMode:` has no effect: the program is in inference mode",
        remedy: "compile it with `inTrainingMode: true`, or leave the selection out")
    }
    var request = CompilationRequest(
      graph: graph.definition, fetches: try values(fetching), freezing: freezing, thawing: thawing,
      keepingTrainingMode: keepingTrainingMode, isTrainingMode: inTrainingMode)
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
  ///   - clippingNorm: the largest global norm ‖g‖ of the trained gradients together: all are multiplied by
  ///     min(clippingNorm / max(‖g‖, 1e-12), 1); by default they are not clipped.
  ///   - holding: for variables, elements that stay exactly as they are, as in `compile(updates:)`.
  ///   - averaging: averages that are kept of what is trained; none by default.
  ///   - fetching: what a run returns besides the loss, by handle or by name.
  /// - Throws: as the other `compile`; besides `.notScalar`, `.noGradient` where nothing is left to train, with what
  ///   cuts it, and `.invalidArgument` for hyperparameters no step can be made with.
  public func compile(
    minimizing loss: any TensorReference, with optimizer: any Optimizer, freezing: Selection? = nil,
    thawing: Selection? = nil,
    keepingTrainingMode: Selection? = nil, clippingNorm: Double? = nil,
    holding: KeyValuePairs<any TensorReference, any TensorReference> = [:], averaging: Averaging? = nil,
    fetching: [any TensorReference] = []
  ) throws(FirnError) -> Program {
    try compile(
      updates: [.minimize(loss, with: optimizer, clipping: clippingNorm.map { .globalNorm($0) })],
      freezing: freezing, thawing: thawing, keepingTrainingMode: keepingTrainingMode, holding: holding,
      averaging: averaging, fetching: fetching)
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
  ///   - holding: for variables, a `bool` of the shape of each, true where an element stays exactly as it is, through
  ///     momentum and decay: `[kernel: pruned]`. What is held has no part in the norms of clipping. Memory is kept for
  ///     it.
  ///   - averaging: averages that are kept of what is trained, over the values after each step; none by default.
  ///   - fetching: what a run returns besides losses, by handle or by name.
  /// - Throws: as the other `compile`; besides `.invalidSelection` where two objectives would train one variable, or
  ///   one adds to what no other trains, and `.shapeMismatch` or `.typeMismatch` for gradients, masks, weights and
  ///   conditions that are not of the type they must be.
  public func compile(
    updates objectives: [Objective], freezing: Selection? = nil, thawing: Selection? = nil,
    keepingTrainingMode: Selection? = nil,
    holding: KeyValuePairs<any TensorReference, any TensorReference> = [:], averaging: Averaging? = nil,
    fetching: [any TensorReference] = []
  ) throws(FirnError) -> Program {
    try addVariables()
    try requireOwn(
      [freezing, thawing, keepingTrainingMode] + objectives.flatMap { [$0.selection, $0.adding] })
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
    let request = CompilationRequest(
      graph: graph.definition, fetches: fetches, training: training,
      freezing: freezing, thawing: thawing, keepingTrainingMode: keepingTrainingMode)
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

  private func program(
    _ request: CompilationRequest, fetches: [String], pipeline: [Pass]? = nil
  ) throws(FirnError) -> Program {
    var request = request
    request.values = knownValues
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
    let warnings = (request.training == nil ? [] : graph.warnings) + frozenInitial
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
            remedy: "values inside a loop are fetched by returning them as outputs of the loop")
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

  // MARK: Running

  /// - Throws: `.invalidArgument` for a program of another session.
  package func requireOwn(_ program: Program) throws(FirnError) {
    guard program.session === identity else {
      throw FirnError(
        .invalidArgument, "the program was compiled by another session",
        remedy: "compile it in the session that runs it")
    }
  }

  /// Runs a program once; on any error every variable is as it was.
  ///
  /// - Parameter feeds: data for every placeholder the program needs; for others of the same graph it is ignored.
  /// - Throws: `.missingFeed`, `.invalidFeed`, `.unknownName`, `.indexOutOfRange`, `.notFinite`.
  /// - Complexity: what ``Program/costReport()`` says. The first run of new extents plans and takes buffers; later ones
  ///   allocate only what they return.
  @discardableResult
  public func run(_ program: Program, feeding feeds: Feeds = [:]) throws(FirnError) -> Results {
    try run(program, feeding: feeds, counts: true)
  }

  /// - Parameter counts: whether what this member makes weighs anything; without it the member runs along with the
  ///   others.
  package func run(_ program: Program, feeding feeds: Feeds, counts: Bool) throws(FirnError) -> Results {
    try requireOwn(program)
    guard world.size > 1, program.isExchanging else { return try step(program, feeding: feeds) }
    do throws(FirnError) {
      try agree(on: program)
      link.counts = counts
      return try step(program, feeding: feeds)
    } catch {
      throw told(error)
    }
  }

  private func step(_ program: Program, feeding feeds: Feeds) throws(FirnError) -> Results {
    let binding = try program.feedCheck.binding(of: feeds, members: world.size)
    let execution = try self.execution(of: program, binding: binding, checksNumerics: checksNumerics)
    let plan = execution.plan
    for (port, storage) in zip(plan.feeds, execution.feeds) {
      guard let feed = feeds.entries.last(where: { $0.name == port.name }) else {
        firnBug("session", "feed `\(port.name)` passed the check but is missing")
      }
      feed.array.withUnsafeBytes { bytes in
        if let base = bytes.baseAddress { storage.pointer.copyMemory(from: base, byteCount: bytes.count) }
      }
      if checksNumerics, let fault = firstNotFinite(storage.pointer, port.type) {
        throw FirnError(
          .notFinite, "the data fed to `\(port.name)` holds \(fault.value) at element \(fault.index)",
          remedy: "clean the data", place: port.name)
      }
    }
    try requireMemory(forWriting: plan)
    try refresh(execution)
    try execution.bind(to: &store)
    if checksNumerics { try checkVariables(of: plan) }
    let state = execution.randomState.pointer
    // Members draw other numbers, the first those of a process alone.
    state.storeBytes(of: seed &+ UInt64(world.rank) &* 0x9e37_79b9_7f4a_7c15, as: UInt64.self)
    state.storeBytes(of: runs, toByteOffset: 8, as: UInt64.self)
    try execution.run(checksNumerics: checksNumerics)
    let arrays = program.outputs.map { output in
      output.map { NDArray(plan.outputs[$0].type, copying: execution.pointer(to: plan.outputs[$0].slot)) }
    }
    for commit in plan.commits {
      let (values, blocks) = (execution.pointer(to: commit.slot), program.trainedBlocks[commit.name])
      if commit.isInPlace {
        store.noteWritten(commit.name, training: blocks)
      } else if let rows = commit.rows {
        let indices = commit.indices.map { slot in
          UnsafePointer(execution.pointer(to: slot).assumingMemoryBound(to: Int32.self))
        }
        store.write(
          values, rows: commit.type.shape[0], in: rows, at: indices, to: commit.name, training: blocks)
      } else {
        store.write(values, to: commit.name, training: blocks, by: workers)
      }
    }
    if world.size > 1 { agreement.note(plan.commits.lazy.map(\.name), in: store) }
    runs &+= 1
    return Results(names: program.fetches, arrays: arrays, home: graph.identity)
  }

  /// Makes what was computed of frozen variables anew where one of them has changed.
  private func refresh(_ execution: Execution) throws(FirnError) {
    guard let bound = execution.bound else { return }
    let made = try bound.refresh(&store, by: workers, keeping: keptPlanBytes)
    if made.isEmpty { return }
    boundValuesMade += made.count
    lastBoundValues = made
  }

  /// What a variable already holds is no op's doing.
  private func checkVariables(of plan: Plan) throws(FirnError) {
    for case .variable(let name) in plan.placements {
      guard let fault = try store.firstNotFinite(in: name), let type = store[name]?.type else { continue }
      throw FirnError(
        .notFinite, "variable `\(name)` holds \(fault.value) at element \(fault.index) of \(type)",
        remedy: "restore a snapshot from before that, and check numerics from the start", place: name)
    }
  }

  /// What a run takes besides its plan: copies of variables that others hold too, as a snapshot does, and large
  /// results.
  private func requireMemory(forWriting plan: Plan) throws(FirnError) {
    let copies = store.copiedBytes(writing: plan.commits.map(\.name))
    let results = plan.outputs.reduce(0) { $0.saturatingSum($1.type.byteCount) }
    // Results were counted when the plan was made; what is large is looked at again, for memory may have gone since.
    let bytes = copies.saturatingSum(results > Self.largeBytes ? results : 0)
    if bytes > 0 { try FreeMemory.require(bytes, for: "what this run returns and writes") }
  }

  /// Below it, looking how much memory is free would take longer than copying.
  private static let largeBytes = 1 << 26

  /// How many plans are held, each with its buffers.
  var executionCount: Int { executions.count }
  /// Bytes of all plans that are held.
  var executionBytes: Int { executions.byteCount }
  /// How many bound values are held, and what they take.
  package var boundSize: (count: Int, byteCount: Int) { boundValues.size }

  /// - Parameter checksNumerics: whether every value is looked through, and must be whole for that.
  func execution(
    of program: Program, binding: DimBinding, checksNumerics: Bool = false
  ) throws(FirnError) -> Execution {
    let key = ExecutionCache.Key(binding: binding, checksNumerics: checksNumerics)
    if let known = executions.known(of: program.identity, key) { return known }
    executions.removeUnneeded()
    boundValues.removeUnneeded()
    let compilation = program.compilation
    // Where each value is looked through, each is made by itself, and in the run: programs are taken apart again.
    let graph = (checksNumerics ? compilation.whole : compilation.graph).mapping(.binding(binding))
    let plan = try Plan(
      checksNumerics ? graph.unfused : graph, workers: workers.count,
      sharing: checksNumerics ? nil : .standard, checksNumerics: checksNumerics)
    let bound =
      checksNumerics || compilation.bound.outputs.isEmpty
      ? nil : boundValues.program(program.identity, compilation.bound, in: store)
    let buffers =
      (plan.feeds + plan.outputs).map(\.type.byteCount) + [
        store.pendingBytes, store.pendingScratch(workers.count), bound?.pendingBytes ?? 0,
      ]
    let bytes = buffers.reduce(plan.arenaBytes) { $0.saturatingSum($1) }
    let what = "one run of this program, with the variables that are still to be made,"
    do throws(FirnError) {
      try FreeMemory.require(bytes, for: what)
    } catch {
      // What other plans hold is worth less than a run.
      guard executions.count > 0 else { throw error }
      executions = ExecutionCache()
      try FreeMemory.require(bytes, for: what)
    }
    let made = Execution(plan, workers: workers, bound: bound)
    executions.keep(made, of: program.identity, key, within: keptPlanBytes)
    return made
  }

  /// Bytes of working memory one run takes for these dimensions, variables not counted.
  ///
  /// The arena is the one piece of memory that holds all values between the ops of a run. A plan gives each its place
  /// there for as long as it is needed, so that values which never live at the same time share bytes.
  ///
  /// - Parameter binding: numbers for the named dimensions: `["batch": 32]`.
  /// - Throws: `.missingFeed` where a name has no number; `.invalidArgument` for a program of another session, where a
  ///   number is no extent, and where a run takes more memory than is free,
  ///   with both numbers: feeds, results and variables that are still to be made are counted too.
  public func arenaBytes(of program: Program, binding: DimBinding = [:]) throws(FirnError) -> Int {
    try requireOwn(program)
    var binding = binding
    binding[Collective.members.description] = binding[Collective.members.description] ?? world.size
    return try execution(of: program, binding: binding).plan.arenaBytes
  }
}
