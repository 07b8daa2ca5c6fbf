internal import FirnGraph

extension KernelOp {
  /// The only result, computed here and now by the calling thread: for what an op measures of itself.
  func result(of operands: [NDArray]) throws(FirnError) -> NDArray {
    let types = try resultTypes(of: operands.map { TensorType($0.dtype, Shape($0.shape)) })
    guard let type = types.first.flatMap({ ArrayType($0) }) else {
      firnBug(mnemonic, "a sample without extents")
    }
    let kernel = kernel(operands: operands.map(\.type), results: [type])
    // The operands, the result and scratch.
    let sizes = operands.map(\.byteCount) + [type.byteCount, kernel.workspaceBytes]
    let table = UnsafeMutablePointer<UnsafeMutableRawPointer>.allocate(capacity: sizes.count)
    let slots = UnsafeMutablePointer<Int>.allocate(capacity: sizes.count)
    for (slot, size) in sizes.enumerated() {
      (table + slot).initialize(to: .allocate(byteCount: Swift.max(64, size), alignment: 64))
      (slots + slot).initialize(to: slot)
    }
    defer {
      for slot in sizes.indices { table[slot].deallocate() }
      table.deallocate()
      slots.deallocate()
    }
    for (slot, operand) in operands.enumerated() {
      operand.withUnsafeBytes { bytes in
        if let base = bytes.baseAddress { table[slot].copyMemory(from: base, byteCount: bytes.count) }
      }
    }
    let (workers, result) = (CallingThread(), operands.count)
    try kernel.run(
      KernelCall(
        table: table, operandSlots: slots, resultSlots: slots + result, workspace: table[result + 1],
        workers: UnretainedWorkers(workers)))
    return withExtendedLifetime(workers) { NDArray(type, copying: table[result]) }
  }
}

/// Runs everything where it is called.
private final class CallingThread: Workers {
  let count = 1
  func split(_ count: Int, grain: Int, _ body: (Range<Int>, Int) -> Void) { body(0..<count, 0) }
}
