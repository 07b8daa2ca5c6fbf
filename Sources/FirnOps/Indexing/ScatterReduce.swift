package import FirnGraph

/// One value for all slices that indices put into the same place: their product, greatest or smallest.
///
/// y[i, n…] = reduction over j with indices[j] = i of updates[j, n…], in the order of j
///
/// | operand | type | |
/// | --- | --- | --- |
/// | indices | `i32[k]` | in 0..<size |
/// | updates | `f32`, `f64`, `i32`, [k, inner…] | the result is [size, inner…] |
///
/// C1: indices are `i32`, of one axis. C2: updates are numbers. C3: updates have a row for each index. C4: where it is
/// a number, `size` is not negative.
///
/// Where nothing belongs there is what changes nothing: 1, -∞ or the least `i32`, +∞ or the greatest. NaN wins over
/// everything. Elements that tie, or are NaN, share the gradient equally; that of a product is right where elements are
/// 0.
///
/// - Complexity: one pass over updates, 1 FLOP an element.
/// - Throws: when run, `.indexOutOfRange` naming the first index outside.
package struct ScatterReduce: KernelOp {
  package enum Function: String, Hashable, Sendable, CaseIterable {
    case max = "scatter_max"
    case min = "scatter_min"
    case prod = "scatter_prod"
  }

  package var function: Function
  package var size: Dim

  package init(_ function: Function, size: Dim) {
    self.function = function
    self.size = size
  }

  package static let mnemonics = Function.allCases.map(\.rawValue)
  package var mnemonic: String { function.rawValue }
  package var attributes: Attributes { ["size": .extent(size)] }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    function = try member(mnemonic, of: Function.self, family: "scattering")
    size = try attributes.dimension("size")
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(2)
    let (indices, updates) = (operands[0], operands[1])
    try indices.requireIndices("indices", "C1")
    try require(
      indices.shape.rank == 1, "C1", .shapeMismatch, "\(indices) has \(indices.shape.rank) axes, not one",
      remedy: "reshape it")
    try updates.requireNumeric("updates", "C2")
    try require(
      updates.shape.first == indices.shape[0], "C3", .shapeMismatch,
      "\(updates) does not have a row for each of \(indices)", remedy: "give one row for each index")
    try require(
      (size.value ?? 0) >= 0, "C4", .invalidArgument, "size \(size) is negative",
      remedy: "give the extent of the result's axis")
    return [TensorType(updates.dtype, Shape([size] + updates.shape.dropFirst()))]
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow {
    operand == 1 ? .passes : .notDifferentiable
  }

  package func gradient(_ context: GradientContext) -> [Tensor?] {
    guard context.wants[1] else { return [nil, nil] }
    let (indices, updates) = (context.operands[0], context.operands[1])
    let (g, y) = (context.cotangent, context.results[0])
    func added(_ rows: Tensor) -> Tensor { indices.applying(ScatterAdd(axis: 0, size: size), rows) }
    func looked(_ table: Tensor) -> Tensor { table.applying(Gather(axis: 0), indices) }
    switch function {
    case .max, .min:
      // A NaN is never equal, but has won.
      let wins = logicalOr(equal(updates, looked(y)), notEqual(updates, updates))
      let ties = looked(added(wins.cast(to: g.dtype)))
      return [nil, select(where: wins, looked(g) / ties, otherwise: updates.filled(0))]
    case .prod:
      // Of one 0 the product of the others, of more 0; the quotient elsewhere.
      let isZero = equal(updates, updates.filled(0))
      let safe = select(where: isZero, updates.filled(1), otherwise: updates)
      let others = looked(indices.applying(self, safe))
      let zeros = looked(added(isZero.cast(to: g.dtype)))
      let ofOne = select(where: equal(zeros, zeros.filled(1)), others, otherwise: updates.filled(0))
      return [nil, looked(g) * select(where: isZero, ofOne, otherwise: looked(y) / safe)]
    }
  }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim {
    operands[1].shape.elementCount
  }

  package var canFail: Bool { true }

  package var isElementwise: Bool { false }

  package func rows(along axis: Int, of result: Int, count: Dim, in node: NodeTypes) -> RowRule? {
    axis == 0 ? nil : RowRule(self, operands: [nil, axis], results: [axis])
  }

  /// Not along the places: an index out of range must fail, whatever is wanted of the result.
  package func narrowed(to block: Block, in node: NodeTypes) -> Narrowing {
    block.axis == 0 ? .notKnown : .byRows
  }

  package func overSteps(_ length: Dim, varying: [Bool], in node: NodeTypes) -> StepRule? { nil }
  package func simplified(in node: NodeView) -> Expression<Value>? { nil }

  package var aliasing: Aliasing { .none }

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    switch (results[0].dtype, function) {
    case (.f32, .max): kernel(operands, results[0], -Float.infinity) { $0.isNaN || $0 > $1 ? $0 : $1 }
    case (.f32, .min): kernel(operands, results[0], Float.infinity) { $0.isNaN || $0 < $1 ? $0 : $1 }
    case (.f32, .prod): kernel(operands, results[0], Float(1)) { $0 * $1 }
    case (.f64, .max): kernel(operands, results[0], -Double.infinity) { $0.isNaN || $0 > $1 ? $0 : $1 }
    case (.f64, .min): kernel(operands, results[0], Double.infinity) { $0.isNaN || $0 < $1 ? $0 : $1 }
    case (.f64, .prod): kernel(operands, results[0], 1.0) { $0 * $1 }
    case (.i32, .max): kernel(operands, results[0], Int32.min) { Swift.max($0, $1) }
    case (.i32, .min): kernel(operands, results[0], Int32.max) { Swift.min($0, $1) }
    case (.i32, .prod): kernel(operands, results[0], Int32(1)) { $0 &* $1 }
    case (.bool, _): firnBug("scatter-reduce", "updates \(operands[1])")
    }
  }

  /// Columns are independent of each other.
  @inline(__always)
  private func kernel<T: Sendable>(
    _ operands: [ArrayType], _ type: ArrayType, _ nothing: T, _ join: @escaping @Sendable (T, T) -> T
  ) -> Kernel {
    let (count, size) = (operands[0].elementCount, type.shape[0])
    let inner = type.shape.dropFirst().reduce(1, *)
    return Kernel { (call: borrowing KernelCall) throws(FirnError) in
      let indices = call.operand(0, as: Int32.self)
      try check(indices, count: count, size: size)
      let x = call.operand(1, as: T.self)
      let y = call.result(as: T.self)
      y.update(repeating: nothing, count: size * inner)
      call.inPieces(inner, grain: grain(ofItems: count)) { start, n in
        for j in 0..<count {
          let (from, to) = (x + (j * inner + start), y + (Int(indices[j]) * inner + start))
          for c in 0..<n { to[c] = join(to[c], from[c]) }
        }
      }
    }
  }
}
