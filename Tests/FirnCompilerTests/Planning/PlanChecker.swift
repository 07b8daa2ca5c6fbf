import FirnCompiler
import FirnGraph
import FirnOps

/// Follows a plan over a memory that knows, for every byte, which value it belongs to.
///
/// Written from what a plan promises, not from how the planner works: every read must find the bytes of the value the
/// graph says is read, whatever was shared, taken over or written in place before.
struct PlanChecker {
  struct Fault: Error, CustomStringConvertible {
    var description: String
  }

  /// Bytes of a value, from `offset` on.
  private struct Content: Equatable {
    var value: Int
    var offset = 0
  }

  private enum Region: Hashable {
    case arena
    case source(Source)
    /// A loop's slot that has not been tied to anything.
    case nowhere
  }

  private struct Address: Hashable {
    var region: Region
    var offset: Int
  }

  /// One level of the plan while it is walked: where slots are, and what each value of the graph is.
  private struct Level {
    var graph: GraphDef
    var plan: Plan
    /// Where this level's arena begins and ends in the outermost one.
    var arena: Range<Int>
    var addresses: [Address]
    var contents: [Value: Content] = [:]
  }

  private var memory: [Region: [Content?]] = [:]
  private var values = 0
  private var sources: [Source: Content] = [:]
  private(set) var steps = 0
  private(set) var bytesRead = 0

  /// Walks `plan`, which is to run `graph`.
  ///
  /// - Throws: the first broken promise.
  mutating func check(_ plan: Plan, of graph: GraphDef) throws {
    memory[.arena] = Array(repeating: nil, count: plan.arenaBytes)
    var level = Level(graph: graph, plan: plan, arena: 0..<plan.arenaBytes, addresses: [])
    try place(&level, path: "")
    enterSources(&level)
    try run(&level, path: "")
    for (output, port) in zip(graph.outputs, plan.outputs) {
      try expect(level, output, in: port.slot, by: "output `\(port.name)`")
    }
    try commit(level)
  }

  /// What constants, feeds, variables and the random state hold from the start: equal sources are one value.
  private enum Source: Hashable {
    case constant(NDArray)
    case feed(String)
    case variable(String)
    case randomState
    case bound(String)
  }

  private mutating func content(of source: Source) -> Content {
    if let known = sources[source] { return known }
    let content = fresh()
    sources[source] = content
    return content
  }

  private mutating func fresh() -> Content {
    values += 1
    return Content(value: values)
  }

  // MARK: Places

  private mutating func place(_ level: inout Level, path: String) throws {
    for (slot, placement) in level.plan.placements.enumerated() {
      let source: Source
      let byteCount: Int
      switch placement {
      case .arena(let offset):
        guard offset % ArenaLayout.alignment == 0 else {
          throw Fault(description: "\(path)\(slot) is not aligned")
        }
        level.addresses.append(Address(region: .arena, offset: level.arena.lowerBound + offset))
        continue
      case .external:
        level.addresses.append(Address(region: .nowhere, offset: 0))
        continue
      case .constant(let array): (source, byteCount) = (.constant(array), array.byteCount)
      case .feed(let index):
        let port = level.plan.feeds[index]
        (source, byteCount) = (.feed(port.name), port.type.byteCount)
      case .variable(let name):
        guard let type = level.graph.variable(named: name).flatMap({ ArrayType($0.type) }) else {
          throw Fault(description: "slot \(slot) is no variable `\(name)`")
        }
        (source, byteCount) = (.variable(name), type.byteCount)
      case .bound(let name):
        let node = level.graph.nodes.first { $0.op.effect == .recalls(name) }
        guard let type = node.flatMap({ ArrayType($0.types[0]) }) else {
          throw Fault(description: "slot \(slot) is no bound value `\(name)`")
        }
        (source, byteCount) = (.bound(name), type.byteCount)
      case .randomState: (source, byteCount) = (.randomState, 16)
      }
      let content = content(of: source)
      level.addresses.append(Address(region: .source(source), offset: 0))
      memory[.source(source)] = (0..<byteCount).map { Content(value: content.value, offset: $0) }
    }
  }

  private mutating func enterSources(_ level: inout Level) {
    for (position, node) in level.graph.nodes.enumerated() {
      let source: Source
      switch node.op {
      case let op as Constant: source = .constant(op.array)
      case let op as ReadVariable: source = .variable(op.variable)
      case is Placeholder: source = .feed(node.name)
      case let op as BoundValue: source = .bound(op.value)
      case is RandomState: source = .randomState
      default: continue
      }
      level.contents[Value(position)] = content(of: source)
    }
  }

  private func isStep(_ node: Node) -> Bool {
    if case .view = node.op.aliasing { return false }
    return node.op is any KernelOp || node.op is Scan
  }

  private func byteCount(_ type: TensorType) throws -> Int {
    guard let type = ArrayType(type) else { throw Fault(description: "\(type) is not bound") }
    return type.byteCount
  }

  // MARK: Memory

  private func range(_ level: Level, _ slot: Int, _ count: Int, _ what: String) throws -> (Region, Range<Int>)
  {
    let address = level.addresses[slot]
    if address.region == .arena, case .arena = level.plan.placements[slot] {
      guard address.offset >= level.arena.lowerBound, address.offset + count <= level.arena.upperBound else {
        throw Fault(description: "\(what) lies outside its arena")
      }
    }
    guard count == 0 || address.offset + count <= memory[address.region]?.count ?? 0 else {
      throw Fault(description: "\(what) lies outside \(address.region)")
    }
    return (address.region, address.offset..<address.offset + count)
  }

  private mutating func expect(_ level: Level, _ value: Value, in slot: Int, by reader: String) throws {
    guard let content = level.contents[value] else {
      throw Fault(description: "\(reader) reads `\(level.graph.name(of: value))` before it exists")
    }
    try expect(level, content, byteCount(level.graph.type(of: value)), in: slot, by: reader)
  }

  private mutating func expect(
    _ level: Level, _ content: Content, _ count: Int, in slot: Int, by reader: String
  ) throws {
    let (region, range) = try range(level, slot, count, reader)
    bytesRead += count
    for (byte, address) in range.enumerated() {
      let found = memory[region]?[address]
      guard found == Content(value: content.value, offset: content.offset + byte) else {
        throw Fault(
          description: "\(reader) finds \(found.map { "\($0)" } ?? "nothing") at byte \(byte), not \(content)"
        )
      }
    }
  }

  private mutating func write(_ level: Level, _ content: Content?, _ count: Int, to slot: Int, _ what: String)
    throws
  {
    let (region, range) = try range(level, slot, count, what)
    for (byte, address) in range.enumerated() {
      memory[region, default: []][address] = content.map {
        Content(value: $0.value, offset: $0.offset + byte)
      }
    }
  }

  // MARK: Steps

  private mutating func run(_ level: inout Level, path: String) throws {
    var pending = level.plan.steps[...]
    for position in level.graph.nodes.indices {
      let node = level.graph.nodes[position]
      if case .view(let operand) = node.op.aliasing {
        level.contents[Value(position)] = level.contents[node.inputs[operand]]
        continue
      }
      guard isStep(node) else { continue }
      while let step = pending.first, step.name != node.name {
        try copy(step, level, path: path)
        pending = pending.dropFirst()
      }
      guard let step = pending.popFirst() else { throw Fault(description: "no step for `\(node.name)`") }
      try run(step, position, &level, path: path + node.name)
    }
    for step in pending { try copy(step, level, path: path) }
  }

  /// A step that stands for no node moves bytes, whatever they are.
  private mutating func copy(_ step: Plan.Step, _ level: Level, path: String) throws {
    guard step.operands.count == 1, step.results.count == 1, step.resultTypes.count == 1 else {
      throw Fault(description: "`\(path)\(step.name)` stands for no node")
    }
    try move(level, step.operands[0], level, step.results[0], step.resultTypes[0].byteCount, step.name)
  }

  private mutating func move(
    _ from: Level, _ source: Int, _ to: Level, _ target: Int, _ count: Int, _ what: String
  ) throws {
    let (sourceRegion, sourceRange) = try range(from, source, count, what)
    let (targetRegion, targetRange) = try range(to, target, count, what)
    let bytes = count == 0 ? [] : Array(memory[sourceRegion, default: []][sourceRange])
    for (byte, address) in zip(bytes, targetRange) { memory[targetRegion, default: []][address] = byte }
  }

  private mutating func run(
    _ step: Plan.Step, _ position: Int, _ level: inout Level, path: String
  ) throws {
    steps += 1
    let node = level.graph.nodes[position]
    for (input, slot) in zip(node.inputs, step.operands) {
      try expect(level, input, in: slot, by: "`\(path)`")
    }
    let operands = try zip(node.inputs, step.operands).map { input, slot in
      try range(level, slot, byteCount(level.graph.type(of: input)), path)
    }
    let results = try zip(node.types, step.results).map { type, slot in
      try range(level, slot, byteCount(type), path)
    }
    let scratch =
      level.arena.lowerBound + step.workspace..<level.arena.lowerBound + step.workspace + step.workspaceBytes
    guard scratch.upperBound <= level.arena.upperBound || scratch.isEmpty else {
      throw Fault(description: "scratch of `\(path)` lies outside the arena")
    }
    for (number, result) in results.enumerated() {
      guard !overlap(result, (.arena, scratch)) else {
        throw Fault(description: "`\(path)` writes into its scratch")
      }
      for other in results[(number + 1)...] where overlap(result, other) {
        throw Fault(description: "results of `\(path)` overlap")
      }
      for (operand, place) in operands.enumerated() where overlap(result, place) {
        let choices = node.op.aliasing.inPlace(results: results.count)[number]
        guard allows(choices, place, operands, result) else {
          throw Fault(description: "`\(path)` writes result \(number) over operand \(operand)")
        }
      }
    }
    for place in operands where overlap(place, (.arena, scratch)) {
      throw Fault(description: "scratch of `\(path)` covers an operand")
    }
    for address in scratch { memory[.arena]?[address] = nil }
    if case .loops(let loops) = step.work, let loop = loops.first, loops.count == 1,
      let scan = node.op as? Scan
    {
      try run(loop, scan, step, position, &level, arena: scratch, path: path + "/")
      return
    }
    for (number, slot) in step.results.enumerated() {
      let content = fresh()
      level.contents[Value(position, number)] = content
      try write(level, content, byteCount(node.types[number]), to: slot, path)
    }
  }

  /// In place means the very bytes of an operand the op names, and no other operand by other bytes.
  private func allows(
    _ choices: [Int], _ place: (Region, Range<Int>), _ operands: [(Region, Range<Int>)],
    _ result: (Region, Range<Int>)
  ) -> Bool {
    place == result && operands.indices.allSatisfy { operands[$0] != result || choices.contains($0) }
  }

  private func overlap(_ a: (Region, Range<Int>), _ b: (Region, Range<Int>)) -> Bool {
    a.0 == b.0 && a.1.overlaps(b.1)
  }

  // MARK: Loops

  private mutating func run(
    _ loop: Plan.Loop, _ scan: Scan, _ step: Plan.Step, _ position: Int, _ outer: inout Level,
    arena: Range<Int>, path: String
  ) throws {
    let node = outer.graph.nodes[position]
    guard loop.body.arenaBytes <= arena.count else {
      throw Fault(description: "\(path) has too small an arena")
    }
    var body = Level(graph: scan.body, plan: loop.body, arena: arena, addresses: [])
    try place(&body, path: path)
    var carries: [Content] = []
    for (number, carry) in loop.carries.enumerated() {
      try expect(outer, node.inputs[number], in: carry.initial, by: "carry \(number) of `\(path)`")
      carries.append(outer.contents[node.inputs[number]] ?? Content(value: 0))
      switch carry.home {
      case .found(let output)? where loop.length > 0:
        let first = part(of: output, 0, loop, outer)
        try move(outer, carry.initial, first, loop.outputs[output].outer, carry.byteCount, path)
      case .made? where loop.length > 0: break
      default:
        try move(outer, carry.initial, outer, carry.final, carry.byteCount, path)
        if let parameter = carry.parameter { tie(&body, parameter, outer.addresses[carry.final]) }
      }
    }
    for capture in loop.captures { tie(&body, capture.inner, outer.addresses[capture.outer]) }
    var stacked: [[Int: Content]] = Array(repeating: [:], count: scan.outputs)
    for iteration in 0..<loop.length {
      let at = loop.isReversed ? loop.length - 1 - iteration : iteration
      for slice in loop.slices { tie(&body, slice.inner, outer.addresses[slice.outer], at * slice.stride) }
      for output in loop.outputs where output.isDirect {
        tie(&body, output.inner, outer.addresses[output.outer], at * output.stride)
      }
      for carry in loop.carries {
        switch carry.home {
        case .found(let output)?:
          let next = part(of: output, iteration + 1, loop, outer).addresses[loop.outputs[output].outer]
          tie(&body, carry.next, iteration + 1 < loop.length ? next : outer.addresses[carry.final])
        case .made(let output)?:
          guard let parameter = carry.parameter else { break }
          let last = part(of: output, iteration - 1, loop, outer).addresses[loop.outputs[output].outer]
          tie(&body, parameter, iteration > 0 ? last : outer.addresses[carry.initial])
        case nil: break
        }
      }
      body.contents = [:]
      try enter(&body, loop, scan, carries, outer, node, at)
      try run(&body, path: path)
      for (number, output) in loop.outputs.enumerated() {
        let value = scan.body.outputs[scan.carries + number]
        try expect(body, value, in: output.inner, by: "output \(number) of `\(path)`")
        var target = outer
        target.addresses[output.outer].offset += at * output.stride
        if !output.isDirect { try move(body, output.inner, target, output.outer, output.stride, path) }
        stacked[number][at] = body.contents[value]
      }
      for (number, carry) in loop.carries.enumerated() {
        try expect(body, scan.body.outputs[number], in: carry.next, by: "carry \(number) of `\(path)`")
        if carry.next != carry.parameter, carry.home == nil {
          try move(body, carry.next, outer, carry.final, carry.byteCount, path)
        }
      }
      carries = scan.body.outputs.prefix(scan.carries).map { body.contents[$0] ?? Content(value: 0) }
      for (number, carry) in loop.carries.enumerated() where carry.home == nil {
        try expect(
          outer, carries[number], carry.byteCount, in: carry.final, by: "carried \(number) of `\(path)`")
      }
    }
    for carry in loop.carries where loop.length > 0 {
      guard case .made(let output)? = carry.home else { continue }
      let last = part(of: output, loop.length - 1, loop, outer)
      try move(last, loop.outputs[output].outer, outer, carry.final, carry.byteCount, path)
    }
    for (number, carry) in loop.carries.enumerated() {
      try expect(outer, carries[number], carry.byteCount, in: carry.final, by: "final \(number) of `\(path)`")
      outer.contents[Value(position, number)] = carries[number]
    }
    for (number, output) in loop.outputs.enumerated() {
      for (at, content) in stacked[number] {
        var target = outer
        target.addresses[output.outer].offset += at * output.stride
        try expect(target, content, output.stride, in: output.outer, by: "stack \(number) of `\(path)`")
      }
      let content = fresh()
      outer.contents[Value(position, scan.carries + number)] = content
      try write(outer, content, output.stride * loop.length, to: output.outer, path)
    }
  }

  /// The outer level with an output's address moved to an iteration's part of it.
  private func part(of output: Int, _ iteration: Int, _ loop: Plan.Loop, _ outer: Level) -> Level {
    var level = outer
    let at = loop.isReversed ? loop.length - 1 - iteration : iteration
    level.addresses[loop.outputs[output].outer].offset += at * loop.outputs[output].stride
    return level
  }

  private func tie(_ level: inout Level, _ slot: Int, _ address: Address, _ offset: Int = 0) {
    level.addresses[slot] = Address(region: address.region, offset: address.offset + offset)
  }

  /// What the parameters of a body are in this iteration.
  private mutating func enter(
    _ body: inout Level, _ loop: Plan.Loop, _ scan: Scan, _ carries: [Content], _ outer: Level, _ node: Node,
    _ at: Int
  ) throws {
    enterSources(&body)
    for (position, inner) in body.graph.nodes.enumerated() {
      guard let parameter = inner.op as? LoopInput else { continue }
      let value = Value(position)
      switch parameter.kind {
      case .index:
        let content = fresh()
        body.contents[value] = content
        if let slot = loop.index { try write(body, content, 4, to: slot, "index") }
      case .carry: body.contents[value] = carries[parameter.position]
      case .slice:
        var content = outer.contents[node.inputs[scan.sliceRange.lowerBound + parameter.position]]
        content?.offset += at * (try byteCount(parameter.type))
        body.contents[value] = content
      case .capture:
        body.contents[value] = outer.contents[node.inputs[scan.captureRange.lowerBound + parameter.position]]
      }
    }
  }

  // MARK: Commits

  /// A step that fails leaves every variable as it was, so none may fail from one on that writes over a variable.
  private func expectNoFailure(_ level: Level, after slot: Int) throws {
    let failing = Set(level.graph.nodes.lazy.filter { $0.op.canFail }.map(\.name))
    let writers = level.plan.steps.indices.filter { level.plan.steps[$0].results.contains(slot) }
    guard let first = writers.first else { throw Fault(description: "nothing writes slot \(slot)") }
    for step in level.plan.steps[first...] where failing.contains(step.name) {
      throw Fault(description: "`\(step.name)` may fail after `\(level.plan.steps[first].name)`")
    }
  }

  /// Variables are overwritten one after the other, so none may be another's source by then.
  private mutating func commit(_ level: Level) throws {
    let assigned = level.graph.nodes.indices.compactMap { position -> (name: String, node: Int)? in
      guard case .writes(let name) = level.graph.nodes[position].op.effect else { return nil }
      return (name, position)
    }
    guard assigned.map(\.name) == level.plan.commits.map(\.name) else {
      throw Fault(description: "commits \(level.plan.commits.map(\.name)), not \(assigned.map(\.name))")
    }
    for (port, (_, position)) in zip(level.plan.commits, assigned) {
      let node = level.graph.nodes[position]
      guard port.rows == node.op.writtenRows else {
        throw Fault(description: "commits \(String(describing: port.rows)) of `\(port.name)`")
      }
      if port.isInPlace {
        let place = level.addresses[port.slot]
        guard place == Address(region: .source(.variable(port.name)), offset: 0) else {
          throw Fault(description: "`\(port.name)` is not written where it is")
        }
        try expectNoFailure(level, after: port.slot)
      }
      if let content = level.contents[Value(position)] {
        try expect(level, content, port.type.byteCount, in: port.slot, by: "commit of `\(port.name)`")
      }
      if let indices = port.indices {
        try expect(level, node.inputs[1], in: indices, by: "commit of `\(port.name)`")
      }
      // Some of it is another value now; whichever rows those are.
      let region = Region.source(.variable(port.name))
      let count = memory[region]?.count ?? port.type.byteCount
      memory[region] = (0..<count).map { Content(value: -1, offset: $0) }
    }
  }
}
