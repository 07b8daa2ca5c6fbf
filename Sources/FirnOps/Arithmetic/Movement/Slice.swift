public import FirnGraph

/// Every `steps`-th element from `starts` on, before `limits`.
///
/// y[i, …] = x[starts₀ + i steps₀, …]
///
/// | operand | type | |
/// | --- | --- | --- |
/// | x | any | |
///
/// C1: one start, limit and step for each axis. C2: steps are in 1...2³⁰. C3: where they are numbers,
/// 0 ≤ start ≤ extent, limit ≤ extent, and start < limit + step (equal starts and limits give no elements). C4: a step
/// beyond 1 divides limit - start up to a remainder that is the same for every binding.
///
/// - Complexity: one pass over the result, no FLOPs.
package struct Slice: KernelOp {
  package var starts: [Dim]
  package var limits: [Dim]
  package var steps: [Int]

  package init(starts: [Dim], limits: [Dim], steps: [Int]) {
    self.starts = starts
    self.limits = limits
    self.steps = steps
  }

  package static let mnemonics = ["slice"]
  package var mnemonic: String { "slice" }
  package var attributes: Attributes {
    ["starts": .dimensions(starts), "limits": .dimensions(limits), "steps": .ints(steps)]
  }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    starts = try attributes.shape("starts").dimensions
    limits = try attributes.shape("limits").dimensions
    steps = try attributes.ints("steps")
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(1)
    let x = operands[0]
    let rank = x.shape.rank
    try require(
      starts.count == rank && limits.count == rank && steps.count == rank, "C1", .invalidArgument,
      "\(starts.count) starts, \(limits.count) limits and \(steps.count) steps for \(x)",
      remedy: "give one of each for every axis")
    var extents: [Dim] = []
    for axis in 0..<rank {
      let (start, limit, step) = (starts[axis], limits[axis], steps[axis])
      try require(
        (1...1 << 30).contains(step), "C2", .invalidArgument, "step \(step) on axis \(axis)",
        remedy: "use steps of at least 1, and `reversed` to go backwards")
      let isInside =
        (start.value ?? 0) >= 0 && ((x.shape[axis] - limit).value ?? 0) >= 0
        && ((x.shape[axis] - start).value ?? 0) >= 0 && ((limit - start).value ?? 0) > -step
      try require(
        isInside, "C3", .invalidArgument, "\(start)..<\(limit) is no part of axis \(axis) of \(x)",
        remedy: "stay within 0..<\(x.shape[axis])")
      guard let extent = Self.quotient(limit - start, step) else {
        throw FirnError(
          .invalidArgument, "the extent of \(start)..<\(limit) by \(step) depends on the binding",
          remedy: "make the length a multiple of the step", constraint: "C4")
      }
      extents.append(extent)
    }
    return [TensorType(x.dtype, Shape(extents))]
  }

  /// `length / step` rounded up, where that is one polynomial.
  private static func quotient(_ length: Dim, _ step: Int) -> Dim? {
    if let length = length.value { return Dim(length <= 0 ? 0 : (length - 1) / step + 1) }
    for rest in 0..<Swift.min(step, 1 << 12) {
      if let exact = (length + Dim(rest)).divided(exactlyBy: Dim(step)) { return exact }
    }
    return nil
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .passes }

  package func gradient(_ context: GradientContext) -> [Tensor?] {
    context.adjoints({
      let (x, y) = (context.operands[0].shape, context.results[0].shape)
      let high = x.indices.map { axis in
        x[axis] - starts[axis] - y[axis] * Dim(steps[axis]) + Dim(steps[axis] - 1)
      }
      return context.cotangent.applying(Pad(low: starts, high: high, interior: steps.map { $0 - 1 }))
    })
  }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim { 0 }
  package var numerics: Numerics { .moving }
  package var canFail: Bool { false }

  package var isElementwise: Bool { false }

  package func rows(along axis: Int, of result: Int, count: Dim, in node: NodeTypes) -> RowRule? {
    guard starts[axis] == 0, limits[axis] == node.operands[0].shape[axis], steps[axis] == 1 else {
      return nil
    }
    var op = self
    op.limits[axis] = count
    return RowRule(op, allAlong: axis, in: node)
  }

  package func fusionRole(in node: NodeTypes) -> FusionRole {
    .windows([Window(axes: Array(starts.indices), steps: steps, starts: starts)])
  }

  /// A block of a block of the same axis is one of the operand; others are left as they are.
  package func narrowed(to block: Block, in node: NodeTypes) -> Narrowing {
    guard let outer = self.block(of: node.operands[0]), outer.axis == block.axis else { return .notKnown }
    let (start, range) = (outer.range.lowerBound, block.range)
    return .expression(
      .leaf(node.part(of: 0, block.axis, start + range.lowerBound..<start + range.upperBound)))
  }

  package func overSteps(_ length: Dim, varying: [Bool], in node: NodeTypes) -> StepRule? { nil }
  package func simplified(in node: NodeView) -> Expression<Value>? { nil }

  package var aliasing: Aliasing { .none }

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    let from = strides(of: operands[0].shape)
    let offset = zip(starts, from).reduce(0) { $0 + ($1.0.value ?? 0) * $1.1 }
    return StridedCopy(
      elementSize: operands[0].dtype.byteCount, sizes: results[0].shape, source: zip(from, steps).map(*),
      sourceOffset: offset, destination: strides(of: results[0].shape)
    ).kernel
  }
}

extension Slice {
  /// The one block of an operand of `type` that it takes; nil where it is no block.
  package func block(of type: TensorType) -> Block? {
    guard steps.allSatisfy({ $0 == 1 }) else { return nil }
    let cut = type.shape.indices.filter { starts[$0] != 0 || limits[$0] != type.shape[$0] }
    guard let axis = cut.first, cut.count == 1, let start = starts[axis].value,
      let limit = limits[axis].value,
      start <= limit
    else { return nil }
    return Block(axis: axis, range: start..<limit)
  }

  /// Takes `block` of an operand of `type`.
  package init(_ block: Block, of type: TensorType) {
    var starts = [Dim](repeating: 0, count: type.shape.rank)
    var limits = type.shape.dimensions
    starts[block.axis] = Dim(block.range.lowerBound)
    limits[block.axis] = Dim(block.range.upperBound)
    self.init(starts: starts, limits: limits, steps: Array(repeating: 1, count: type.shape.rank))
  }
}

extension Tensor {
  /// Every `steps`-th element from `starts` on, before `limits`, one of each for every axis: `x[a:b:s, …]`.
  ///
  /// Constraints: (C1) one start, limit and step for each axis; (C2) steps are in 1...2³⁰, and `reversed` goes
  /// backwards; (C3) where they are numbers, 0 ≤ start ≤ limit ≤ extent; (C4) a step beyond 1 divides limit - start up
  /// to a remainder that is the same whatever named dimensions are bound to.
  ///
  /// - Parameters:
  ///   - starts: where each axis begins.
  ///   - limits: where each axis ends, itself not included; nil to the ends.
  ///   - steps: nil for ones.
  /// - Complexity: no FLOPs; the result read and written once.
  public func sliced(
    starts: [Dim], limits: [Dim]? = nil, steps: [Int]? = nil, file: StaticString = #fileID,
    line: UInt = #line
  ) -> Tensor {
    applying(
      Slice(
        starts: starts, limits: limits ?? shape.dimensions,
        steps: steps ?? Array(repeating: 1, count: starts.count)), location: CallSite(file, line))
  }

  /// The part of one axis from `from` on, before `to`; negative numbers count from the end.
  ///
  /// Constraints: (C1) `axis` is one of the axes; (C2) `step` is in 1...2³⁰; (C3) where they are numbers, 0 ≤ from ≤ to
  /// ≤ extent; (C4) a step beyond 1 divides to - from up to a remainder that is the same whatever named dimensions are
  /// bound to.
  ///
  /// - Parameters:
  ///   - axis: counts from the end where negative.
  ///   - from: the first element.
  ///   - to: behind the last element; nil to the end.
  ///   - step: from one element to the next.
  /// - Complexity: no FLOPs; the result read and written once. Itself where it is the whole.
  public func sliced(
    axis: Int, from: Dim = 0, to: Dim? = nil, by step: Int = 1, file: StaticString = #fileID,
    line: UInt = #line
  ) -> Tensor {
    let location = CallSite(file, line)
    guard let axis = self.axis(axis, "slice", constraint: "C1", location: location) else {
      return .poisoned(in: graph)
    }
    let extent = shape[axis]
    func fromStart(_ place: Dim) -> Dim { (place.value ?? 0) < 0 ? extent + place : place }
    var starts = [Dim](repeating: 0, count: rank)
    var limits = shape.dimensions
    var steps = [Int](repeating: 1, count: rank)
    starts[axis] = fromStart(from)
    limits[axis] = to.map(fromStart) ?? extent
    steps[axis] = step
    if starts[axis] == 0, limits[axis] == extent, step == 1 { return self }
    return applying(Slice(starts: starts, limits: limits, steps: steps), location: location)
  }
}
