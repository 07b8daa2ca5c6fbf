package import FirnGraph

/// Where along the last axis the greatest or smallest elements stand, in their order.
///
/// | operand | type | |
/// | --- | --- | --- |
/// | x | `f32`, `f64`, `i32` | [rows…, n]; the result is `i32`[rows…, count] |
///
/// C1: x is a number. C2: it has an axis, whose n is at most 2³¹. C3: where they are numbers, `count` is in 0...n.
///
/// The greatest first, or the smallest; of equal elements the one that stands first. NaN counts as greater than all
/// else, as in PyTorch. No gradient passes.
///
/// - Complexity: one pass, with log₂ count comparisons an element at most: a heap of `count`. Where that is more than a
///   sixteenth of a row, rows are sorted by radix, in 4 passes of `f32` and 8 of `f64` and 32 bytes an element of one row.
package struct TopIndices: KernelOp {
  package var count: Dim
  package var isSmallest: Bool

  package init(_ count: Dim, isSmallest: Bool = false) {
    self.count = count
    self.isSmallest = isSmallest
  }

  package static let mnemonics = ["top_indices"]
  package var mnemonic: String { "top_indices" }
  package var attributes: Attributes { ["count": .extent(count), "smallest": .bool(isSmallest)] }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    count = try attributes.dimension("count")
    isSmallest = try attributes.bool("smallest")
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(1)
    let x = operands[0]
    try x.requireNumeric("operand", "C1")
    guard let extent = x.shape.last else {
      throw FirnError(
        .shapeMismatch, "operand is a scalar", remedy: "give it an axis to choose along", constraint: "C2")
    }
    try x.requireCountable(x.shape.rank - 1, "C2")
    try require(
      (count.value ?? 0) >= 0 && ((extent - count).value ?? 0) >= 0, "C3", .invalidArgument,
      "\(count) of the \(extent) elements of a row of \(x)", remedy: "choose at most as many as there are")
    return [TensorType(.i32, Shape(x.shape.dropLast() + [count]))]
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .notDifferentiable }
  package func gradient(_ context: GradientContext) -> [Tensor?] { [nil] }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim {
    operands[0].shape.elementCount
  }

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
    let extent = operands[0].shape.last ?? 1
    let rows = operands[0].shape.dropLast().reduce(1, *)
    let count = results[0].shape.last ?? 0
    switch operands[0].dtype {
    case .f32: return kernel(rows, extent, count, Float.self)
    case .f64: return kernel(rows, extent, count, Double.self)
    case .i32: return kernel(rows, extent, count, Int32.self)
    case .bool: firnBug("top-indices", "\(mnemonic) of \(operands[0])")
    }
  }

  /// Rows are sorted where a good part of each is wanted; a heap of few is cheaper than sorting, but one of many is not.
  private func kernel<T: Ordered>(_ rows: Int, _ extent: Int, _ count: Int, _: T.Type) -> Kernel {
    let isSmallest = isSmallest
    let sorts = extent >= 32 && count > extent / 16
    let workspace = sorts ? RadixSort.bytes(of: extent) : 0
    return Kernel(workspaceBytes: workspace) { (call: borrowing KernelCall) throws(FirnError) in
      if count == 0 { return }
      let x = call.operand(0, as: T.self)
      let y = call.result(as: Int32.self)
      let scratch = call.workspace
      call.split(rows, grain: grain(ofItems: 8, extent)) { range, worker in
        let sort = sorts ? RadixSort(at: scratch + worker * workspace, extent) : nil
        for row in range {
          let (x, kept) = (x + row * extent, y + row * count)
          if let sort {
            sort.sort(x, descending: !isSmallest)
            for i in 0..<count { kept[i] = sort.entries[i].index }
          } else {
            choose(x, extent, kept, count, isSmallest)
          }
        }
      }
    }
  }
}

/// The indices of the first `count` elements in their order, by a heap of them.
@inline(__always)
private func choose<T: Ordered>(
  _ x: UnsafePointer<T>, _ extent: Int, _ kept: UnsafeMutablePointer<Int32>, _ count: Int, _ isSmallest: Bool
) {
  /// Whether element i comes before element j in the result.
  @inline(__always)
  func comesFirst(_ i: Int32, _ j: Int32) -> Bool {
    let (a, b) = (x[Int(i)], x[Int(j)])
    let (aIsNaN, bIsNaN) = (a != a, b != b)
    if aIsNaN != bIsNaN { return aIsNaN != isSmallest }
    if !aIsNaN, a != b { return isSmallest ? a < b : a > b }
    return i < j
  }
  /// Lets the index at `place` sink until none below it, before `end`, comes later.
  @inline(__always)
  func sink(_ place: Int, _ end: Int) {
    var place = place
    while 2 * place + 1 < end {
      var child = 2 * place + 1
      if child + 1 < end, comesFirst(kept[child], kept[child + 1]) { child += 1 }
      if !comesFirst(kept[place], kept[child]) { return }
      (kept[place], kept[child]) = (kept[child], kept[place])
      place = child
    }
  }
  // The heap's first is the last of those kept.
  for i in 0..<count { kept[i] = Int32(truncatingIfNeeded: i) }
  for place in (0..<count / 2).reversed() { sink(place, count) }
  var last = x[Int(kept[0])]
  for i in count..<Swift.max(extent, count) {
    // Most are neither, and behind an equal one each comes later.
    let next = x[i]
    if isSmallest ? next >= last || next != next : next <= last { continue }
    let index = Int32(truncatingIfNeeded: i)
    if comesFirst(index, kept[0]) {
      kept[0] = index
      sink(0, count)
      last = x[Int(kept[0])]
    }
  }
  for end in (1..<count).reversed() {
    (kept[0], kept[end]) = (kept[end], kept[0])
    sink(0, end)
  }
}
