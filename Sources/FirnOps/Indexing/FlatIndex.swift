package import FirnGraph

/// Places in an array of several axes as places in its elements' order.
///
/// y[…] = Σ_k indices[…, k] · Π_{l > k} shape[l]
///
/// | operand | type | |
/// | --- | --- | --- |
/// | indices | `i32` | […, axes of `shape`], each in -extent..<extent; the result is `i32`[…] |
///
/// C1: indices are `i32`. C2: their last extent is the number of axes of `shape`. C3: where they are numbers, extents
/// are not negative, and the array has at most 2³¹ - 1 elements.
///
/// Below 0 an index counts from the end. No gradient passes.
///
/// - Complexity: one pass, 2 FLOPs an index.
/// - Throws: when run, `.indexOutOfRange` naming the first index outside.
package struct FlatIndex: KernelOp {
  package var shape: Shape

  package init(_ shape: Shape) { self.shape = shape }

  package static let mnemonics = ["flat_index"]
  package var mnemonic: String { "flat_index" }
  package var attributes: Attributes { ["shape": .shape(shape)] }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    shape = try attributes.shape("shape")
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(1)
    let indices = operands[0]
    try indices.requireIndices("indices", "C1")
    try require(
      shape.rank >= 1 && indices.shape.last == Dim(shape.rank), "C2", .shapeMismatch,
      "\(indices) does not end in one index for each axis of \(shape)",
      remedy: "give \(shape.rank) indices a place, along the last axis")
    var count: Int? = 1
    for extent in shape {
      try require(
        (extent.value ?? 0) >= 0, "C3", .invalidArgument, "extent \(extent) is negative",
        remedy: "give the extents of what is indexed")
      count = count.flatMap { count in
        // Beside an empty axis, too, places are counted by the others.
        extent.value.map { count.multipliedReportingOverflow(by: Swift.max($0, 1)) }.map {
          $0.overflow ? .max : $0.partialValue
        }
      }
    }
    try require(
      (count ?? 0) <= Int(Int32.max), "C3", .invalidArgument, "\(shape) has more elements than an i32 counts",
      remedy: "look up along one axis at a time")
    return [TensorType(.i32, Shape(Array(indices.shape.dropLast())))]
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .notDifferentiable }
  package func gradient(_ context: GradientContext) -> [Tensor?] { [nil] }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim {
    operands[0].shape.elementCount * 2
  }

  package var canFail: Bool { true }

  package var isElementwise: Bool { false }

  package func rows(along axis: Int, of result: Int, count: Dim, in node: NodeTypes) -> RowRule? {
    RowRule(self, allAlong: axis, in: node)
  }

  /// Not by rows: an index out of range must fail, whatever is wanted of the result.
  package func narrowed(to block: Block, in node: NodeTypes) -> Narrowing { .notKnown }

  package func overSteps(_ length: Dim, varying: [Bool], in node: NodeTypes) -> StepRule? { nil }
  package func simplified(in node: NodeView) -> Expression<Value>? { nil }

  package var aliasing: Aliasing { .none }

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    let count = results[0].elementCount
    let extents = shape.map { $0.value ?? 0 }
    return Kernel { (call: borrowing KernelCall) throws(FirnError) in
      let indices = call.operand(0, as: Int32.self)
      let y = call.result(as: Int32.self)
      for i in 0..<count {
        var place = 0
        for (axis, extent) in extents.enumerated() {
          let index = Int(indices[i * extents.count + axis])
          guard index >= -extent, index < extent else {
            throw FirnError(
              .indexOutOfRange,
              "index \(index) at position \(i * extents.count + axis) is outside \(-extent)..<\(extent)",
              remedy: extent == 0
                ? "look up in what is not empty" : "feed values of \(-extent) to \(extent - 1)")
          }
          place = place * extent + (index < 0 ? index + extent : index)
        }
        y[i] = Int32(truncatingIfNeeded: place)
      }
    }
  }
}

extension Tensor {
  /// Indices of one axis of this extent, counted from the start where they were negative, and checked when run.
  func countedFromStart(_ extent: Dim) -> Tensor {
    inserting([rank]).applying(FlatIndex(Shape([extent])))
  }

  /// Numbers in 0..<extent, which is checked when run: what names a class is no place counted from the end.
  func checked(below extent: Dim) -> Tensor { gather(graph.iota(extent), indices: self) }
}
