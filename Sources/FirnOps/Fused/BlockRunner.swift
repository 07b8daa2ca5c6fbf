internal import CFirnKernels
internal import FirnGraph

/// What runs a program on stretches of its elements: instructions, and where what they read and write lies.
struct BlockRunner: Sendable {
  /// What an instruction reads or writes; offsets and steps in bytes.
  enum Buffer: Sendable {
    case operand(Int, offset: Int, step: Int)
    case result(Int, offset: Int, step: Int)
    /// At this offset of the scratch.
    case register(Int)
    /// Where an instruction last said, in an operand or a result.
    case pointed
  }

  /// Instructions that C runs one after the other, or one that it does not run.
  enum Part {
    case instructions(Range<Int>)
    case body(Unmanaged<Held>, FirnInstruction)
  }

  /// A closure that runs call without a reference of their own: `bodies` has one.
  final class Held: Sendable {
    let body: Instruction.Body

    init(_ body: @escaping Instruction.Body) { self.body = body }
  }

  /// A worker's own: where every buffer is.
  typealias Table = UnsafeMutablePointer<FirnBuffer>

  /// Elements of the program.
  let count: Int
  private let block: Int
  private let buffers: [Buffer]
  private let layouts: [FirnLayout]
  private let prologue: [FirnInstruction]
  private let instructions: [FirnInstruction]
  private let parts: [Part]
  /// What `parts` refers to.
  private let bodies: [Held]
  /// Where the table is in a worker's scratch.
  private let tableOffset: Int
  /// Of each worker.
  let workspaceBytes: Int

  init(
    count: Int, block: Int, buffers: [Buffer], layouts: [FirnLayout], prologue: [FirnInstruction],
    instructions: [FirnInstruction], bodies: [Int: Instruction.Body], scratch: Int
  ) {
    (self.count, self.block, self.buffers, self.layouts) = (count, block, buffers, layouts)
    (self.prologue, self.instructions) = (prologue, instructions)
    (parts, self.bodies) = Self.parts(of: instructions, bodies)
    tableOffset = scratch
    workspaceBytes = scratch + (buffers.count * MemoryLayout<FirnBuffer>.stride + 63) / 64 * 64
  }

  private static func parts(
    of instructions: [FirnInstruction], _ bodies: [Int: Instruction.Body]
  ) -> ([Part], [Held]) {
    var (parts, held): ([Part], [Held]) = ([], [])
    var start = 0
    for index in 0...instructions.count where index == instructions.count || bodies[index] != nil {
      if index > start { parts.append(.instructions(start..<index)) }
      if let body = bodies[index] {
        held.append(Held(body))
        parts.append(.body(.passUnretained(held[held.count - 1]), instructions[index]))
      }
      start = index + 1
    }
    return (parts, held)
  }

  private func table(_ scratch: UnsafeMutableRawPointer) -> Table {
    (scratch + tableOffset).assumingMemoryBound(to: FirnBuffer.self)
  }

  private func placeRegisters(_ table: Table, _ scratch: UnsafeMutableRawPointer) {
    for (slot, buffer) in buffers.enumerated() {
      if case .register(let offset) = buffer { table[slot] = FirnBuffer(base: scratch + offset, step: 0) }
    }
  }

  /// Notes in the scratch of one worker where a call's operands and results are.
  func prepare(_ call: borrowing KernelCall, at scratch: UnsafeMutableRawPointer) {
    let table = table(scratch)
    placeRegisters(table, scratch)
    for (slot, buffer) in buffers.enumerated() {
      switch buffer {
      case .operand(let number, let offset, let step):
        let base = UnsafeMutableRawPointer(mutating: call.operand(number, as: UInt8.self))
        table[slot] = FirnBuffer(base: base + offset, step: step)
      case .result(let number, let offset, let step):
        let base = UnsafeMutableRawPointer(call.result(number, as: UInt8.self))
        table[slot] = FirnBuffer(base: base + offset, step: step)
      case .register, .pointed: break
      }
    }
  }

  /// Makes what holds for every block, for a worker whose scratch is here; `shared` is the one that was prepared.
  func begin(at scratch: UnsafeMutableRawPointer, shared: UnsafeMutableRawPointer) -> Table {
    let table = table(scratch)
    if scratch != shared {
      // Nothing of what is shared changes while others read it.
      UnsafeMutableRawPointer(table).copyMemory(
        from: self.table(shared), byteCount: buffers.count * MemoryLayout<FirnBuffer>.stride)
      placeRegisters(table, scratch)
    }
    layouts.withUnsafeBufferPointer { layouts in
      firn_run_program(prologue, prologue.count, layouts.baseAddress, table, 0, block, block)
    }
    return table
  }

  /// Runs the program on some of its elements.
  func run(_ elements: Range<Int>, _ table: Table) {
    let (start, end) = (elements.lowerBound, elements.upperBound)
    layouts.withUnsafeBufferPointer { layouts in
      instructions.withUnsafeBufferPointer { instructions in
        if case .instructions(let all)? = parts.first, parts.count == 1 {
          firn_run_program(
            instructions.baseAddress, all.count, layouts.baseAddress, table, start, end - start, block)
          return
        }
        var start = start
        while start < end {
          let n = min(block, end - start)
          for part in parts {
            switch part {
            case .instructions(let some):
              firn_run_program(
                instructions.baseAddress.map { $0 + some.lowerBound }, some.count, layouts.baseAddress, table,
                start, n, n)
            case .body(let held, let made):
              func at(_ slot: UInt32) -> UnsafeMutableRawPointer {
                table[Int(slot)].base + table[Int(slot)].step * start
              }
              withExtendedLifetime(bodies) {
                held._withUnsafeGuaranteedRef { $0.body(at(made.a), at(made.b), at(made.c), at(made.y), n) }
              }
            }
          }
          start += n
        }
      }
    }
  }

  /// Runs it on all of its elements, by all workers; of scratch each has so many bytes, and the first is prepared.
  func runAll(_ call: borrowing KernelCall, _ scratch: UnsafeMutableRawPointer, step: Int) {
    let blocks = (count + block - 1) / block
    call.split(blocks, grain: grain(ofItems: block, instructions.count)) { part, worker in
      let table = begin(at: scratch + worker * step, shared: scratch)
      run(part.lowerBound * block..<min(count, part.upperBound * block), table)
    }
  }
}
