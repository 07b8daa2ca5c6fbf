internal import CFirnKernels
package import FirnGraph

/// The rows of a table that indices name, where `store` has put the table into a smaller type as it lies.
///
/// y[i…, n…] = table[indices[i…], n…], widened
///
/// | operand | type | |
/// | --- | --- | --- |
/// | table | `i32` | the words of `shape`, [size, inner…], of `int8` with a scale for each row |
/// | indices | `i32` | any shape, in 0..<size; the result is [indices…, inner…], of `dtype` |
///
/// C1: `shape` has at least two axes and more than one element in a row. C2: `dtype` is floating point, `shape` numbers.
/// C3: indices are `i32`. C4: `channel` is 0 where there are scales. C5: the table has the words of that shape.
///
/// - Complexity: one pass over the result, no FLOPs.
/// - Throws: when run, `.indexOutOfRange` naming the first index outside.
package struct StoredGather: KernelOp {
  package var storage: FrozenStorage
  package var channel: Int?
  package var type: TensorType

  package init(_ storage: FrozenStorage, from type: TensorType) {
    (self.storage, self.type) = (storage, type)
    channel = storage.isScaled ? 0 : nil
  }

  package static let mnemonics = ["gather_stored"]
  package var mnemonic: String { "gather_stored" }
  package var attributes: Attributes {
    [
      "storage": .string(storage.description), "channel": .int(channel ?? -1), "dtype": .dtype(type.dtype),
      "shape": .shape(type.shape),
    ]
  }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    (storage, channel) = try attributes.storage()
    type = TensorType(try attributes.dtype("dtype"), try attributes.shape("shape"))
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(2)
    let extents = type.shape.extents
    let row = (extents ?? []).dropFirst().reduce(1) { $0.saturatingProduct($1) }
    try require(
      type.shape.rank >= 2 && (extents == nil || row > 1), "C1", .shapeMismatch,
      "\(type) has no rows to look up",
      remedy: "leave it as it is")
    try type.requireFloatingPoint("the table", "C2")
    guard let extents else {
      throw FirnError(
        .shapeMismatch, "\(type) has named extents", remedy: "give numbers as its extents", constraint: "C2")
    }
    try operands[1].requireIndices("indices", "C3")
    try require(
      (channel ?? 0) == 0, "C4", .invalidArgument, "there are scales along axis \(channel ?? 0)",
      remedy: "store the table with one for each row")
    let layout = try StoredLayout.require(storage, .flat, shape: extents, channel: channel)
    try operands[0].requireStored(words: layout.words, "C5")
    return [TensorType(type.dtype, Shape(Array(operands[1].shape) + Array(type.shape.dropFirst())))]
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .notDifferentiable }
  package func gradient(_ context: GradientContext) -> [Tensor?] { [nil, nil] }
  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim { 0 }
  package var numerics: Numerics { .moving }
  package var canFail: Bool { true }
  package var isElementwise: Bool { false }

  package func rows(along axis: Int, of result: Int, count: Dim, in node: NodeTypes) -> RowRule? {
    axis < node.operands[1].shape.rank ? RowRule(self, operands: [nil, axis], results: [axis]) : nil
  }

  /// Not along the indices, which are all looked at.
  package func narrowed(to block: Block, in node: NodeTypes) -> Narrowing { .notKnown }
  package func overSteps(_ length: Dim, varying: [Bool], in node: NodeTypes) -> StepRule? { nil }
  package func simplified(in node: NodeView) -> Expression<Value>? { nil }
  package var aliasing: Aliasing { .none }

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    let shape = type.shape.extents ?? []
    let layout = StoredLayout(storage, .flat, shape: shape, channel: channel)
    let (size, inner) = (shape[0], shape[1...].reduce(1, *))
    let count = operands[1].elementCount
    let (kind, bytes) = (layout.type, storage.byteCount)
    if results[0].dtype == .f64 {
      return Kernel { (call: borrowing KernelCall) throws(FirnError) in
        let indices = call.operand(1, as: Int32.self)
        try check(indices, count: count, size: size)
        let (words, y) = (call.operand(0, as: Int32.self), call.result(as: Double.self))
        for at in 0..<count {
          for element in 0..<inner {
            y[at * inner + element] = layout.number(at: Int(indices[at]) * inner + element, in: words)
          }
        }
      }
    }
    return Kernel { (call: borrowing KernelCall) throws(FirnError) in
      let indices = call.operand(1, as: Int32.self)
      try check(indices, count: count, size: size)
      let (scales, numbers) = layout.parts(of: call.operand(0))
      let y = call.result(as: Float.self)
      call.inPieces(count, grain: grain(ofItems: inner)) { start, n in
        var row = layout.row(of: inner)
        for at in start..<start + n {
          let index = Int(indices[at])
          firn_widen_f32(
            kind, &row, numbers + index * inner * bytes, scales + (storage.isScaled ? index : 0),
            y + at * inner)
        }
      }
    }
  }
}
