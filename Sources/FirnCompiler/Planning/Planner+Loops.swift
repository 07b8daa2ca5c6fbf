import FirnGraph
import FirnOps

/// A loop's body laid out, and its buffers tied to those outside.
extension Planner {
  /// The loop, or its shares; beside shares that can fail the whole loop as well.
  func plan(
    _ scan: Scan, _ step: Plan.Step, infinite: InfiniteValues?
  ) throws(FirnError) -> (loops: [Plan.Loop], whole: Plan.Loop?) {
    guard let length = scan.length.value else {
      throw FirnError(.missingFeed, "nothing fed binds the length \(scan.length) of `\(step.name)`")
    }
    func loop(_ scan: Scan, workers: Int, _ share: LoopShare? = nil) throws(FirnError) -> Plan.Loop {
      var planner = Planner(
        scan.body, workers: workers, sharing: share == nil ? sharing : nil,
        checks: infinite.map { PlannedChecks(scan.body, infinite: $0) })
      return try planner.loop(scan, step, length: length, share: share)
    }
    guard workers > 1, let sharing, let rows = LoopRows(scan),
      let shares = rows.shares(among: workers, sharing)
    else { return ([try loop(scan, workers: workers)], nil) }
    let loops = try shares.map { share throws(FirnError) in try loop(share.scan, workers: 1, share) }
    return (loops, rows.canFail ? try loop(scan, workers: workers) : nil)
  }

  /// Plans the body, then ties its buffers to the outer ones.
  private mutating func loop(
    _ scan: Scan, _ step: Plan.Step, length: Int, share: LoopShare? = nil
  ) throws(FirnError) -> Plan.Loop {
    for position in graph.nodes.indices { try place(position) }
    var parameter: [Int?] = Array(repeating: nil, count: scan.operandCount)
    var parameterTypes: [ArrayType?] = Array(repeating: nil, count: scan.operandCount)
    var indexSlot: Int?
    for (op, slot) in parameters {
      if let operand = scan.operand(of: op) {
        parameter[operand] = slot
        parameterTypes[operand] = ArrayType(op.type)
      } else {
        indexSlot = slot
      }
    }
    var results = graph.outputs.map { slot($0) }
    let carrySlots = Set(scan.carryRange.compactMap { parameter[$0] })
    for carry in scan.carryRange
    where carrySlots.contains(results[carry]) && results[carry] != parameter[carry] {
      results[carry] = try copied(graph.outputs[carry], from: results[carry])
    }
    var isDirect = [Bool](repeating: false, count: scan.outputs)
    let homes = settle(&isDirect, results, carries: parameter[scan.carryRange])
    writeDirectly(&isDirect, results, carries: scan.carries)
    takeOver(&results, carries: parameter[scan.carryRange])
    // What a carry did not take over can still be written where it is stacked: it is copied to the carry either way.
    writeDirectly(&isDirect, Array(results.dropFirst(scan.carries)), carries: 0)
    var carries: [Plan.Loop.Carry] = []
    for carry in scan.carryRange {
      let type = try type(graph.outputs[carry])
      carries.append(
        Plan.Loop.Carry(
          initial: step.operands[carry], final: step.results[carry], parameter: parameter[carry],
          next: results[carry], byteCount: type.byteCount, offset: share?.offset(of: type) ?? 0,
          home: homes[carry]))
    }
    var outputs: [Plan.Loop.Output] = []
    for (position, isDirect) in isDirect.enumerated() {
      let output = scan.carries + position
      let type = try type(graph.outputs[output])
      outputs.append(
        Plan.Loop.Output(
          outer: step.results[output], inner: results[output],
          stride: share?.stride(of: type) ?? type.byteCount,
          byteCount: type.byteCount, offset: share?.offset(of: type) ?? 0, isDirect: isDirect))
    }
    var slices: [Plan.Loop.Moving] = []
    var captures: [Plan.Loop.Capture] = []
    for operand in scan.carries..<scan.operandCount {
      guard let slot = parameter[operand], let type = parameterTypes[operand] else { continue }
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

  /// Finds carries a home in an output that stacks them anyway, as the backward loop of a recurrent layer wants its
  /// states: nothing is copied from step to step then.
  ///
  /// - Parameters:
  ///   - isDirect: by stacked output, whether the body's buffer is a part of it.
  ///   - results: the buffers of the body's outputs, next carries first.
  ///   - carries: the buffer of each carry; nil where nothing reads it.
  private mutating func settle(
    _ isDirect: inout [Bool], _ results: [Int], carries: ArraySlice<Int?>
  ) -> [Plan.Loop.Home?] {
    let (next, stacked) = (results.prefix(carries.count), results.dropFirst(carries.count))
    let births = births
    return zip(next, carries).map { made, found in
      // What no step makes, such as the loop's index, or makes for two, has to be copied.
      guard let found, made != found, arenaBytes[made] != nil, births[made] >= 0,
        next.count(where: { $0 == made }) == 1,
        let output = stacked.firstIndex(of: found) ?? stacked.firstIndex(of: made)
      else { return nil }
      placements[made] = .external
      arenaBytes[made] = nil
      let number = output - stacked.startIndex
      isDirect[number] = true
      return stacked[output] == found ? .found(output: number) : .made(output: number)
    }
  }

  /// Has stacked outputs that a step makes written where they belong, unless their buffers serve something else as well.
  ///
  /// - Parameters:
  ///   - isDirect: by stacked output, whether it already is.
  ///   - results: the buffers that must not be shared, those of stacked outputs behind so many carries.
  private mutating func writeDirectly(_ isDirect: inout [Bool], _ results: [Int], carries: Int) {
    let births = births
    var uses: [Int: Int] = [:]
    for slot in results { uses[slot, default: 0] += 1 }
    for (output, slot) in results.dropFirst(carries).enumerated()
    where arenaBytes[slot] != nil && births[slot] >= 0 && uses[slot] == 1 {
      isDirect[output] = true
      placements[slot] = .external
      arenaBytes[slot] = nil
    }
  }

  /// Computes next carries into the carries' own buffers, where nothing reads the old value any more.
  ///
  /// - Parameters:
  ///   - results: the buffers of the body's outputs, next carries first.
  ///   - carries: the buffer of each carry; nil where nothing reads it.
  private mutating func takeOver(_ results: inout [Int], carries: ArraySlice<Int?>) {
    let (lastUses, births) = (lastUses(wholeLife: Set(results)), births)
    var renamed = Array(placements.indices)
    for (number, slot) in carries.enumerated() {
      let next = renamed[results[number]]
      guard let carry = slot, carry != next, arenaBytes[next] != nil, births[next] >= 0 else { continue }
      let (last, birth) = (lastUses[carry], births[next])
      guard last < birth || last == birth && allowsInPlace(next, of: birth, over: carry) else { continue }
      placements[next] = .external
      arenaBytes[next] = nil
      renamed[next] = carry
    }
    results = results.map { renamed[$0] }
    if renamed.elementsEqual(placements.indices) { return }
    for step in steps.indices {
      steps[step].operands = steps[step].operands.map { renamed[$0] }
      steps[step].results = steps[step].results.map { renamed[$0] }
      if case .loops(let loops) = steps[step].work {
        steps[step].work = .loops(loops.map { $0.mappingOuter { renamed[$0] } })
        steps[step].whole = steps[step].whole.map { $0.mappingOuter { renamed[$0] } }
      }
    }
  }
}
