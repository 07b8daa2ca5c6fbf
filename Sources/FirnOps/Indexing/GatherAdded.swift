package import FirnGraph

/// The rows that are wanted of a table of zeros into which rows are added, without the table.
///
/// y[i, n…] = sum over j with indices[j] = wanted[i] of updates[j, n…], in the order of j
///
/// | operand | type | |
/// | --- | --- | --- |
/// | wanted | `i32[w]` | in 0..<size |
/// | indices | `i32[k]` | in 0..<size |
/// | updates | `f32`, `f64`, `i32`, [k, inner…] | the result is [w, inner…] |
///
/// C1: wanted rows and indices are `i32`, of one axis each. C2: updates are numbers. C3: updates have a row for each
/// index.
///
/// To the bit what `gather` takes of `scatter_add`, also where an index repeats.
///
/// - Complexity: one pass over updates, 1 FLOP an element; rows are found by hashing.
/// - Throws: when run, `.indexOutOfRange` naming the first index outside.
package struct GatherAdded: KernelOp {
  /// How many rows the table would have.
  package var size: Dim

  package init(size: Dim) { self.size = size }

  package static let mnemonics = ["gather_added"]
  package var mnemonic: String { "gather_added" }
  package var attributes: Attributes { ["size": .extent(size)] }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    size = try attributes.dimension("size")
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(3)
    let (wanted, indices, updates) = (operands[0], operands[1], operands[2])
    for type in [wanted, indices] {
      try type.requireIndices("an operand of indices", "C1")
      try require(
        type.shape.rank == 1, "C1", .shapeMismatch, "\(type) has \(type.shape.rank) axes, not one",
        remedy: "reshape it")
    }
    try updates.requireNumeric("updates", "C2")
    try require(
      updates.shape.first == indices.shape[0], "C3", .shapeMismatch,
      "\(updates) does not have a row for each of \(indices)", remedy: "give one row for each index")
    return [TensorType(updates.dtype, Shape([wanted.shape[0]] + updates.shape.dropFirst()))]
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow {
    operand == 2 ? .passes : .notDifferentiable
  }

  /// Who is wanted and who is added change places.
  package func gradient(_ context: GradientContext) -> [Tensor?] {
    guard context.wants[2] else { return [nil, nil, nil] }
    return [nil, nil, context.operands[1].applying(self, context.operands[0], context.cotangent)]
  }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim {
    operands[2].shape.elementCount
  }

  package var canFail: Bool { true }

  package var isElementwise: Bool { false }

  package func rows(along axis: Int, of result: Int, count: Dim, in node: NodeTypes) -> RowRule? {
    RowRule(self, operands: axis == 0 ? [0, nil, nil] : [nil, nil, axis], results: [axis])
  }

  /// Not along the rows: an index out of range must fail, whatever is wanted of the result.
  package func narrowed(to block: Block, in node: NodeTypes) -> Narrowing {
    block.axis == 0 ? .notKnown : .byRows
  }

  package func overSteps(_ length: Dim, varying: [Bool], in node: NodeTypes) -> StepRule? { nil }
  package func simplified(in node: NodeView) -> Expression<Value>? { nil }

  package var aliasing: Aliasing { .none }

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    switch results[0].dtype {
    case .f32: kernel(operands, results[0], Float.self) { x, y, n in for c in 0..<n { y[c] += x[c] } }
    case .f64: kernel(operands, results[0], Double.self) { x, y, n in for c in 0..<n { y[c] += x[c] } }
    case .i32: kernel(operands, results[0], Int32.self) { x, y, n in for c in 0..<n { y[c] &+= x[c] } }
    case .bool: firnBug("gather-added", "updates \(operands[2])")
    }
  }

  /// Columns are independent of each other.
  private func kernel<T: Sendable>(
    _ operands: [ArrayType], _ type: ArrayType, _: T.Type,
    add: @escaping @Sendable (UnsafePointer<T>, UnsafeMutablePointer<T>, Int) -> Void
  ) -> Kernel {
    let (wantedCount, count) = (operands[0].elementCount, operands[1].elementCount)
    let inner = type.shape.dropFirst().reduce(1, *)
    let size = size.value ?? 0
    let finding = RowFinding(wanted: wantedCount, indices: count)
    return Kernel(workspaceBytes: finding.workspaceBytes) { (call: borrowing KernelCall) throws(FirnError) in
      let (wanted, indices) = (call.operand(0, as: Int32.self), call.operand(1, as: Int32.self))
      try check(wanted, count: wantedCount, size: size)
      try check(indices, count: count, size: size)
      let (first, place) = finding.find(wanted, indices, call.workspace)
      let x = call.operand(2, as: T.self)
      let y = call.result(as: T.self)
      fill(y, type, with: 0)
      call.inPieces(inner, grain: grain(ofItems: wantedCount + count)) { start, n in
        for j in 0..<count where place[j] >= 0 {
          add(x + (j * inner + start), y + (Int(place[j]) * inner + start), n)
        }
        for i in 0..<wantedCount where Int(first[i]) != i {
          (y + (i * inner + start)).update(from: y + (Int(first[i]) * inner + start), count: n)
        }
      }
    }
  }
}

/// Finds for indices where they stand among wanted ones, by a table of the wanted ones that is open and half empty.
struct RowFinding {
  let wanted: Int
  let indices: Int
  /// A power of two, at least twice as many as are wanted.
  let capacity: Int

  init(wanted: Int, indices: Int) {
    (self.wanted, self.indices) = (wanted, indices)
    var capacity = 8
    while capacity < 2 * wanted { capacity *= 2 }
    self.capacity = capacity
  }

  var workspaceBytes: Int { (4 * (capacity + wanted + indices) + 63) / 64 * 64 }

  /// For each wanted index the first place among the wanted that has the same, and for each other index likewise, -1
  /// where nobody wants it.
  func find(
    _ wantedIndices: UnsafePointer<Int32>, _ otherIndices: UnsafePointer<Int32>,
    _ workspace: UnsafeMutableRawPointer
  ) -> (wanted: UnsafePointer<Int32>, others: UnsafePointer<Int32>) {
    let table = workspace.assumingMemoryBound(to: Int32.self)
    let (first, place) = (table + capacity, table + capacity + wanted)
    table.update(repeating: -1, count: capacity)
    let (mask, shift) = (UInt32(capacity - 1), UInt32(32 - capacity.trailingZeroBitCount))
    /// Where in the table `index` is, or would be.
    func entry(of index: Int32) -> Int {
      var entry = (UInt32(bitPattern: index) &* 0x9e37_79b1) >> shift
      while table[Int(entry)] >= 0, wantedIndices[Int(table[Int(entry)])] != index {
        entry = (entry + 1) & mask
      }
      return Int(entry)
    }
    for i in 0..<wanted {
      let entry = entry(of: wantedIndices[i])
      if table[entry] < 0 { table[entry] = Int32(truncatingIfNeeded: i) }
      first[i] = table[entry]
    }
    for j in 0..<indices { place[j] = table[entry(of: otherIndices[j])] }
    return (UnsafePointer(first), UnsafePointer(place))
  }
}
