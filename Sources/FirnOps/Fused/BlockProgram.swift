internal import CFirnKernels
internal import FirnGraph

/// A fused program whose dimensions are numbers: what is run on each block, and where everything lies.
///
/// What an instruction makes goes straight into the result where it lies there without gaps, and into a register of the
/// scratch otherwise; an operand is read where it lies, or gathered into a register where it is repeated or has gaps. Where
/// between gaps there is room for whole blocks, they are read and written there.
struct BlockProgram: Sendable {
  /// Elements of a block: several registers of as many stay in a first-level cache.
  private static let blockSize = 1024

  /// For each result the operands it may be written over.
  private(set) var inPlace: [[Int]]

  private let count: Int
  private let block: Int
  /// Runs of elements begin at multiples of it: blocks, but for what a program begins with, which makes rows.
  private let unit: Int
  private let start: ElementProgram.Start?
  private var buffers: [BlockRunner.Buffer] = []
  private var layouts: [FirnLayout] = []
  /// What is run once: it fills registers that hold for every block.
  private var prologue: [FirnInstruction] = []
  private var instructions: [FirnInstruction] = []
  private var bodies: [Int: Instruction.Body] = [:]
  private var scratch = 0
  /// Registers that nothing is in, by bytes of an element.
  private var free: [Int: [Int]] = [:]
  /// Registers that the prologue fills.
  private var kept: Set<Int> = []

  /// - Throws: what is wrong with the program, or that a dimension is no number.
  init(_ fused: Fused, _ program: ElementProgram) throws(FirnError) {
    var inputs = fused.inputs.map { fused.pattern.nodes[$0].types[0] }
    let domain = try Places.extents(of: fused.domain)
    start = program.start
    // What the start makes is read as one more operand.
    if let start { inputs.append(program.results[start.home].type) }
    let places = try Places(program, inputs, domain)
    count = domain.reduce(1, *)
    let gaps =
      places.loads.compactMap { $0.flatMap { $0.isDirect ? nil : $0.run } }
      + places.stores.compactMap(\.place.run)
    block = Self.block(
      count, periods: places.loads.compactMap { $0?.period },
      runs: start == nil ? gaps : gaps + [domain.last ?? 1])
    unit = start == nil ? block : domain.last ?? 1
    inPlace = places.overlays(program, count)
    if let start {
      // The start reads its operands for as long as it makes something, and makes that before others are read.
      let own = Set(start.operands + [start.number])
      for result in inPlace.indices { inPlace[result].removeAll { result == start.home || own.contains($0) } }
    }
    if count > 0 { place(program, places) }
  }

  /// Elements of a block that are worth going on with where they lie instead of copying them side by side.
  private static let shortestRun = 256

  /// How many elements a block has: such that what is repeated is, where that works out, the same in every block, and
  /// runs of elements are whole blocks.
  private static func block(_ count: Int, periods: [Int], runs: [Int]) -> Int {
    // Of nothing, what is repeated may be nothing too.
    if count == 0 { return 1 }
    var common = 1
    for period in periods.sorted(by: >) where period <= blockSize {
      let shared = greatestCommonDivisor(common, period)
      if common / shared * period <= blockSize { common *= period / shared }
    }
    let run = runs.filter { $0 >= shortestRun }.reduce(0) { greatestCommonDivisor($0, $1) }
    let parts = (run + blockSize - 1) / blockSize
    // A prime number of elements is no reason to try as many.
    for parts in parts..<parts + 8 where parts > 0 && run % parts == 0 && run / parts >= shortestRun {
      if run / parts % common == 0 { return min(count, run / parts) }
    }
    return max(1, min(count, blockSize / common * common))
  }

  private static func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int {
    var (a, b) = (a, b)
    while b != 0 { (a, b) = (b, a % b) }
    return a
  }

  /// Whether every block lies in one of a place's runs.
  private func isPointed(_ place: Place) -> Bool {
    guard let run = place.run, block >= Self.shortestRun else { return false }
    return run % block == 0 && unit % block == 0
  }

  // MARK: Instructions

  private mutating func place(_ program: ElementProgram, _ places: Places) {
    let lastUses = program.lastUses
    var slots: [Int] = []
    for (number, step) in program.steps.enumerated() {
      let size = program.dtypes[number].byteCount
      /// Which of the stores is made where it lies between gaps.
      var pointed: Int?
      switch step {
      case .load(let operand, _):
        guard let place = places.loads[number] else { firnBug("fused", "a load without a place") }
        slots.append(load(operand, place, size))
      case .instruction(let op, let operands):
        let result: Int
        if let home = places.homes[number] {
          result = add(.result(home.result, offset: home.offset * size, step: size))
        } else if let index = places.stores.firstIndex(where: { $0.step == number && isPointed($0.place) }) {
          let store = places.stores[index]
          let whole = BlockRunner.Buffer.result(store.result, offset: store.place.offset * size, step: 0)
          result = point(to: whole, store.place, size)
          pointed = index
        } else if let over = Self.overlay(op, operands, at: number, lastUses, program, size).map({ slots[$0] }
        ),
          isFreeable(over)
        {
          result = over
        } else {
          result = register(size)
        }
        append(op, operands.map { slots[$0] }, operands.map { program.dtypes[$0] }, to: result)
        slots.append(result)
        for operand in Set(operands).sorted()
        where lastUses[operand] == number && slots[operand] != result && isFreeable(slots[operand]) {
          free[program.dtypes[operand].byteCount, default: []].append(slots[operand])
        }
      }
      for (index, store) in places.stores.enumerated() where store.step == number && index != pointed {
        instructions.append(
          FirnInstruction(
            what: FIRN_DO_SCATTER, code: add(store.place, size), alpha: 0, a: UInt32(slots[number]), b: 0,
            c: 0,
            y: UInt32(add(.result(store.result, offset: store.place.offset * size, step: 0)))))
      }
      if lastUses[number] == number, isFreeable(slots[number]) {
        free[size, default: []].append(slots[number])
      }
    }
  }

  /// Where an operand is read: where it lies, or a register that it is gathered into.
  private mutating func load(_ operand: Int, _ place: Place, _ size: Int) -> Int {
    let offset = place.offset * size
    if place.isDirect {
      if let start, operand == start.number { return add(.result(start.home, offset: 0, step: size)) }
      return add(.operand(operand, offset: offset, step: size))
    }
    let isKept = place.period.map { block % $0 == 0 && unit % $0 == 0 } ?? false
    if !isKept, isPointed(place) { return point(to: .operand(operand, offset: offset, step: 0), place, size) }
    // What is kept must not lie where another value was in the block before.
    let register = isKept ? newRegister(size) : register(size)
    let gather = FirnInstruction(
      what: FIRN_DO_GATHER, code: add(place, size), alpha: 0,
      a: UInt32(add(.operand(operand, offset: offset, step: 0))), b: 0, c: 0, y: UInt32(register))
    if isKept {
      prologue.append(gather)
      kept.insert(register)
    } else {
      instructions.append(gather)
    }
    return register
  }

  /// A buffer that is where `place` has the block.
  private mutating func point(to whole: BlockRunner.Buffer, _ place: Place, _ size: Int) -> Int {
    let slot = add(.pointed)
    instructions.append(
      FirnInstruction(
        what: FIRN_DO_POINT, code: add(place, size), alpha: 0, a: UInt32(add(whole)), b: 0, c: 0,
        y: UInt32(slot)))
    return slot
  }

  private func isFreeable(_ slot: Int) -> Bool {
    if case .register = buffers[slot] { !kept.contains(slot) } else { false }
  }

  /// An operand whose register the result can be written over.
  private static func overlay(
    _ op: any InstructionOp, _ operands: [Int], at number: Int, _ lastUses: [Int], _ program: ElementProgram,
    _ size: Int
  ) -> Int? {
    let choices = op.aliasing.inPlace(results: 1)[0]
    return operands.indices.first { position in
      let operand = operands[position]
      return lastUses[operand] == number && program.dtypes[operand].byteCount == size
        && operands.indices.allSatisfy { operands[$0] != operand || choices.contains($0) }
    }.map { operands[$0] }
  }

  private mutating func append(
    _ op: any InstructionOp, _ operands: [Int], _ dtypes: [DType], to result: Int
  ) {
    func slot(_ operand: Int) -> UInt32 { UInt32(operands[min(operand, operands.count - 1)]) }
    var made = FirnInstruction(
      what: FIRN_DO_UNARY, code: 0, alpha: 0, a: slot(0), b: slot(1), c: slot(2), y: UInt32(result))
    switch op.instruction(on: dtypes).code {
    case .unary(let function, let alpha): (made.code, made.alpha) = (Int32(function.rawValue), alpha)
    case .binary(let function): (made.what, made.code) = (FIRN_DO_BINARY, Int32(function.rawValue))
    case .compare(let relation): (made.what, made.code) = (FIRN_DO_COMPARE, Int32(relation.rawValue))
    case .select: made.what = FIRN_DO_SELECT
    case .other(let body): bodies[instructions.count] = body
    }
    instructions.append(made)
  }

  private mutating func add(_ buffer: BlockRunner.Buffer) -> Int {
    buffers.append(buffer)
    return buffers.count - 1
  }

  private mutating func add(_ place: Place, _ size: Int) -> Int32 {
    var layout = FirnLayout()
    layout.element_size = size
    // The C code goes along one axis at least.
    let sizes = place.sizes.isEmpty ? [1] : place.sizes
    let steps = place.steps.isEmpty ? [1] : place.steps
    layout.rank = sizes.count
    withUnsafeMutableBytes(of: &layout.sizes) { bytes in
      for (axis, size) in sizes.enumerated() {
        bytes.storeBytes(of: size, toByteOffset: axis * MemoryLayout<Int>.stride, as: Int.self)
      }
    }
    withUnsafeMutableBytes(of: &layout.steps) { bytes in
      for (axis, step) in steps.enumerated() {
        bytes.storeBytes(of: step, toByteOffset: axis * MemoryLayout<Int>.stride, as: Int.self)
      }
    }
    layouts.append(layout)
    return Int32(layouts.count - 1)
  }

  private mutating func register(_ size: Int) -> Int { free[size]?.popLast() ?? newRegister(size) }

  private mutating func newRegister(_ size: Int) -> Int {
    defer { scratch += (block * size + 63) / 64 * 64 }
    return add(.register(scratch))
  }

  // MARK: Running

  private var runner: BlockRunner {
    BlockRunner(
      count: count, block: block, buffers: buffers, layouts: layouts, prologue: prologue,
      instructions: instructions, bodies: bodies, scratch: scratch)
  }

  /// What it does with what its start has made; nil of one that begins with instructions.
  var finishing: Finishing? {
    start.map { Finishing(runner: runner, operands: $0.operands, home: $0.home) }
  }

  var kernel: Kernel {
    if count == 0 { return Kernel { _ in } }
    let runner = runner
    return Kernel(workspaceBytes: runner.workspaceBytes) { (call: borrowing KernelCall) throws(FirnError) in
      let scratch = call.workspace
      runner.prepare(call, at: scratch)
      runner.runAll(call, scratch, step: runner.workspaceBytes)
    }
  }
}
