package import FirnGraph
import FirnOps

extension Plan {
  /// Lays out a graph whose dimensions are all numbers.
  ///
  /// Views share their operand's buffer; elementwise results take the place of an operand that dies there; everything
  /// else gets arena bytes for just its lifetime.
  ///
  /// A loop whose body works row by row is planned as one loop for each worker, on its share of the rows, where a share
  /// is worth it.
  ///
  /// - Parameters:
  ///   - workers: how many pieces of a kernel run at once; each gets scratch of its own.
  ///   - sharing: when loops are shared out by rows; nil where what each step makes is looked at as a whole.
  ///   - checksNumerics: whether runs may look for faults in what steps make; what they need for that is found out here,
  ///     for which all constants are read.
  /// - Throws: what types cannot show before dimensions are bound (a slice beyond its axis, for instance).
  package init(
    _ graph: GraphDef, workers: Int = 1, sharing: LoopSharing? = .standard, checksNumerics: Bool = false
  ) throws(FirnError) {
    var planner = Planner(
      graph, workers: workers, sharing: sharing,
      checks: checksNumerics ? PlannedChecks(graph, infinite: InfiniteValues(graph)) : nil)
    self = try planner.plan()
  }
}

/// One graph's plan in the making.
struct Planner {
  let graph: GraphDef
  let workers: Int
  let sharing: LoopSharing?
  let index: ValueIndex

  /// The buffer of each value.
  var slots: [Int]
  /// The type of each value, once it was asked for.
  var types: [ArrayType?]
  var placements: [Plan.Placement] = []
  /// Bytes of buffers that live in the arena, by slot; nil for the others.
  var arenaBytes: [Int?] = []
  var steps: [Plan.Step] = []
  var feeds: [Plan.Port] = []
  var commits: [Plan.Commit] = []
  var parameters: [(op: LoopInput, slot: Int)] = []
  /// The last step that may fail; -1 where none does.
  var lastFailing = -1

  /// Nil where numerics are not checked.
  var checks: PlannedChecks?
  var programs = KnownPrograms()
  /// Steps of programs by the pattern that they share with others, and whether they can fail.
  var copied: [ObjectIdentifier: (step: Plan.Step, canFail: Bool)] = [:]

  init(_ graph: GraphDef, workers: Int, sharing: LoopSharing?, checks: PlannedChecks?) {
    self.graph = graph
    self.workers = workers
    self.sharing = sharing
    self.checks = checks
    index = ValueIndex(graph)
    slots = Array(repeating: -1, count: index.count)
    types = Array(repeating: nil, count: index.count)
  }

  mutating func plan() throws(FirnError) -> Plan {
    for position in graph.nodes.indices { try place(position) }
    var outputs: [Plan.Port] = []
    for value in graph.outputs {
      outputs.append(Plan.Port(name: graph.name(of: value), slot: slot(value), type: try type(value)))
    }
    return finish(outputs: outputs, wholeLife: Set(outputs.map(\.slot)))
  }

  // MARK: Buffers

  func slot(_ value: Value) -> Int { slots[index[value]] }

  mutating func type(_ value: Value) throws(FirnError) -> ArrayType {
    let place = index[value]
    if let known = types[place] { return known }
    if let type = ArrayType(graph.type(of: value)) {
      if let fault = graph.type(of: value).fault {
        throw FirnError(
          .invalidArgument, "`\(graph.name(of: value))` is \(type), \(fault)",
          remedy: "check the extents", place: graph.nodes[value.node].name,
          location: graph.nodes[value.node].location)
      }
      types[place] = type
      return type
    }
    throw FirnError(
      .missingFeed,
      "`\(graph.name(of: value))` is \(graph.type(of: value)), and nothing fed binds its dimensions",
      remedy: "feed a placeholder that has them")
  }

  mutating func newSlot(_ placement: Plan.Placement, bytes: Int? = nil) -> Int {
    placements.append(placement)
    arenaBytes.append(bytes)
    return placements.count - 1
  }

  mutating func place(_ position: Int) throws(FirnError) {
    let node = graph.nodes[position]
    let values = node.types.indices.map { Value(position, $0) }
    switch node.op.effect {
    case .holds(let array):
      slots[index[values[0]]] = newSlot(.constant(array))
    case .receives:
      guard let input = node.loopInput else {
        firnBug("planner", "`\(node.name)` receives nothing from a loop")
      }
      let slot = input.kind == .index ? newSlot(.arena(0), bytes: 4) : newSlot(.external)
      slots[index[values[0]]] = slot
      parameters.append((input, slot))
    case .feeds:
      let slot = newSlot(.feed(feeds.count))
      feeds.append(Plan.Port(name: node.name, slot: slot, type: try type(values[0])))
      slots[index[values[0]]] = slot
    case .reads(let variable):
      slots[index[values[0]]] = newSlot(.variable(variable))
    case .recalls(let value):
      slots[index[values[0]]] = newSlot(.bound(value))
    case .draws:
      slots[index[values[0]]] = newSlot(.randomState)
    case .none, .writes:
      let op = programs.op(of: node)
      let shared = node.traits.contains(.body) ? op.asBodyOp?.sharedPattern : nil
      if let shared, let known = copied[shared] {
        append(node, values, as: known.step, canFail: known.canFail, at: position)
        return
      }
      let aliasing = op.aliasing
      if case .view(let operand) = aliasing {
        slots[index[values[0]]] = slot(node.inputs[operand])
        if case .writes(let variable) = node.op.effect {
          slots[index[values[0]]] = try committed(node.inputs[operand])
          var commit = Plan.Commit(name: variable, slot: slot(values[0]), type: try type(values[0]))
          commit.rows = node.op.writtenRows
          if commit.rows != nil, let indices = node.inputs.dropFirst().first {
            try checkBound(node, op)
            commit.indices = try committed(indices)
          }
          commits.append(commit)
        }
        return
      }
      for value in values { slots[index[value]] = newSlot(.arena(0), bytes: try type(value).byteCount) }
      try append(node, op, values, aliasing, at: position)
      if let shared, let step = steps.last { copied[shared] = (step, op.canFail) }
    }
  }

  /// The buffer of a value that is read when the run ends: variables are overwritten one after the other then, so none
  /// may be the source of another.
  private mutating func committed(_ value: Value) throws(FirnError) -> Int {
    if case .variable = placements[slot(value)] { return try copied(value, from: slot(value)) }
    return slot(value)
  }

  /// A buffer of its own with the value of `slot`.
  mutating func copied(_ value: Value, from slot: Int) throws(FirnError) -> Int {
    let type = try type(value)
    let copy = newSlot(.arena(0), bytes: type.byteCount)
    let byteCount = type.byteCount
    let kernel = Kernel { call in
      UnsafeMutableRawPointer(call.result(as: UInt8.self)).copyMemory(
        from: call.operand(0, as: UInt8.self), byteCount: byteCount)
    }
    var step = Plan.Step(
      name: graph.name(of: value), operands: [slot], results: [copy], resultTypes: [type], workspace: 0,
      workspaceBytes: 0, work: .kernel(kernel))
    step.location = graph.nodes[value.node].location
    step.check.allowsInfinity = checks?.infinite[value] ?? false
    steps.append(step)
    return copy
  }

  /// Of a step until it is known what it does.
  private static let nothing = Plan.Work.kernel(Kernel { _ in })

  mutating func append(
    _ node: Node, _ op: any Op, _ values: [Value], _ aliasing: Aliasing, at position: Int
  ) throws(FirnError) {
    var step = Plan.Step(
      name: node.name, location: node.location, operands: node.inputs.map { slot($0) },
      results: values.map { slot($0) },
      resultTypes: [],
      workspace: 0, workspaceBytes: 0, work: Self.nothing)
    for value in values { step.resultTypes.append(try type(value)) }
    step.inPlace = aliasing.inPlace(results: values.count).map {
      $0.filter(step.operands.indices.contains)
    }
    if let scan = node.loop {
      _ = try operandTypes(of: node)
      try checkBound(node, op)
      var (loops, whole) = try plan(scan, step, infinite: checks?.infinite(in: scan, of: node))
      for number in loops.indices {
        loops[number].workspace = step.workspaceBytes
        step.workspaceBytes += (loops[number].body.arenaBytes + 63) / 64 * 64
        step.flops = step.flops.saturatingSum(
          loops[number].length.saturatingProduct(loops[number].body.flops))
      }
      step.work = .loops(loops)
      step.whole = whole
      step.workspaceBytes = max(step.workspaceBytes, ((whole?.body.arenaBytes ?? 0) + 63) / 64 * 64)
    } else if let op = op.withKernel {
      let operands = try operandTypes(of: node)
      try checkBound(node, op)
      step.flops = op.flops(of: node.inputs.map { graph.type(of: $0) }, results: node.types).value ?? 0
      let kernel = op.kernel(operands: operands, results: step.resultTypes)
      step.workspaceBytes = kernel.workspaceBytes.saturatingProduct(workers)
      step.work = .kernel(kernel)
    } else {
      firnBug("planner", "`\(node.op.mnemonic)` can be neither run nor placed")
    }
    if let check = checks?.check(of: position, making: values, as: steps.count) { step.check = check }
    if node.op.canFail { lastFailing = steps.count }
    steps.append(step)
  }

  private mutating func operandTypes(of node: Node) throws(FirnError) -> [ArrayType] {
    var types: [ArrayType] = []
    for input in node.inputs { types.append(try type(input)) }
    return types
  }

  /// Constraints that named dimensions left open are decided now, those of a program's nodes too.
  func checkBound(_ node: Node, _ op: any Op) throws(FirnError) {
    do throws(FirnError) {
      let bound = try op.resultTypes(of: node.inputs.map { graph.type(of: $0) })
      if !node.traits.contains(.instruction), let open = op.openDimensions.first {
        throw FirnError(
          .missingFeed, "nothing fed binds `\(open)`", remedy: "feed a placeholder whose shape has it")
      }
      guard bound == node.types else {
        throw FirnError(.shapeMismatch, "is \(bound) once dimensions are bound, not \(node.types)")
      }
    } catch {
      // What a node of a program is refused for is said of that node.
      if error.place != nil { throw error }
      var error = error
      error.message = "\(node.op.mnemonic): \(error.message)"
      (error.place, error.location) = (node.name, node.location)
      throw error
    }
  }

  // MARK: Lifetimes

  /// For each buffer the first step that makes it; -1 where none does.
  var births: [Int] {
    var births = [Int](repeating: -1, count: placements.count)
    for step in steps.indices.reversed() {
      for slot in steps[step].results { births[slot] = step }
    }
    return births
  }

  /// For each buffer the last step that reads or writes it; past the end for those needed after the last step.
  func lastUses(wholeLife: Set<Int>) -> [Int] {
    var last = [Int](repeating: -1, count: placements.count)
    for position in steps.indices {
      for slot in steps[position].operands { last[slot] = position }
      for slot in steps[position].results { last[slot] = position }
    }
    for slot in wholeLife { last[slot] = steps.count }
    for commit in commits {
      last[commit.slot] = steps.count
      if let indices = commit.indices { last[indices] = steps.count }
    }
    return last
  }

  /// Whether the step may write the result in `result` over the operand in `slot`.
  func allowsInPlace(_ result: Int, of step: Int, over slot: Int) -> Bool {
    zip(steps[step].results, steps[step].inPlace).contains { made, choices in
      made == result && Self.isFree(slot, for: choices, steps[step].operands)
    }
  }

  /// Whether every operand in `slot`, which may be several, is one of `choices`.
  static func isFree(_ slot: Int, for choices: [Int], _ operands: [Int]) -> Bool {
    operands.contains(slot) && operands.indices.allSatisfy { operands[$0] != slot || choices.contains($0) }
  }

  /// Shares buffers in place, lays out the arena, and renumbers nothing.
  mutating func finish(outputs: [Plan.Port], wholeLife: Set<Int>, bornEarly: Int? = nil) -> Plan {
    var representative = Array(placements.indices)
    func find(_ slot: Int) -> Int {
      var slot = slot
      while representative[slot] != slot { slot = representative[slot] }
      return slot
    }
    var last = lastUses(wholeLife: wholeLife)
    overwriteVariables(&representative, &last)
    for position in steps.indices where !steps[position].inPlace.isEmpty {
      let operands = steps[position].operands.map(find)
      var taken: Set<Int> = []
      for (result, choices) in zip(steps[position].results, steps[position].inPlace) {
        guard let bytes = arenaBytes[result] else { continue }
        for candidate in choices {
          let operand = operands[candidate]
          guard operand != result, arenaBytes[operand] == bytes, last[operand] == position,
            Self.isFree(operand, for: choices, operands), taken.insert(operand).inserted
          else { continue }
          representative[result] = operand
          last[operand] = last[result]
          break
        }
      }
    }
    var first = [Int](repeating: steps.count, count: placements.count)
    for position in steps.indices {
      for slot in steps[position].results {
        let owner = find(slot)
        if first[owner] > position { first[owner] = position }
      }
    }
    if let bornEarly { first[bornEarly] = 0 }
    var requests: [ArenaLayout.Request] = []
    var owners: [Int] = []
    for slot in placements.indices where representative[slot] == slot {
      guard let bytes = arenaBytes[slot] else { continue }
      requests.append(.init(byteCount: bytes, first: first[slot], last: max(last[slot], first[slot])))
      owners.append(slot)
    }
    let buffers = requests.count
    for position in steps.indices where steps[position].workspaceBytes > 0 {
      requests.append(.init(byteCount: steps[position].workspaceBytes, first: position, last: position))
      owners.append(position)
    }
    let layout = ArenaLayout(requests)
    for number in 0..<buffers { placements[owners[number]] = .arena(layout.offsets[number]) }
    for number in buffers..<requests.count { steps[owners[number]].workspace = layout.offsets[number] }
    for slot in placements.indices where representative[slot] != slot {
      placements[slot] = placements[find(slot)]
    }
    return Plan(
      placements: placements, steps: steps, feeds: feeds, outputs: outputs, commits: commits,
      arenaBytes: layout.byteCount, leastArenaBytes: layout.leastByteCount)
  }
}
