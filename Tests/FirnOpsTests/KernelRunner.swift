import FirnGraph
import Testing

/// Runs everything where it is called.
final class SerialWorkers: Workers {
  let count = 1
  func split(_ count: Int, grain: Int, _ body: (Range<Int>, Int) -> Void) { body(0..<count, 0) }
}

/// Cuts work into pieces of odd sizes, whatever the grain, runs them out of order and as different workers.
final class OddWorkers: Workers {
  let count = 3
  let sizes: [Int]

  init(_ sizes: [Int] = [1, 5, 2, 11, 3]) { self.sizes = sizes }

  func split(_ count: Int, grain: Int, _ body: (Range<Int>, Int) -> Void) {
    var pieces: [Range<Int>] = []
    var start = 0
    while start < count {
      let end = min(count, start + sizes[pieces.count % sizes.count])
      pieces.append(start..<end)
      start = end
    }
    for (index, piece) in pieces.enumerated().reversed() { body(piece, index % self.count) }
  }
}

/// Executes single kernels on buffers with guards on both sides.
struct KernelRunner {
  #if FIRN_SANITIZED
    // The sanitizer guards the ends of a buffer itself, and reading beyond them too.
    static let guardBytes = 0
  #else
    static let guardBytes = 64
  #endif
  var workers: any Workers = SerialWorkers()
  /// Whether they are given work however little there is.
  var splitsAll = true
  /// A result that is written over an operand, in that one's buffer.
  var inPlace: (result: Int, operand: Int)?

  private final class Buffer {
    let pointer: UnsafeMutableRawPointer
    let byteCount: Int

    init(_ byteCount: Int) {
      self.byteCount = byteCount
      let total = byteCount + 2 * KernelRunner.guardBytes
      pointer = .allocate(byteCount: total, alignment: 64)
      pointer.initializeMemory(as: UInt8.self, repeating: 0xa5, count: total)
    }

    deinit { pointer.deallocate() }

    var body: UnsafeMutableRawPointer { pointer + KernelRunner.guardBytes }

    var hasIntactGuards: Bool {
      let behind = KernelRunner.guardBytes + byteCount
      return (0..<KernelRunner.guardBytes).allSatisfy {
        pointer.load(fromByteOffset: $0, as: UInt8.self) == 0xa5
          && pointer.load(fromByteOffset: behind + $0, as: UInt8.self) == 0xa5
      }
    }
  }

  /// The results of `op`; guards round results and scratch and the operands themselves are checked.
  func run(_ op: any KernelOp, _ operands: [NDArray]) throws -> [NDArray] {
    let types = operands.map(\.type)
    let results = try op.resultTypes(of: types.map { TensorType($0.dtype, Shape($0.shape)) })
      .map { try #require(ArrayType($0)) }
    let kernel = op.kernel(operands: types, results: results)
    let inputs = operands.map { operand in
      let buffer = Buffer(operand.byteCount)
      operand.withUnsafeBytes { bytes in
        if let base = bytes.baseAddress { buffer.body.copyMemory(from: base, byteCount: bytes.count) }
      }
      return buffer
    }
    var outputs = results.map { Buffer($0.byteCount) }
    if let inPlace { outputs[inPlace.result] = inputs[inPlace.operand] }
    #expect(kernel.workspaceBytes % 64 == 0)
    let scratch = Buffer(kernel.workspaceBytes * workers.count)
    let table = (inputs + outputs).map(\.body)
    // One slot more than there are operands: an op without any still needs a place to point at.
    let operandSlots = Array(0...inputs.count)
    let resultSlots = outputs.indices.map { inputs.count + $0 }
    try table.withUnsafeBufferPointer { table in
      try operandSlots.withUnsafeBufferPointer { operandSlots in
        try resultSlots.withUnsafeBufferPointer { resultSlots in
          let call = KernelCall(
            table: try #require(table.baseAddress), operandSlots: try #require(operandSlots.baseAddress),
            resultSlots: try #require(resultSlots.baseAddress), workspace: scratch.body,
            workers: UnretainedWorkers(workers), splitsAll: splitsAll)
          try withExtendedLifetime(workers) { try kernel.run(call) }
        }
      }
    }
    for buffer in inputs + outputs + [scratch] {
      #expect(buffer.hasIntactGuards, "\(op.mnemonic) wrote outside its buffers")
    }
    for (index, operand) in operands.enumerated() where index != inPlace?.operand {
      let isUnchanged = NDArray(operand.type, copying: inputs[index].body).isBitwiseEqual(to: operand)
      #expect(isUnchanged, "\(op.mnemonic) changed operand \(index)")
    }
    return zip(results, outputs).map { NDArray($0, copying: $1.body) }
  }
}
