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
  /// The version of the variables' storage that the pointers are of.
  private var version: Int?

  init(_ plan: Plan, workers: any Workers) {
    self.plan = plan
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
      case .variable: arena.pointer
      case .arena, .constant, .external: firnBug("execution", "a buffer has no place")
      }
    }
  }

  /// Bytes of its buffers, and about what its steps take.
  var byteCount: Int {
    let feeds = feeds.reduce(arena.byteCount) { $0.saturatingSum($1.byteCount) }
    return feeds.saturatingSum(plan.stepCount.saturatingProduct(1024))
  }

  /// Points to where the variables are now, making first values that nobody asked for yet.
  func bind(to store: inout VariableStore) throws(FirnError) {
    if version == store.version { return }
    for (slot, placement) in plan.placements.enumerated() {
      if case .variable(let name) = placement {
        frame.table[slot] = try store.storage(of: name).pointer
      }
    }
    version = store.version
  }

  /// Runs every step and leaves variables as they are: committing is the caller's, when all has gone well.
  func run(checksNumerics: Bool) throws(FirnError) {
    try frame.run(checksNumerics: checksNumerics) { "" }
  }

  /// The bytes of a buffer after a run.
  func pointer(to slot: Int) -> UnsafeMutableRawPointer { frame.table[slot] }
}

/// The pointers of one plan, and below it those of its loops' bodies.
private final class Frame {
  let table: UnsafeMutablePointer<UnsafeMutableRawPointer>
  private let steps: [Step]
  private let slotLists: UnsafeMutablePointer<Int>
  private let workers: any Workers
  /// Keeps the bytes of constants alive.
  private let constants: [NDArray]
  /// What went wrong in each share of the loop that runs now; each writes its own element, and all are nil between runs.
  private let faults: UnsafeMutablePointer<FirnError?>
  private let mostShares: Int

  private struct Step {
    let name: String
    let operands: UnsafePointer<Int>
    let results: UnsafePointer<Int>
    let resultTypes: [ArrayType]
    let workspace: UnsafeMutableRawPointer
    let work: Work
    let check: NumericCheck
  }

  private enum Work {
    case kernel(Kernel)
    /// Run side by side where there are several.
    case loops([(loop: Plan.Loop, body: Frame)])
  }

  /// Of one thread: each share of a loop has one to itself.
  private static let alone = WorkerPool(count: 1)

  init(
    _ plan: Plan, arena: UnsafeMutableRawPointer, workers: any Workers,
    resolve: (Plan.Placement) -> UnsafeMutableRawPointer
  ) {
    self.workers = workers
    table = .allocate(capacity: max(plan.placements.count, 1))
    var constants: [NDArray] = []
    for (slot, placement) in plan.placements.enumerated() {
      let pointer: UnsafeMutableRawPointer
      switch placement {
      case .arena(let offset): pointer = arena + offset
      case .constant(let array):
        constants.append(array)
        pointer = array.storagePointer
      case .external: pointer = arena
      case .feed, .variable, .randomState: pointer = resolve(placement)
      }
      (table + slot).initialize(to: pointer)
    }
    self.constants = constants
    mostShares = plan.steps.reduce(0) { most, step in
      if case .loops(let loops) = step.work { max(most, loops.count) } else { most }
    }
    faults = .allocate(capacity: max(mostShares, 1))
    faults.initialize(repeating: nil, count: mostShares)
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
    steps = plan.steps.map { step in
      let workspace = arena + step.workspace
      let work: Work =
        switch step.work {
        case .kernel(let kernel): .kernel(kernel)
        case .loops(let loops):
          .loops(
            loops.map { loop in
              let workers = loops.count == 1 ? workers : Self.alone
              return (
                loop,
                Frame(loop.body, arena: workspace + loop.workspace, workers: workers) { _ in
                  firnBug("execution", "a loop body reads from outside")
                }
              )
            })
        }
      return Step(
        name: step.name, operands: list(step.operands), results: list(step.results),
        resultTypes: step.resultTypes,
        workspace: workspace, work: work, check: step.check)
    }
  }

  deinit {
    table.deallocate()
    slotLists.deallocate()
    faults.deinitialize(count: mostShares)
    faults.deallocate()
  }

  /// - Parameter path: where the plan's nodes are, asked for only when something fails.
  func run(checksNumerics: Bool, path: () -> String) throws(FirnError) {
    var putOff: [Int: NotFinite] = [:]
    for (position, step) in steps.enumerated() {
      switch step.work {
      case .kernel(let kernel):
        do {
          try kernel.run(
            KernelCall(
              table: table, operandSlots: step.operands, resultSlots: step.results, workspace: step.workspace,
              workers: workers))
        } catch {
          var error = error
          error.place = Path.joined(path(), step.name)
          throw error
        }
        if checksNumerics { try check(step, at: position, &putOff, path: path) }
      case .loops(let loops):
        try run(loops, checksNumerics: checksNumerics) { Path.joined(path(), step.name) }
      }
    }
  }

  /// All shares of a loop; of faults, that of the first share that has one.
  private func run(
    _ loops: [(loop: Plan.Loop, body: Frame)], checksNumerics: Bool, path: () -> String
  ) throws(FirnError) {
    guard loops.count > 1 else {
      for (loop, body) in loops { try run(loop, body: body, checksNumerics: checksNumerics, path: path) }
      return
    }
    nonisolated(unsafe) let faults = self.faults
    workers.split(loops.count, grain: 1) { range, _ in
      for number in range {
        do throws(FirnError) {
          try run(
            loops[number].loop, body: loops[number].body, checksNumerics: checksNumerics, path: path)
        } catch {
          faults[number] = error
        }
      }
    }
    for number in loops.indices {
      if let fault = faults[number] {
        for other in loops.indices { faults[other] = nil }
        throw fault
      }
    }
  }

  private func run(
    _ loop: Plan.Loop, body: Frame, checksNumerics: Bool, path: () -> String
  ) throws(FirnError) {
    for carry in loop.carries {
      copy(table[carry.initial] + carry.offset, to: table[carry.final] + carry.offset, carry.byteCount)
      if let parameter = carry.parameter { body.table[parameter] = table[carry.final] + carry.offset }
    }
    for capture in loop.captures { body.table[capture.inner] = table[capture.outer] + capture.offset }
    for iteration in 0..<loop.length {
      let position = loop.isReversed ? loop.length - 1 - iteration : iteration
      if let index = loop.index {
        body.table[index].storeBytes(of: Int32(truncatingIfNeeded: position), as: Int32.self)
      }
      for slice in loop.slices {
        body.table[slice.inner] = table[slice.outer] + (position * slice.stride + slice.offset)
      }
      for output in loop.outputs where output.isDirect {
        body.table[output.inner] = table[output.outer] + (position * output.stride + output.offset)
      }
      try body.run(checksNumerics: checksNumerics, path: path)
      for output in loop.outputs where !output.isDirect {
        copy(
          body.table[output.inner], to: table[output.outer] + (position * output.stride + output.offset),
          output.byteCount)
      }
      for carry in loop.carries where carry.next != carry.parameter {
        copy(body.table[carry.next], to: table[carry.final] + carry.offset, carry.byteCount)
      }
    }
  }

  private func copy(_ source: UnsafeMutableRawPointer, to target: UnsafeMutableRawPointer, _ byteCount: Int) {
    if source != target { target.copyMemory(from: source, byteCount: byteCount) }
  }

  /// - Parameter putOff: what was found in steps that others answer for.
  private func check(
    _ step: Step, at position: Int, _ putOff: inout [Int: NotFinite], path: () -> String
  ) throws(FirnError) {
    for (number, type) in step.resultTypes.enumerated() {
      guard
        let found = firstNotFinite(
          table[step.results[number]], type, allowingInfinity: step.check.allowsInfinity)
      else { continue }
      if step.check.isPutOff {
        putOff[position] = found
        continue
      }
      let origin = step.check.answersFor.first { putOff[$0] != nil }
      let fault = origin.flatMap { putOff[$0] } ?? found
      let type = origin.flatMap { steps[$0].resultTypes.first } ?? type
      let place = Path.joined(path(), origin.map { steps[$0].name } ?? step.name)
      throw FirnError(
        .notFinite,
        "`\(place)` produced \(fault.value) at element \(fault.index) of \(type)",
        remedy:
          "it is the first op of this run to do so: look at the range of its operands and at constants it reads",
        place: place)
    }
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
