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
private struct Planner {
  let graph: GraphDef
  let workers: Int
  let sharing: LoopSharing?
  let index: ValueIndex

  /// The buffer of each value.
  var slots: [Int]
  var placements: [Plan.Placement] = []
  /// Bytes of buffers that live in the arena, by slot; nil for the others.
  var arenaBytes: [Int?] = []
  var steps: [Plan.Step] = []
  var feeds: [Plan.Port] = []
  var commits: [Plan.Port] = []
  var parameters: [(op: LoopInput, slot: Int)] = []

  /// Nil where numerics are not checked.
  var checks: PlannedChecks?

  init(_ graph: GraphDef, workers: Int, sharing: LoopSharing?, checks: PlannedChecks?) {
    self.graph = graph
    self.workers = workers
    self.sharing = sharing
    self.checks = checks
    index = ValueIndex(graph)
    slots = Array(repeating: -1, count: index.count)
  }

  mutating func plan() throws(FirnError) -> Plan {
    for position in graph.nodes.indices { try place(position) }
    let outputs = try graph.outputs.enumerated().map { number, value throws(FirnError) in
      Plan.Port(name: graph.name(of: value), slot: slot(value), type: try type(value))
    }
    return finish(outputs: outputs, wholeLife: Set(outputs.map(\.slot)))
  }

  // MARK: Buffers

  func slot(_ value: Value) -> Int { slots[index[value]] }

  func type(_ value: Value) throws(FirnError) -> ArrayType {
    if let type = ArrayType(graph.type(of: value)) {
      if let fault = graph.type(of: value).fault {
        throw FirnError(
          .invalidArgument, "`\(graph.name(of: value))` is \(type), \(fault)",
          remedy: "check the extents", place: graph.nodes[value.node].name,
          location: graph.nodes[value.node].location)
      }
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
    case .draws:
      slots[index[values[0]]] = newSlot(.randomState)
    case .none, .writes:
      if case .view(let operand) = node.op.aliasing {
        slots[index[values[0]]] = slot(node.inputs[operand])
        if case .writes(let variable) = node.op.effect {
          // Variables are overwritten one after the other when the run ends; none may be the source of another by then.
          if case .variable = placements[slot(values[0])] {
            slots[index[values[0]]] = try copied(node.inputs[operand], from: slot(values[0]))
          }
          commits.append(Plan.Port(name: variable, slot: slot(values[0]), type: try type(values[0])))
        }
        return
      }
      for value in values { slots[index[value]] = newSlot(.arena(0), bytes: try type(value).byteCount) }
      try append(node, values, at: position)
    }
  }

  mutating func append(_ node: Node, _ values: [Value], at position: Int) throws(FirnError) {
    var step = Plan.Step(
      name: node.name, operands: node.inputs.map { slot($0) }, results: values.map { slot($0) },
      resultTypes: [],
      workspace: 0, workspaceBytes: 0, work: .kernel(Kernel { _ in }))
    for value in values { step.resultTypes.append(try type(value)) }
    if case .inPlace(let operands) = node.op.aliasing, values.count == 1 {
      step.inPlace = operands.filter(step.operands.indices.contains)
    }
    if let scan = node.loop {
      try checkBound(node, try operandTypes(of: node))
      var loops = try plan(scan, step, infinite: checks?.infinite(in: scan, of: node))
      for number in loops.indices {
        loops[number].workspace = step.workspaceBytes
        step.workspaceBytes += (loops[number].body.arenaBytes + 63) / 64 * 64
        step.flops = step.flops.saturatingSum(
          loops[number].length.saturatingProduct(loops[number].body.flops))
      }
      step.work = .loops(loops)
    } else if let op = node.kernelOp {
      let operands = try operandTypes(of: node)
      try checkBound(node, operands)
      step.flops =
        op.flops(of: operands.map { TensorType($0.dtype, Shape($0.shape)) }, results: node.types).value ?? 0
      let kernel = op.kernel(operands: operands, results: step.resultTypes)
      step.workspaceBytes = kernel.workspaceBytes.saturatingProduct(workers)
      step.work = .kernel(kernel)
    } else {
      firnBug("planner", "`\(node.op.mnemonic)` can be neither run nor placed")
    }
    if let check = checks?.check(of: position, making: values, as: steps.count) { step.check = check }
    steps.append(step)
  }

  private func operandTypes(of node: Node) throws(FirnError) -> [ArrayType] {
    var types: [ArrayType] = []
    for input in node.inputs { types.append(try type(input)) }
    return types
  }

  /// Constraints that named dimensions left open are decided now.
  func checkBound(_ node: Node, _ operands: [ArrayType]) throws(FirnError) {
    do throws(FirnError) {
      let bound = try node.op.resultTypes(of: operands.map { TensorType($0.dtype, Shape($0.shape)) })
      if let open = node.op.openDimensions.first {
        throw FirnError(
          .missingFeed, "nothing fed binds `\(open)`", remedy: "feed a placeholder whose shape has it")
      }
      guard bound == node.types else {
        throw FirnError(.shapeMismatch, "is \(bound) once dimensions are bound, not \(node.types)")
      }
    } catch {
      var error = error
      error.message = "\(node.op.mnemonic): \(error.message)"
      error.place = error.place ?? node.name
      error.location = error.location ?? node.location
      throw error
    }
  }

  // MARK: Loops

  func plan(
    _ scan: Scan, _ step: Plan.Step, infinite: InfiniteValues?
  ) throws(FirnError) -> [Plan.Loop] {
    func checks(_ body: GraphDef) -> PlannedChecks? { infinite.map { PlannedChecks(body, infinite: $0) } }
    guard let length = scan.length.value else {
      throw FirnError(.missingFeed, "nothing fed binds the length \(scan.length) of `\(step.name)`")
    }
    guard workers > 1, let sharing, let rows = LoopRows(scan),
      let shares = rows.shares(among: workers, sharing)
    else {
      var planner = Planner(scan.body, workers: workers, sharing: sharing, checks: checks(scan.body))
      return [try planner.loop(scan, step, length: length)]
    }
    return try shares.map { share throws(FirnError) in
      let body = share.scan.body
      var planner = Planner(body, workers: 1, sharing: nil, checks: checks(body))
      return try planner.loop(share.scan, step, length: length, share: share)
    }
  }

  /// Plans the body, then ties its buffers to the outer ones.
  mutating func loop(
    _ scan: Scan, _ step: Plan.Step, length: Int, share: LoopShare? = nil
  ) throws(FirnError) -> Plan.Loop {
    for position in graph.nodes.indices { try place(position) }
    var parameter: [Int?] = Array(repeating: nil, count: scan.operandCount)
    var indexSlot: Int?
    for (op, slot) in parameters {
      if let operand = scan.operand(of: op) { parameter[operand] = slot } else { indexSlot = slot }
    }
    var results = graph.outputs.map { slot($0) }
    let carrySlots = Set(scan.carryRange.compactMap { parameter[$0] })
    for carry in scan.carryRange
    where carrySlots.contains(results[carry]) && results[carry] != parameter[carry] {
      results[carry] = try copied(graph.outputs[carry], from: results[carry])
    }
    // A stacked output is written where it belongs, unless its buffer serves something else as well.
    var isDirect: [Bool] = []
    for slot in results.dropFirst(scan.carries) {
      isDirect.append(arenaBytes[slot] != nil && slot != indexSlot && results.count { $0 == slot } == 1)
      if isDirect.last == true {
        placements[slot] = .external
        arenaBytes[slot] = nil
      }
    }
    let lastUses = lastUses(wholeLife: Set(results))
    for carry in scan.carryRange {
      guard let slot = parameter[carry], takesOver(results[carry], carry: slot, lastUses: lastUses) else {
        continue
      }
      let next = results[carry]
      rename(next, to: slot)
      results = results.map { $0 == next ? slot : $0 }
    }
    let carries = try scan.carryRange.map { carry throws(FirnError) in
      Plan.Loop.Carry(
        initial: step.operands[carry], final: step.results[carry], parameter: parameter[carry],
        next: results[carry],
        byteCount: try type(graph.outputs[carry]).byteCount,
        offset: share?.offset(of: try type(graph.outputs[carry])) ?? 0)
    }
    let outputs = try isDirect.enumerated().map { position, isDirect throws(FirnError) in
      let output = scan.carries + position
      let type = try type(graph.outputs[output])
      return Plan.Loop.Output(
        outer: step.results[output], inner: results[output],
        stride: share?.stride(of: type) ?? type.byteCount,
        byteCount: type.byteCount, offset: share?.offset(of: type) ?? 0, isDirect: isDirect)
    }
    var slices: [Plan.Loop.Moving] = []
    var captures: [Plan.Loop.Capture] = []
    for operand in scan.carries..<scan.operandCount {
      guard let slot = parameter[operand], let type = parameterType(slot) else { continue }
      let offset = share?.isByRows[operand] == true ? share?.offset(of: type) ?? 0 : 0
      if scan.sliceRange.contains(operand) {
        slices.append(
          .init(
            outer: step.operands[operand], inner: slot, stride: share?.stride(of: type) ?? type.byteCount,
            offset: offset))
      } else {
        captures.append(.init(outer: step.operands[operand], inner: slot, offset: offset))
      }
    }
    let body = finish(outputs: [], wholeLife: Set(results), bornEarly: indexSlot)
    return Plan.Loop(
      body: body, rows: share?.rows, length: length, isReversed: scan.isReversed, index: indexSlot,
      carries: carries,
      slices: slices,
      captures: captures, outputs: outputs)
  }

  func parameterType(_ slot: Int) -> ArrayType? {
    parameters.first { $0.slot == slot }.flatMap { ArrayType($0.op.type) }
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
    step.check.allowsInfinity = checks?.infinite[value] ?? false
    steps.append(step)
    return copy
  }

  /// Whether the next carry can be computed into the carry's own buffer: nothing reads the old value any more.
  func takesOver(_ next: Int, carry: Int, lastUses: [Int]) -> Bool {
    guard carry != next, arenaBytes[next] != nil,
      let birth = steps.firstIndex(where: { $0.results.contains(next) })
    else { return false }
    return lastUses[carry] < birth || lastUses[carry] == birth && allowsInPlace(birth, over: carry)
  }

  /// Makes one buffer of two.
  mutating func rename(_ slot: Int, to other: Int) {
    placements[slot] = .external
    arenaBytes[slot] = nil
    for step in steps.indices {
      steps[step].operands = steps[step].operands.map { $0 == slot ? other : $0 }
      steps[step].results = steps[step].results.map { $0 == slot ? other : $0 }
      if case .loops(let loops) = steps[step].work {
        steps[step].work = .loops(loops.map { $0.mappingOuter { $0 == slot ? other : $0 } })
      }
    }
  }

  // MARK: Lifetimes

  /// For each buffer the last step that reads or writes it; past the end for those needed after the last step.
  func lastUses(wholeLife: Set<Int>) -> [Int] {
    var last = [Int](repeating: -1, count: placements.count)
    for (position, step) in steps.enumerated() {
      for slot in step.operands + step.results { last[slot] = position }
    }
    for slot in wholeLife.union(commits.map(\.slot)) { last[slot] = steps.count }
    return last
  }

  /// Whether the step may write its result over the operand in `slot`.
  func allowsInPlace(_ step: Int, over slot: Int) -> Bool {
    steps[step].inPlace.contains { steps[step].operands[$0] == slot }
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
    for (position, step) in steps.enumerated() {
      guard let result = step.results.first, let bytes = arenaBytes[result] else { continue }
      for candidate in step.inPlace {
        let operand = find(step.operands[candidate])
        guard operand != result, arenaBytes[operand] == bytes, last[operand] == position else {
          continue
        }
        representative[result] = operand
        last[operand] = last[result]
        break
      }
    }
    var first = [Int](repeating: steps.count, count: placements.count)
    for (position, step) in steps.enumerated() {
      for slot in step.results where first[find(slot)] > position { first[find(slot)] = position }
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
    for (position, step) in steps.enumerated() where step.workspaceBytes > 0 {
      requests.append(.init(byteCount: step.workspaceBytes, first: position, last: position))
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
      arenaBytes: layout.byteCount)
  }
}
