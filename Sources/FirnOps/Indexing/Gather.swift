internal import CFirnKernels
public import FirnGraph

/// The slices of an array that indices name.
///
/// y[o…, i…, n…] = params[o…, indices[i…], n…]
///
/// | operand | type | |
/// | --- | --- | --- |
/// | params | any | [outer…, size, inner…], `size` at `axis` |
/// | indices | `i32` | any shape, in 0..<size; the result is [outer…, indices…, inner…] |
///
/// C1: `axis` is one of params'. C2: indices are `i32`.
///
/// The gradient adds up where an index repeats.
///
/// - Complexity: one pass over the result, no FLOPs.
/// - Throws: when run, `.indexOutOfRange` naming the first index outside.
package struct Gather: KernelOp {
  package var axis: Int

  package init(axis: Int) { self.axis = axis }

  package static let mnemonics = ["gather"]
  package var mnemonic: String { "gather" }
  package var attributes: Attributes { ["axis": .int(axis)] }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    axis = try attributes.int("axis")
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(2)
    let (params, indices) = (operands[0], operands[1])
    try params.requireAxis(axis, "C1")
    try indices.requireIndices("indices", "C2")
    let shape = Array(params.shape[..<axis]) + Array(indices.shape) + Array(params.shape[(axis + 1)...])
    return [TensorType(params.dtype, Shape(shape))]
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow {
    operand == 0 ? .passes : .notDifferentiable
  }

  package func gradient(_ context: GradientContext) -> [Tensor?] {
    guard context.wants[0] else { return [nil, nil] }
    let scatter = ScatterAdd(axis: axis, size: context.operands[0].shape[axis])
    return [context.operands[1].applying(scatter, context.cotangent), nil]
  }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim { 0 }
  package var numerics: Numerics { .moving }
  package var canFail: Bool { true }

  /// Rows of a table are what it knows of each index; those of one number are too short to be read by themselves.
  package func kernelChannel(of operand: Int, in node: NodeTypes) -> Int? {
    let row = node.operands[0].shape.dropFirst().reduce(Dim(1)) { $0 * $1 }
    return operand == 0 && axis == 0 && (row.value ?? 0) > 1 ? 0 : nil
  }

  package func storedReading(
    of operand: Int, as storage: FrozenStorage, channel: Int, in node: NodeTypes
  ) -> Arrangement? {
    guard operand == 0, axis == 0, channel == 0 || !storage.isScaled else { return nil }
    let table = node.operands[0]
    return Arrangement(storage.flat(of: table, channel: 0).store, then: StoredGather(storage, from: table))
  }

  package var isElementwise: Bool { false }

  package func rows(along axis: Int, of result: Int, count: Dim, in node: NodeTypes) -> RowRule? {
    let indices = node.operands[1].shape.rank
    if axis < self.axis { return RowRule(self, operands: [axis, nil], results: [axis]) }
    if axis < self.axis + indices {
      return RowRule(self, operands: [nil, axis - self.axis], results: [axis], lookedUp: [0])
    }
    return RowRule(self, operands: [axis - indices + 1, nil], results: [axis])
  }

  /// Not along the indices: one out of range must fail, whatever is wanted of the result.
  package func narrowed(to block: Block, in node: NodeTypes) -> Narrowing {
    (axis..<axis + node.operands[1].shape.rank).contains(block.axis) ? .notKnown : .byRows
  }

  package func overSteps(_ length: Dim, varying: [Bool], in node: NodeTypes) -> StepRule? { nil }
  package func simplified(in node: NodeView) -> Expression<Value>? { nil }

  package var aliasing: Aliasing { .none }

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    let shape = operands[0].shape
    let (outer, size) = (shape[..<axis].reduce(1, *), shape[axis])
    let inner = shape[(axis + 1)...].reduce(1, *)
    let count = operands[1].elementCount
    let bytes = operands[0].dtype.byteCount
    return Kernel { (call: borrowing KernelCall) throws(FirnError) in
      let indices = call.operand(1, as: Int32.self)
      try check(indices, count: count, size: size)
      let x = call.operand(0, as: UInt8.self)
      let y = call.result(as: UInt8.self)
      call.inPieces(outer * count, grain: grain(ofItems: inner)) { start, n in
        // A piece may begin and end inside an outer slice.
        var done = start
        let end = start + n
        while done < end {
          let (o, i) = (done / count, done % count)
          let part = Swift.min(count - i, end - done)
          let from = UnsafeRawPointer(x + o * size * inner * bytes)
          let to = UnsafeMutableRawPointer(y + done * inner * bytes)
          if bytes == 4 {
            firn_gather_32(
              from.assumingMemoryBound(to: UInt32.self), indices + i,
              to.assumingMemoryBound(to: UInt32.self), part, inner)
          } else {
            for k in 0..<part {
              let row = from + Int(indices[i + k]) * inner * bytes
              (to + k * inner * bytes).copyMemory(from: row, byteCount: inner * bytes)
            }
          }
          done += part
        }
      }
    }
  }
}

/// - Throws: `.indexOutOfRange` naming the first of `indices` outside `0..<size`.
func check(
  _ indices: UnsafePointer<Int32>, count: Int, size: Int, what: String = "index"
) throws(FirnError) {
  // A negative one is beyond all that there can be, as it is read here.
  let limit = UInt32(Swift.min(size, 1 << 31))
  for i in 0..<count where UInt32(bitPattern: indices[i]) >= limit {
    throw FirnError(
      .indexOutOfRange, "\(what) \(indices[i]) at position \(i) is outside 0..<\(size)",
      remedy: size == 0 ? "look up in what is not empty" : "feed values of 0 to \(size - 1)")
  }
}

/// The slices of `params` along `axis` that `indices` name; embedding lookup with axis 0.
///
/// y[o…, i…, n…] = params[o…, indices[i…], n…]
///
/// | operand | type |
/// | --- | --- |
/// | params | any, [outer…, size, inner…], size at `axis` |
/// | indices | `i32`, any shape, each in 0..<size |
/// | result | as params, [outer…, indices…, inner…] |
///
/// PyTorch's `index_select` and TensorFlow's `gather`. The gradient adds up where an index repeats.
///
/// Constraints: (C1) `axis` is one of params'; (C2) indices are `i32`. An index outside is an error of the run,
/// `.indexOutOfRange`.
///
/// - Parameters:
///   - params: what is looked up in.
///   - indices: which slices.
///   - axis: counts from the end where negative.
/// - Complexity: no FLOPs; the slices read and written once.
public func gather(
  _ params: Tensor, indices: Tensor, axis: Int = 0, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  let location = CallSite(file, line)
  guard let axis = params.axis(axis, "gather", constraint: "C1", location: location) else {
    return .poisoned(in: params.graph)
  }
  return params.applying(Gather(axis: axis), indices, location: location)
}
