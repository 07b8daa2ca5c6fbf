package import FirnGraph

/// For each place the last of the indices that name it, by its position; -1 where none does.
///
/// y[i] = greatest j with indices[j] = i, or -1
///
/// | operand | type | |
/// | --- | --- | --- |
/// | indices | `i32[k]` | in 0..<size; the result is `i32[size]` |
///
/// C1: indices are `i32`, of one axis, at most 2³¹ of them. C2: where it is a number, `size` is not negative.
///
/// What a scatter that overwrites is made of: rows are then looked up. No gradient passes.
///
/// - Complexity: one pass over indices and result.
/// - Throws: when run, `.indexOutOfRange` naming the first index outside.
package struct LastPosition: KernelOp, OpaqueOp {
  package var size: Dim

  package init(size: Dim) { self.size = size }

  package static let mnemonics = ["last_position"]
  package var mnemonic: String { "last_position" }
  package var attributes: Attributes { ["size": .extent(size)] }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    size = try attributes.dimension("size")
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(1)
    let indices = operands[0]
    try indices.requireIndices("indices", "C1")
    try require(
      indices.shape.rank == 1, "C1", .shapeMismatch, "\(indices) has \(indices.shape.rank) axes, not one",
      remedy: "reshape it")
    try indices.requireCountable(0, "C1")
    try require(
      (size.value ?? 0) >= 0, "C2", .invalidArgument, "size \(size) is negative",
      remedy: "give the extent of the result")
    return [TensorType(.i32, [size])]
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .notDifferentiable }
  package func gradient(_ context: GradientContext) -> [Tensor?] { [nil] }
  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim { 0 }
  package var canFail: Bool { true }
  package var aliasing: Aliasing { .none }

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    let (count, size) = (operands[0].elementCount, results[0].elementCount)
    return Kernel { (call: borrowing KernelCall) throws(FirnError) in
      let indices = call.operand(0, as: Int32.self)
      try check(indices, count: count, size: size)
      let y = call.result(as: Int32.self)
      y.update(repeating: -1, count: size)
      for j in 0..<count { y[Int(indices[j])] = Int32(truncatingIfNeeded: j) }
    }
  }
}
