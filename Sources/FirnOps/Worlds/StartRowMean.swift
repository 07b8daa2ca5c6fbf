package import FirnGraph

/// Begins the sum over the members of a world of tables of zeros into which each adds rows, times the own weight.
///
/// | operand | type | |
/// | --- | --- | --- |
/// | weight | `f32`, `f64`, scalar | |
/// | indices | `i32[k]` | in 0..<size |
/// | updates | [k, inner…], of the weight's element type | |
///
/// | result | type | |
/// | --- | --- | --- |
/// | table | [size · inner] | the world's until it is finished |
/// | ticket | `i32[2]` | what `finish_mean` waits for |
/// | rows | [k, inner…] | what is sent: each row once, times the weight |
/// | places | `i32[k]` | which they are |
///
/// C1: weight and updates are floating point, of one element type; the weight is a scalar. C2: indices are `i32`, of
/// one axis. C3: updates have a row for each index.
///
/// Rows travel as rows where that is less than the table, which the members settle in each run by the number of
/// distinct ones. The bits are those of `start_mean` of `scatter_add`.
///
/// - Complexity: one pass over updates, 2 FLOPs an element; rows are found by hashing.
/// - Throws: when run, `.indexOutOfRange` naming the first index outside.
package struct StartRowMean: KernelOp, OpaqueOp {
  package var size: Dim

  package init(size: Dim) { self.size = size }

  package static let mnemonics = ["start_row_mean"]
  package var mnemonic: String { "start_row_mean" }
  package var attributes: Attributes { ["size": .extent(size)] }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    size = try attributes.dimension("size")
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(3)
    let (weight, indices, updates) = (operands[0], operands[1], operands[2])
    try weight.requireFloatingPoint("weight", "C1")
    try require(
      weight == TensorType(updates.dtype, .scalar), "C1", .typeMismatch,
      "the weight is \(weight), updates are \(updates)", remedy: "give one number of their element type")
    try indices.requireIndices("indices", "C2")
    try require(
      indices.shape.rank == 1, "C2", .shapeMismatch, "\(indices) has \(indices.shape.rank) axes, not one",
      remedy: "reshape it")
    try require(
      updates.shape.first == indices.shape[0], "C3", .shapeMismatch,
      "\(updates) does not have a row for each of \(indices)", remedy: "give one row for each index")
    let inner = updates.shape.dropFirst().reduce(1, *)
    return [TensorType(updates.dtype, [size * inner]), TensorType(.i32, [2]), updates, indices]
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .notDifferentiable }
  package func gradient(_ context: GradientContext) -> [Tensor?] { context.operands.map { _ in nil } }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim {
    operands[2].shape.elementCount * 2
  }

  /// At most: what is looked up more than once is sent once.
  package func exchangedBytes(of operands: [TensorType], results: [TensorType]) -> Dim {
    operands[2].shape.elementCount * Dim(operands[2].dtype.byteCount) + operands[1].shape.elementCount * 4
  }

  package func dependence(of operands: [Dependence], results: Int) -> [Dependence] {
    Array(repeating: operands.reduce(.data) { $0.union($1) }, count: results)
  }

  package var numerics: Numerics { Numerics(carriesInfinity: false, isUnderWay: true) }
  package var canFail: Bool { true }
  package var aliasing: Aliasing { .none }

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    results[0].dtype == .f32 ? kernel(operands, results, Float.self) : kernel(operands, results, Double.self)
  }

  private func kernel<T: BinaryFloatingPoint & Sendable>(
    _ operands: [ArrayType], _ results: [ArrayType], _: T.Type
  ) -> Kernel {
    let (count, table, dtype) = (operands[1].elementCount, results[0], results[0].dtype)
    let inner = operands[2].shape.dropFirst().reduce(1, *)
    let size = size.value ?? 0
    let finding = RowFinding(wanted: count, indices: 0)
    let updates = operands[2]
    return Kernel(workspaceBytes: finding.workspaceBytes) { (call: borrowing KernelCall) throws(FirnError) in
      let indices = call.operand(1, as: Int32.self)
      try check(indices, count: count, size: size)
      let world = call.world
      let (weight, x) = (call.operand(0, as: T.self)[0], call.operand(2, as: T.self))
      // What has no weight may be NaN.
      let isCounted = world?.counts ?? true && weight != 0
      let (rows, places) = (call.result(2, as: T.self), call.result(3, as: Int32.self))
      fill(rows, updates, with: 0)
      places.update(repeating: 0, count: count)
      var distinct = 0
      if isCounted {
        let first = finding.find(indices, indices, call.workspace).wanted
        // Of a row's first place, where it is sent; places serve as memory until they are known.
        for j in 0..<count where Int(first[j]) == j {
          places[j] = Int32(truncatingIfNeeded: distinct)
          distinct += 1
        }
        for j in 0..<count {
          let row = rows + Int(places[Int(first[j])]) * inner
          for c in 0..<inner { row[c] += x[j * inner + c] }
        }
        distinct = 0
        // A row is sent at or before its first place, so nothing is overwritten that is still to be read.
        for j in 0..<count where Int(first[j]) == j {
          places[distinct] = indices[j]
          distinct += 1
        }
        for element in 0..<distinct * inner { rows[element] *= weight }
      }
      let sum = call.result(0, as: T.self)
      guard let world else {
        fill(sum, table, with: 0)
        for j in 0..<distinct {
          (sum + Int(places[j]) * inner).update(from: rows + j * inner, count: inner)
        }
        return writeTicket(0, to: call.result(1))
      }
      let ticket = world.startSum(
        ofRows: rows, at: places, count: distinct, width: inner, into: sum, size: size, of: dtype)
      writeTicket(ticket, to: call.result(1))
    }
  }
}

extension Tensor {
  /// Begins the exchange of rows, this being the weight; its results.
  ///
  /// - Parameters:
  ///   - indices: of any shape, counted through.
  ///   - updates: the axes of the indices, then those of a row.
  ///   - rows: how many the table has.
  package func startRowMean(indices: Tensor, updates: Tensor, rows: Dim) -> [Tensor] {
    let count = indices.shape.elementCount
    let inner = Array(updates.shape.dropFirst(indices.shape.rank))
    return graph.append(
      StartRowMean(size: rows),
      [self, indices.reshaped(to: [count]), updates.reshaped(to: Shape([count] + inner))], results: 4)
  }
}
