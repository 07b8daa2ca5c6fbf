public import FirnGraph

/// Surrounds and spreads out the elements with a value.
///
/// Along each axis: `low` values, then the elements with `interior` values between neighbours, then `high` values.
///
/// | operand | type | |
/// | --- | --- | --- |
/// | x | any | |
///
/// C1: one low, high and interior for each axis. C2: where they are numbers, none is negative, and interior is at most
/// 2³⁰. C3: no extent of the result, low + high + extent (interior + 1) - interior, is negative: an empty axis is
/// spread only where there is padding to take the gap from.
///
/// The gradient is the slice that undoes it.
///
/// - Complexity: one pass over the result, no FLOPs.
package struct Pad: KernelOp {
  package var low: [Dim]
  package var high: [Dim]
  package var interior: [Int]
  @Exact package var value: Double

  package init(low: [Dim], high: [Dim], interior: [Int], value: Double = 0) {
    self.low = low
    self.high = high
    self.interior = interior
    self.value = value
  }

  package static let mnemonics = ["pad"]
  package var mnemonic: String { "pad" }
  package var attributes: Attributes {
    [
      "low": .dimensions(low), "high": .dimensions(high), "interior": .ints(interior),
      "value": .double(value),
    ]
  }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    low = try attributes.shape("low").dimensions
    high = try attributes.shape("high").dimensions
    interior = try attributes.ints("interior")
    value = try attributes.double("value")
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(1)
    let x = operands[0]
    let rank = x.shape.rank
    try require(
      low.count == rank && high.count == rank && interior.count == rank, "C1", .invalidArgument,
      "\(low.count) low, \(high.count) high and \(interior.count) interior paddings for \(x)",
      remedy: "give one of each for every axis")
    var extents: [Dim] = []
    for axis in 0..<rank {
      try require(
        (low[axis].value ?? 0) >= 0 && (high[axis].value ?? 0) >= 0 && (0...1 << 30).contains(interior[axis]),
        "C2",
        .invalidArgument, "padding \(low[axis]), \(high[axis]), \(interior[axis]) on axis \(axis)",
        remedy: "use a slice to cut off elements")
      let spread = x.shape[axis] * Dim(interior[axis] + 1) - Dim(interior[axis])
      let extent = low[axis] + high[axis] + spread
      try require(
        (extent.value ?? 0) >= 0, "C3", .invalidArgument,
        "axis \(axis) of \(x) is empty and cannot be spread",
        remedy: "use no interior padding")
      extents.append(extent)
    }
    return [TensorType(x.dtype, Shape(extents))]
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .passes }

  package func gradient(_ context: GradientContext) -> [Tensor?] {
    context.adjoints({
      let shape = context.results[0].shape
      let limits = shape.indices.map { shape[$0] - high[$0] }
      return context.cotangent.applying(Slice(starts: low, limits: limits, steps: interior.map { $0 + 1 }))
    })
  }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim { 0 }
  package var numerics: Numerics { .moving }
  package var canFail: Bool { false }

  package var isElementwise: Bool { false }

  package func rows(along axis: Int, of result: Int, count: Dim, in node: NodeTypes) -> RowRule? {
    isUntouched(axis) ? RowRule(self, allAlong: axis, in: node) : nil
  }

  private func isUntouched(_ axis: Int) -> Bool { low[axis] == 0 && high[axis] == 0 && interior[axis] == 0 }

  package func narrowed(to block: Block, in node: NodeTypes) -> Narrowing {
    let (axis, range) = (block.axis, block.range)
    if isUntouched(axis) { return .byRows }
    guard interior[axis] == 0, let low = low[axis].value, let extent = node.operands[0].shape[axis].value
    else {
      return .notKnown
    }
    let inside = range.clamped(to: low..<low + extent)
    if inside.isEmpty { return .notKnown }
    var pad = self
    pad.low[axis] = Dim(inside.lowerBound - range.lowerBound)
    pad.high[axis] = Dim(range.upperBound - inside.upperBound)
    return .expression(
      .node(pad, [.leaf(node.part(of: 0, axis, inside.lowerBound - low..<inside.upperBound - low))]))
  }

  package func overSteps(_ length: Dim, varying: [Bool], in node: NodeTypes) -> StepRule? { nil }
  package func simplified(in node: NodeView) -> Expression<Value>? { nil }

  package var aliasing: Aliasing { .none }

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    let to = strides(of: results[0].shape)
    let copy = PreparedCopies([
      StridedCopy(
        elementSize: operands[0].dtype.byteCount, sizes: operands[0].shape,
        source: strides(of: operands[0].shape), destination: zip(to, interior).map { $0 * ($1 + 1) },
        destinationOffset: zip(low, to).reduce(0) { $0 + ($1.0.value ?? 0) * $1.1 })
    ])
    let (type, value) = (results[0], value)
    let needsFill = type.elementCount != operands[0].elementCount
    return Kernel { (call: borrowing KernelCall) throws(FirnError) in
      if needsFill { fill(call.result(as: UInt8.self), type, with: value) }
      copy.run(0, call)
    }
  }
}

extension Tensor {
  /// Surrounded with `value`: `low` times before and `high` times after the elements of each axis.
  ///
  /// The gradient is the slice that undoes it.
  ///
  /// Constraints: (C1) one low and one high for each axis; (C2) where they are numbers, none is negative.
  ///
  /// - Parameters:
  ///   - low: how many before, axis by axis.
  ///   - high: how many after, axis by axis.
  ///   - value: what stands there, in the tensor's element type.
  /// - Complexity: no FLOPs; x read, the result written once.
  public func padded(
    low: [Dim], high: [Dim], value: Double = 0, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    applying(
      Pad(low: low, high: high, interior: Array(repeating: 0, count: low.count), value: value),
      location: CallSite(file, line))
  }
}
