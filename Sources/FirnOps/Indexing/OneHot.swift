public import FirnGraph

/// Indices as vectors that differ from a background in one place.
///
/// y[…, c] = indices[…] = c ? on : off
///
/// | operand | type | |
/// | --- | --- | --- |
/// | indices | `i32` | any shape; the result is `dtype`[indices…, depth] |
///
/// C1: indices are `i32`. C2: where it is a number, `depth` is not negative.
///
/// An index outside 0 ..< depth gives all `off`. No gradient passes.
///
/// - Complexity: one pass over the result, no FLOPs.
package struct OneHot: KernelOp {
  package var depth: Dim
  @Exact package var on: Double
  @Exact package var off: Double
  package var dtype: DType

  package init(depth: Dim, on: Double = 1, off: Double = 0, dtype: DType = .f32) {
    self.depth = depth
    self.on = on
    self.off = off
    self.dtype = dtype
  }

  package static let mnemonics = ["one_hot"]
  package var mnemonic: String { "one_hot" }
  package var attributes: Attributes {
    ["depth": .extent(depth), "on": .double(on), "off": .double(off), "dtype": .dtype(dtype)]
  }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    self.init(
      depth: try attributes.dimension("depth"), on: try attributes.double("on"),
      off: try attributes.double("off"), dtype: try attributes.dtype("dtype"))
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(1)
    try operands[0].requireIndices("indices", "C1")
    try require(
      (depth.value ?? 0) >= 0, "C2", .invalidArgument, "depth \(depth) is negative",
      remedy: "give the number of classes")
    return [TensorType(dtype, Shape(Array(operands[0].shape) + [depth]))]
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .notDifferentiable }
  package func gradient(_ context: GradientContext) -> [Tensor?] { [nil] }
  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim { 0 }
  package var canFail: Bool { false }

  package var isElementwise: Bool { false }

  package func rows(along axis: Int, of result: Int, count: Dim, in node: NodeTypes) -> RowRule? {
    axis == node.shape.rank - 1 ? nil : RowRule(self, allAlong: axis, in: node)
  }

  package func narrowed(to block: Block, in node: NodeTypes) -> Narrowing { .byRows }
  package func overSteps(_ length: Dim, varying: [Bool], in node: NodeTypes) -> StepRule? { nil }
  package func simplified(in node: NodeView) -> Expression<Value>? { nil }

  package var aliasing: Aliasing { .none }

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    switch dtype {
    case .f32: kernel(results[0], Float(on))
    case .f64: kernel(results[0], on)
    case .i32: kernel(results[0], Int32(exactlyOrRounded: on))
    case .bool: kernel(results[0], UInt8(on == 0 ? 0 : 1))
    }
  }

  private func kernel<T: Sendable>(_ type: ArrayType, _ on: T) -> Kernel {
    let depth = type.shape[type.shape.count - 1]
    let count = type.shape.dropLast().reduce(1, *)
    let off = off
    return Kernel { (call: borrowing KernelCall) throws(FirnError) in
      let indices = call.operand(0, as: Int32.self)
      let y = call.result(as: T.self)
      fill(y, type, with: off)
      for i in 0..<count where indices[i] >= 0 && Int(indices[i]) < depth {
        y[i * depth + Int(indices[i])] = on
      }
    }
  }
}

/// Vectors of `depth` elements, `on` where an index points and `off` elsewhere, along a new last axis.
///
/// y[…, c] = indices[…] = c ? on : off. An index outside 0 ..< depth gives all `off`. No gradient passes.
///
/// Constraints: (C1) indices are `i32`; (C2) where it is a number, `depth` is not negative.
///
/// - Parameters:
///   - indices: `i32`, any shape.
///   - depth: the last extent of the result, the number of classes.
///   - on: what stands where an index points.
///   - off: what stands elsewhere.
///   - dtype: the element type of the result.
/// - Complexity: no FLOPs; the result written once.
public func oneHot(
  _ indices: Tensor, depth: Dim, on: Double = 1, off: Double = 0, dtype: DType = .f32,
  file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  indices.applying(
    OneHot(depth: depth, on: on, off: off, dtype: dtype), location: CallSite(file, line))
}
