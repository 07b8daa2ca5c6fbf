import FirnCompiler
public import FirnGraph
import FirnNotation
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
  /// How many bytes of values that are made of frozen variables once may be held together; as many as there is memory
  /// for by default.
  ///
  /// A program whose values are more computes them in every step, to the same bits, and a warning says so. Another limit
  /// holds from the next run on: values and plans that were made under this one are let go.
  public var boundValueLimit = Int.max {
    didSet {
      if boundValueLimit != oldValue { (executions, boundValues) = (ExecutionCache(), BoundValues()) }
    }
  }
  /// The largest tile by which convolutions with frozen kernels of 3 × 3 taps are computed, where that gains, in programs that
  /// are compiled from now on; 2 × 2 by default, nil for the sums written out.
  ///
  /// Tiles of 4 × 4 multiply less still and round more: `program.frozenReport` says by how much.
  public var winogradTile: WinogradTile? = .two
  /// Called with each warning of a compilation; by default they go to standard error, in a world those of rank 0 alone,
  /// as they are the same for all.
  public var onWarning: (String) -> Void = StandardError.write
  /// What is said of an error that ends all members of a world, before it is said.
  package var describesFault: (FirnError) -> FirnError = { $0 }

  /// What stands in the place of the environment's `FIRN_PASSES`; nil for that itself.
  package var passes: String?

  var store: VariableStore
  let identity = SessionIdentity()
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
    if world.rank > 0 { onWarning = { _ in } }
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
      return counts ? try step(program, feeding: feeds) : try runAlong(program, feeding: feeds)
    } catch {
      throw told(error)
    }
  }

  func step(_ program: Program, feeding feeds: Feeds) throws(FirnError) -> Results {
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
    letGoOfMappedVariables(read: bound, not: execution.plan)
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
    let bound =
      checksNumerics || compilation.bound.outputs.isEmpty
      ? nil : boundValues.program(program.identity, compilation.bound, in: store)
    let isTooMuch = bound.map { $0.pendingBytes.saturatingSum(boundValues.size.byteCount) > boundValueLimit }
    var made: Execution?
    var fault: FirnError?
    if isTooMuch != true {
      do throws(FirnError) {
        made = try planned(program, binding, checksNumerics: checksNumerics, bound)
      } catch {
        // Values that are made once take more than making them in every step does.
        guard let bound, bound.pendingBytes > 0, error.code == .invalidArgument else { throw error }
        fault = error
      }
    }
    if made == nil {
      do throws(FirnError) {
        made = try planned(program, binding, checksNumerics: checksNumerics, nil)
      } catch {
        // Too much either way is said of the program as it is.
        throw fault ?? error
      }
      let bytes = NumberFormat.bytes(bound?.pendingBytes ?? 0)
      onWarning(
        "what is made of frozen variables takes \(bytes) that are not to be had: it is computed in every step"
      )
    }
    guard let made else { firnBug("session", "nothing was planned") }
    executions.keep(made, of: program.identity, key, within: keptPlanBytes)
    return made
  }

  /// A plan and its buffers.
  ///
  /// - Parameter bound: the values that are made once; nil where runs are to make them.
  private func planned(
    _ program: Program, _ binding: DimBinding, checksNumerics: Bool, _ bound: BoundProgram?
  ) throws(FirnError) -> Execution {
    let compilation = program.compilation
    // Where each value is looked through, each is made by itself, and in the run: programs are taken apart again.
    let graph = (bound == nil ? compilation.whole : compilation.graph).mapping(.binding(binding))
    let plan = try Plan(
      checksNumerics ? graph.unfused : graph, workers: workers.count,
      sharing: checksNumerics ? nil : .standard, checksNumerics: checksNumerics)
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
    return Execution(plan, workers: workers, bound: bound)
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
