internal import CFirnKernels
public import FirnGraph

/// Adds slices into an array of zeros, at the places that indices name.
///
/// y[o…, indices[i…], n…] += updates[o…, i…, n…], in the order of i
///
/// | operand | type | |
/// | --- | --- | --- |
/// | indices | `i32` | any shape, in 0..<size |
/// | updates | `f32`, `f64`, `i32` | [outer…, indices…, inner…]; the result is [outer…, size, inner…], `size` at `axis` |
///
/// C1: indices are `i32`. C2: updates are numbers. C3: updates have the axes of indices from `axis` on. C4: where it is
/// a number, `size` is not negative.
///
/// With `start`, the result is only the places `start..<start + size` of `whole`: indices are in 0..<whole, and what
/// belongs elsewhere is passed over.
///
/// - Complexity: one pass over updates, 1 FLOP an element.
/// - Throws: when run, `.indexOutOfRange` naming the first index outside.
package struct ScatterAdd: KernelOp {
  package var axis: Int
  package var size: Dim
  /// Nil where the result has all places.
  package var part: Part?

  /// Some places of many.
  package struct Part: Hashable, Sendable {
    package var start: Int
    package var whole: Int

    package init(start: Int, whole: Int) { (self.start, self.whole) = (start, whole) }
  }

  package init(axis: Int, size: Dim, part: Part? = nil) {
    self.axis = axis
    self.size = size
    self.part = part
  }

  package static let mnemonics = ["scatter_add"]
  package var mnemonic: String { "scatter_add" }
  package var attributes: Attributes {
    var attributes: Attributes = ["axis": .int(axis), "size": .extent(size)]
    if let part {
      attributes.entries += [
        .init(key: "start", value: .int(part.start)), .init(key: "whole", value: .int(part.whole)),
      ]
    }
    return attributes
  }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    axis = try attributes.int("axis")
    size = try attributes.dimension("size")
    if attributes["start"] != nil || attributes["whole"] != nil {
      part = Part(start: try attributes.int("start"), whole: try attributes.int("whole"))
    }
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(2)
    let (indices, updates) = (operands[0], operands[1])
    try indices.requireIndices("indices", "C1")
    try updates.requireNumeric("updates", "C2")
    try updates.requireAxis(axis, "C3", limit: updates.shape.rank + 1)
    let end = axis + indices.shape.rank
    try require(
      end <= updates.shape.rank && updates.shape[axis..<end].elementsEqual(indices.shape), "C3",
      .shapeMismatch, "\(updates) does not have the axes of \(indices) from axis \(axis) on",
      remedy: "give one slice for each index")
    try require(
      (size.value ?? 0) >= 0, "C4", .invalidArgument, "size \(size) is negative",
      remedy: "give the extent of the result's axis")
    if let part {
      let isInside =
        part.start >= 0
        && size.value.map { part.start <= part.whole && $0 <= part.whole - part.start } == true
      try require(
        isInside, "C4", .invalidArgument, "\(size) places from \(part.start) on are no part of \(part.whole)",
        remedy: "stay within the whole axis")
    }
    let shape = Array(updates.shape[..<axis]) + [size] + Array(updates.shape[end...])
    return [TensorType(updates.dtype, Shape(shape))]
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow {
    operand == 1 ? .passes : .notDifferentiable
  }

  package func gradient(_ context: GradientContext) -> [Tensor?] {
    guard context.wants[1] else { return [nil, nil] }
    var cotangent = context.cotangent
    if let part {
      var (low, high) = (cotangent.shape.map { _ in Dim(0) }, cotangent.shape.map { _ in Dim(0) })
      low[axis] = Dim(part.start)
      high[axis] = Dim(part.whole - part.start) - size
      cotangent = cotangent.applying(Pad(low: low, high: high, interior: low.map { _ in 0 }))
    }
    return [nil, cotangent.applying(Gather(axis: axis), context.operands[0])]
  }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim {
    operands[1].shape.elementCount
  }

  package var canFail: Bool { true }

  package var isElementwise: Bool { false }

  package func rows(along axis: Int, of result: Int, count: Dim, in node: NodeTypes) -> RowRule? {
    if axis == self.axis { return nil }
    let place = axis < self.axis ? axis : axis - 1 + node.operands[0].shape.rank
    return RowRule(self, operands: [nil, place], results: [axis])
  }

  /// Along its own axis, what belongs elsewhere is passed over.
  package func narrowed(to block: Block, in node: NodeTypes) -> Narrowing {
    guard block.axis == axis else { return .byRows }
    guard let size = size.value else { return .notKnown }
    var op = self
    op.size = Dim(block.range.count)
    op.part = Part(start: (part?.start ?? 0) + block.range.lowerBound, whole: part?.whole ?? size)
    return .expression(.node(op, [.leaf(OperandPart(0)), .leaf(OperandPart(1))]))
  }

  package func rowAddition(in node: NodeTypes) -> RowAddition? {
    guard axis == 0, part == nil else { return nil }
    return RowAddition(indices: 0, updates: 1, op: GatherAdded(size: size))
  }

  package func overSteps(_ length: Dim, varying: [Bool], in node: NodeTypes) -> StepRule? { nil }
  package func simplified(in node: NodeView) -> Expression<Value>? { nil }

  package var aliasing: Aliasing { .none }

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    let shape = results[0].shape
    let (outer, size) = (shape[..<axis].reduce(1, *), shape[axis])
    let inner = shape[(axis + 1)...].reduce(1, *)
    let count = operands[0].elementCount
    switch results[0].dtype {
    case .f32:
      if part == nil {
        return kernel(outer, size, inner, count, results[0], Float.self) { x, indices, y in
          firn_scatter_add_f32(x, indices, y, count, inner)
        }
      }
      return kernel(outer, size, inner, count, results[0], adding: Float.self) { x, y in
        for j in 0..<inner { y[j] += x[j] }
      }
    case .f64:
      return kernel(outer, size, inner, count, results[0], adding: Double.self) { x, y in
        for j in 0..<inner { y[j] += x[j] }
      }
    case .i32:
      return kernel(outer, size, inner, count, results[0], adding: Int32.self) { x, y in
        for j in 0..<inner { y[j] &+= x[j] }
      }
    case .bool: firnBug("scatter-add", "updates \(operands[1])")
    }
  }

  /// Row by row, passing over what belongs to other places than these.
  private func kernel<T: Sendable>(
    _ outer: Int, _ size: Int, _ inner: Int, _ count: Int, _ type: ArrayType, adding _: T.Type,
    _ addRow: @escaping @Sendable (UnsafePointer<T>, UnsafeMutablePointer<T>) -> Void
  ) -> Kernel {
    let start = part?.start ?? 0
    return kernel(outer, size, inner, count, type, T.self) { x, indices, y in
      for i in 0..<count {
        let place = Int(indices[i]) - start
        if place >= 0, place < size { addRow(x + i * inner, y + place * inner) }
      }
    }
  }

  /// Only outer slices are independent of each other.
  private func kernel<T: Sendable>(
    _ outer: Int, _ size: Int, _ inner: Int, _ count: Int, _ type: ArrayType, _: T.Type,
    add:
      @escaping @Sendable (UnsafePointer<T>, UnsafePointer<Int32>, UnsafeMutablePointer<T>) -> Void
  ) -> Kernel {
    let limit = part?.whole ?? size
    return Kernel { (call: borrowing KernelCall) throws(FirnError) in
      let indices = call.operand(0, as: Int32.self)
      try check(indices, count: count, size: limit)
      let x = call.operand(1, as: T.self)
      let y = call.result(as: T.self)
      fill(y, type, with: 0)
      call.inPieces(outer, grain: grain(ofItems: count * inner)) { start, n in
        for o in start..<start + n { add(x + o * count * inner, indices, y + o * size * inner) }
      }
    }
  }
}

/// Zeros with extent `size` at `axis`, plus the slices of `updates` at the places that `indices` name; repeats add up.
///
/// y[o…, indices[i…], n…] += updates[o…, i…, n…], in the order of i; the gradient of `gather`.
///
/// | operand | type |
/// | --- | --- |
/// | updates | `f32`, `f64` or `i32`, [outer…, indices…, inner…], the axes of indices from `axis` on |
/// | indices | `i32`, any shape, each in 0..<size |
/// | result | as updates, [outer…, size, inner…] |
///
/// Constraints: (C1) indices are `i32`; (C2) updates are numbers; (C3) updates have the axes of indices from `axis` on;
/// (C4) where it is a number, `size` is not negative. An index outside is an error of the run, `.indexOutOfRange`.
///
/// - Parameters:
///   - updates: what is added.
///   - indices: where.
///   - axis: counts from the end where negative.
///   - size: the extent of the result at `axis`.
/// - Complexity: 1 FLOP an element of updates, which are read once; the result written once, and once more where added
///   to.
public func scatterAdd(
  _ updates: Tensor, indices: Tensor, axis: Int = 0, size: Dim, file: StaticString = #fileID,
  line: UInt = #line
) -> Tensor {
  let location = CallSite(file, line)
  let extra = indices.isPoisoned ? 0 : Swift.max(0, 1 - indices.rank)
  guard let axis = updates.axis(axis, "scatter_add", extra: extra, constraint: "C3", location: location)
  else {
    return .poisoned(in: updates.graph)
  }
  return indices.applying(ScatterAdd(axis: axis, size: size), updates, location: location)
}
