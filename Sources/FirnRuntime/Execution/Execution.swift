internal import CFirnKernels
import FirnCompiler
import FirnGraph

/// A plan with the memory it runs in.
///
/// Buffers are found once, when it is made, but for those of variables, which are looked up again when the storage of
/// one has changed; a run writes no pointer but those that move with a loop.
final class Execution {
  let plan: Plan
  let arena: Storage
  let feeds: [Storage]
  let randomState: Storage
  private let frame: Frame
  private let workers: any Workers
  /// The variables that steps write over.
  private let overwritten: [String]
  /// The version of the variables' storage that the pointers are of.
  private var version: Int?
  /// Where values are that are not made in a run; their places are known once they have been made.
  let bound: BoundProgram?
  private var isBound = false

  init(_ plan: Plan, workers: any Workers, bound: BoundProgram? = nil) {
    self.plan = plan
    self.workers = workers
    self.bound = bound
    overwritten = plan.commits.filter(\.isInPlace).map(\.name)
    let arena = Storage(byteCount: plan.arenaBytes)
    let feeds = plan.feeds.map { Storage(byteCount: $0.type.byteCount) }
    let randomState = Storage(byteCount: 16)
    self.arena = arena
    self.feeds = feeds
    self.randomState = randomState
    frame = Frame(plan, arena: arena.pointer, workers: workers) { placement in
      switch placement {
      case .feed(let index): feeds[index].pointer
      case .randomState: randomState.pointer
      // Until variables are bound; nothing reads it before.
      case .variable, .bound: arena.pointer
      case .arena, .constant, .external: firnBug("execution", "a buffer has no place")
      }
    }
  }

  /// Bytes of its buffers, and about what its steps take.
  var byteCount: Int {
    let feeds = feeds.reduce(arena.byteCount) { $0.saturatingSum($1.byteCount) }
    return feeds.saturatingSum(plan.stepCount.saturatingProduct(1024))
  }

  /// Points to where the variables are now, making first values that nobody asked for yet, and storage of their own for
  /// those that steps write over where somebody else holds what they are.
  func bind(to store: inout VariableStore) throws(FirnError) {
    if !isBound { bindValues { bound?.storage(of: $0) } }
    if version != store.version {
      // A number that the store comes to below may be one that another future of it has come to.
      version = nil
      try makeFirstValues(in: &store)
    }
    for name in overwritten { store.makeOwn(name) }
    if version == store.version { return }
    for (slot, placement) in plan.placements.enumerated() {
      if case .variable(let name) = placement {
        frame.table[slot] = try store.storage(of: name).pointer
      }
    }
    version = store.version
  }

  /// Points to bound values, which stay where they are once made.
  func bindValues(_ storage: (String) -> Storage?) {
    for (slot, placement) in plan.placements.enumerated() {
      guard case .bound(let name) = placement else { continue }
      guard let storage = storage(name) else {
        firnBug("execution", "`\(name)` is read before it is made")
      }
      frame.table[slot] = storage.pointer
    }
    isBound = true
  }

  private func makeFirstValues(in store: inout VariableStore) throws(FirnError) {
    let read = plan.placements.compactMap { placement in
      if case .variable(let name) = placement { name } else { nil }
    }
    // What stays of a variable of which rows are written must be there, whether or not anything reads it.
    let kept = plan.commits.filter { $0.rows != nil }.map(\.name)
    try store.makeFirstValues(of: read + kept, by: workers)
    // What begins as another variable shares its storage, and must do so before that is asked to be its own.
    for name in read + kept + overwritten { _ = try store.storage(of: name) }
  }

  /// Runs every step and leaves variables as they are, but for those that the plan's steps write over: committing is the
  /// caller's, when all has gone well.
  ///
  /// Denormal numbers are 0 meanwhile, on this thread as on the workers'; afterwards, also where a step fails, the
  /// thread takes them as before.
  func run(checksNumerics: Bool) throws(FirnError) {
    let mode = firn_flush_denormals()
    defer { firn_restore_denormals(mode) }
    try frame.run(checksNumerics: checksNumerics)
  }

  /// The bytes of a buffer after a run.
  func pointer(to slot: Int) -> UnsafeMutableRawPointer { frame.table[slot] }
}

/// The pointers of one plan, and below it those of its loops' bodies.
///
/// Steps are plain values in one piece of memory. Kernels and loops are held by the frame and only referred to by steps:
/// running one counts no reference and allocates nothing.
private final class Frame {
  let table: UnsafeMutablePointer<UnsafeMutableRawPointer>
  private let steps: UnsafeMutableBufferPointer<Step>
  private let slotLists: UnsafeMutablePointer<Int>
  /// Keeps the workers alive.
  private let heldWorkers: any Workers
  private let workers: UnretainedWorkers
  /// Keeps the kernels and the bytes of constants alive; names are read when something fails.
  private let plan: Plan
  /// Where the plan's nodes are.
  private let path: String
  /// Keeps the loops alive.
  private let loops: [LoopStep]

  private struct Step {
    let operands: UnsafePointer<Int>
    let results: UnsafePointer<Int>
    let workspace: UnsafeMutableRawPointer
    /// What is run: one of the two.
    let kernel: Unmanaged<Kernel>?
    let loop: Unmanaged<LoopStep>?
  }

  /// Of one thread: each share of a loop has one to itself.
  private static let alone = WorkerPool(count: 1)

  init(
    _ plan: Plan, path: String = "", arena: UnsafeMutableRawPointer, workers: any Workers,
    resolve: (Plan.Placement) -> UnsafeMutableRawPointer
  ) {
    self.plan = plan
    self.path = path
    heldWorkers = workers
    self.workers = UnretainedWorkers(workers)
    table = .allocate(capacity: max(plan.placements.count, 1))
    for (slot, placement) in plan.placements.enumerated() {
      let pointer: UnsafeMutableRawPointer =
        switch placement {
        case .arena(let offset): arena + offset
        case .constant(let array): array.storagePointer
        case .external: arena
        case .feed, .variable, .bound, .randomState: resolve(placement)
        }
      (table + slot).initialize(to: pointer)
    }
    let listed = plan.steps.reduce(0) { $0 + $1.operands.count + $1.results.count }
    slotLists = .allocate(capacity: max(listed, 1))
    var next = slotLists
    func list(_ slots: [Int]) -> UnsafePointer<Int> {
      let start = next
      for slot in slots {
        next.initialize(to: slot)
        next += 1
      }
      return UnsafePointer(start)
    }
    steps = .allocate(capacity: plan.steps.count)
    var loops: [LoopStep] = []
    for (position, step) in plan.steps.enumerated() {
      let workspace = arena + step.workspace
      var kernel: Unmanaged<Kernel>?
      var loop: Unmanaged<LoopStep>?
      switch step.work {
      case .kernel(let held): kernel = .passUnretained(held)
      case .loops(let shares):
        func run(_ loop: Plan.Loop, by workers: any Workers) -> LoopShareRun {
          LoopShareRun(
            loop,
            Frame(
              loop.body, path: Path.joined(path, step.name), arena: workspace + loop.workspace,
              workers: workers
            ) { _ in
              firnBug("execution", "a loop body reads from outside")
            })
        }
        let bodyWorkers = shares.count == 1 ? workers : Self.alone
        let made = LoopStep(
          shares.map { run($0, by: bodyWorkers) }, whole: step.whole.map { run($0, by: workers) })
        loops.append(made)
        loop = .passUnretained(made)
      }
      steps.initializeElement(
        at: position,
        to: Step(
          operands: list(step.operands), results: list(step.results), workspace: workspace, kernel: kernel,
          loop: loop))
    }
    self.loops = loops
  }

  deinit {
    table.deallocate()
    slotLists.deallocate()
    steps.deallocate()
  }

  func run(checksNumerics: Bool) throws(FirnError) {
    if checksNumerics { return try runChecking() }
    for position in steps.indices { try perform(position, checksNumerics: false) }
  }

  private func runChecking() throws(FirnError) {
    var deferred: [Int: NotFinite] = [:]
    for position in steps.indices {
      try perform(position, checksNumerics: true)
      // A loop's steps have looked at what it makes.
      if steps[position].kernel != nil { try check(position, &deferred) }
    }
  }

  @inline(__always)
  private func perform(_ position: Int, checksNumerics: Bool) throws(FirnError) {
    let step = steps[position]
    do {
      if let kernel = step.kernel {
        let call = KernelCall(
          table: table, operandSlots: step.operands, resultSlots: step.results, workspace: step.workspace,
          workers: workers)
        try kernel._withUnsafeGuaranteedRef { kernel in try kernel.run(call) }
      } else if let loop = step.loop {
        try loop._withUnsafeGuaranteedRef { loop in
          try loop.run(in: table, workers: workers, checksNumerics: checksNumerics)
        }
      }
    } catch {
      throw located(error, at: position)
    }
  }

  /// What a step threw, and where; a fault in a loop knows its place already.
  @inline(never)
  private func located(_ error: any Error, at position: Int) -> FirnError {
    guard var error = error as? FirnError else { firnBug("execution", "a step threw \(error)") }
    if steps[position].kernel != nil {
      error.place = Path.joined(path, plan.steps[position].name)
      error.location = error.location ?? plan.steps[position].location
    }
    return error
  }

  /// - Parameter deferred: what was found in steps that others answer for.
  private func check(
    _ position: Int, _ deferred: inout [Int: NotFinite]
  ) throws(FirnError) {
    let (step, results) = (plan.steps[position], steps[position].results)
    if step.check.isPassedOver { return }
    for (number, type) in step.resultTypes.enumerated() {
      guard
        let found = firstNotFinite(
          table[results[number]], type, allowingInfinity: step.check.allowsInfinity)
      else { continue }
      if step.check.isDeferred {
        deferred[position] = found
        continue
      }
      let origin = step.check.answersFor.first { deferred[$0] != nil }
      let fault = origin.flatMap { deferred[$0] } ?? found
      let type = origin.flatMap { plan.steps[$0].resultTypes.first } ?? type
      let source = origin.map { plan.steps[$0] } ?? step
      let place = Path.joined(path, source.name)
      throw FirnError(
        .notFinite,
        "`\(place)` produced \(fault.value) at element \(fault.index) of \(type)",
        remedy:
          "it is the first op of this run to do so: look at the range of its operands and at constants it reads",
        place: place, location: source.location)
    }
  }
}

/// A loop of a plan: its shares are run side by side where there are several.
private final class LoopStep {
  /// The only share, where there is one: going through an array for it counts a reference.
  private let only: Unmanaged<LoopShareRun>?
  private let shares: [LoopShareRun]
  /// The same, to be run without a reference of the run's own: `shares` holds them.
  private let runs: [Unmanaged<LoopShareRun>]
  /// The whole loop, where a share can fail.
  private let whole: LoopShareRun?
  /// What went wrong in each share; each writes its own element, and all are nil between runs.
  private let faults: UnsafeMutableBufferPointer<FirnError?>

  init(_ shares: [LoopShareRun], whole: LoopShareRun?) {
    self.shares = shares
    runs = shares.map { .passUnretained($0) }
    self.whole = whole
    only = shares.count == 1 ? .passUnretained(shares[0]) : nil
    faults = .allocate(capacity: shares.count)
    faults.initialize(repeating: nil)
  }

  deinit {
    faults.deinitialize()
    faults.deallocate()
  }

  func run(
    in table: UnsafeMutablePointer<UnsafeMutableRawPointer>, workers: UnretainedWorkers, checksNumerics: Bool
  ) throws(FirnError) {
    if let only {
      if let fault = Self.fault(in: only, table, checksNumerics: checksNumerics) { throw fault }
      return
    }
    nonisolated(unsafe) let faults = self.faults
    workers.split(shares.count, grain: 1) { range, _ in
      for number in range {
        if let fault = Self.fault(in: runs[number], table, checksNumerics: checksNumerics) {
          faults[number] = fault
        }
      }
    }
    for number in shares.indices {
      if let fault = faults[number] {
        for other in shares.indices { faults[other] = nil }
        // A loop reads what it writes nowhere outside, so it may be run again; only the whole knows which fault is the
        // first, and counts all rows.
        guard let whole else { throw fault }
        return try whole.run(in: table, checksNumerics: checksNumerics)
      }
    }
  }

  /// Runs a share and gives what went wrong in it.
  private static func fault(
    in share: Unmanaged<LoopShareRun>, _ table: UnsafeMutablePointer<UnsafeMutableRawPointer>,
    checksNumerics: Bool
  ) -> FirnError? {
    share._withUnsafeGuaranteedRef { share in
      do throws(FirnError) {
        try share.run(in: table, checksNumerics: checksNumerics)
        return nil
      } catch {
        return error
      }
    }
  }
}

/// A loop, or the share of one that makes some of its rows: a frame for its body, and how that hangs on the outer one.
private final class LoopShareRun {
  private let body: Frame
  private let length: Int
  private let isReversed: Bool
  /// Where the body has the number of the step; -1 for nowhere.
  private let index: Int
  private let carries: UnsafeMutableBufferPointer<Plan.Loop.Carry>
  private let captures: UnsafeMutableBufferPointer<Plan.Loop.Capture>
  private let slices: UnsafeMutableBufferPointer<Plan.Loop.Moving>
  private let outputs: UnsafeMutableBufferPointer<Plan.Loop.Output>

  init(_ loop: Plan.Loop, _ body: Frame) {
    self.body = body
    length = loop.length
    isReversed = loop.isReversed
    index = loop.index ?? -1
    carries = Self.plain(loop.carries)
    captures = Self.plain(loop.captures)
    slices = Self.plain(loop.slices)
    outputs = Self.plain(loop.outputs)
  }

  deinit {
    carries.deallocate()
    captures.deallocate()
    slices.deallocate()
    outputs.deallocate()
  }

  /// Outside of an array, which would be counted when it is gone through.
  private static func plain<Element>(_ elements: [Element]) -> UnsafeMutableBufferPointer<Element> {
    let buffer = UnsafeMutableBufferPointer<Element>.allocate(capacity: elements.count)
    _ = buffer.initialize(from: elements)
    return buffer
  }

  func run(
    in table: UnsafeMutablePointer<UnsafeMutableRawPointer>, checksNumerics: Bool
  ) throws(FirnError) {
    let inner = body.table
    for carry in carries {
      let start = table[carry.initial] + carry.offset
      let end = table[carry.final] + carry.offset
      switch carry.home {
      case .found(let output)? where length > 0: copy(start, to: place(0, output, table), carry.byteCount)
      case .made? where length > 0: break
      default:
        copy(start, to: end, carry.byteCount)
        if let parameter = carry.parameter { inner[parameter] = end }
      }
    }
    for capture in captures { inner[capture.inner] = table[capture.outer] + capture.offset }
    for iteration in 0..<length {
      let position = self.position(iteration)
      if index >= 0 { inner[index].storeBytes(of: Int32(truncatingIfNeeded: position), as: Int32.self) }
      for slice in slices {
        inner[slice.inner] = table[slice.outer] + (position * slice.stride + slice.offset)
      }
      for output in outputs where output.isDirect {
        inner[output.inner] = table[output.outer] + (position * output.stride + output.offset)
      }
      for carry in carries {
        switch carry.home {
        case .found(let output)?:
          inner[carry.next] =
            iteration + 1 < length
            ? place(iteration + 1, output, table) : table[carry.final] + carry.offset
        case .made(let output)?:
          guard let parameter = carry.parameter else { break }
          inner[parameter] =
            iteration > 0 ? place(iteration - 1, output, table) : table[carry.initial] + carry.offset
        case nil: break
        }
      }
      try body.run(checksNumerics: checksNumerics)
      for output in outputs where !output.isDirect {
        copy(
          inner[output.inner], to: table[output.outer] + (position * output.stride + output.offset),
          output.byteCount)
      }
      for carry in carries where carry.next != carry.parameter && carry.home == nil {
        copy(inner[carry.next], to: table[carry.final] + carry.offset, carry.byteCount)
      }
    }
    for carry in carries where length > 0 {
      if case .made(let output)? = carry.home {
        copy(place(length - 1, output, table), to: table[carry.final] + carry.offset, carry.byteCount)
      }
    }
  }

  private func position(_ iteration: Int) -> Int { isReversed ? length - 1 - iteration : iteration }

  /// Where an iteration's part of a stacked output is.
  private func place(
    _ iteration: Int, _ output: Int, _ table: UnsafeMutablePointer<UnsafeMutableRawPointer>
  ) -> UnsafeMutableRawPointer {
    table[outputs[output].outer] + (position(iteration) * outputs[output].stride + outputs[output].offset)
  }

  private func copy(_ source: UnsafeMutableRawPointer, to target: UnsafeMutableRawPointer, _ byteCount: Int) {
    if source != target { target.copyMemory(from: source, byteCount: byteCount) }
  }
}

/// An element that is NaN or infinite.
typealias NotFinite = (index: Int, value: Double)

/// The first NaN, or infinity unless that is allowed, among floating-point elements.
func firstNotFinite(
  _ pointer: UnsafeRawPointer, _ type: ArrayType, allowingInfinity: Bool = false
) -> NotFinite? {
  func first<Element: BinaryFloatingPoint>(_: Element.Type) -> NotFinite? {
    let elements = pointer.assumingMemoryBound(to: Element.self)
    for index in 0..<type.elementCount
    where !elements[index].isFinite && !(allowingInfinity && elements[index].isInfinite) {
      return (index, Double(elements[index]))
    }
    return nil
  }
  return switch type.dtype {
  case .f32: first(Float.self)
  case .f64: first(Double.self)
  case .i32, .bool: nil
  }
}
