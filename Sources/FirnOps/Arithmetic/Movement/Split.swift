public import FirnGraph

/// Consecutive parts along an axis.
///
/// | operand | type | |
/// | --- | --- | --- |
/// | x | any | one result for each of `sizes`, which is its extent of `axis` |
///
/// C1: `axis` is one of x's. C2: `sizes` add up to its extent; none is negative. C3: there are at most 65,536.
///
/// A part that no gradient reaches counts as zero.
///
/// - Complexity: one pass, no FLOPs.
package struct Split: KernelOp {
  package var axis: Int
  package var sizes: [Dim]

  package init(axis: Int, sizes: [Dim]) {
    self.axis = axis
    self.sizes = sizes
  }

  /// Each part is a value of its own.
  static let countLimit = 1 << 16

  package static let mnemonics = ["split"]
  package var mnemonic: String { "split" }
  package var attributes: Attributes { ["axis": .int(axis), "sizes": .dimensions(sizes)] }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    axis = try attributes.int("axis")
    sizes = try attributes.shape("sizes").dimensions
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(1)
    let x = operands[0]
    try x.requireAxis(axis, "C1")
    try require(
      sizes.count <= Self.countLimit, "C3", .invalidArgument, "\(sizes.count) parts",
      remedy: "use at most \(Self.countLimit) parts, or reshape and loop over them with `scan`")
    let total = sizes.reduce(Dim(0), +)
    try require(
      total == x.shape[axis] && sizes.allSatisfy { ($0.value ?? 0) >= 0 }, "C2", .invalidArgument,
      "sizes \(Shape(sizes)) add up to \(total), axis \(axis) of \(x) is \(x.shape[axis])",
      remedy: "give sizes that add up to the extent")
    return sizes.map { size in
      var shape = x.shape
      shape[axis] = size
      return TensorType(x.dtype, shape)
    }
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .passes }

  package func gradient(_ context: GradientContext) -> [Tensor?] {
    context.adjoints({
      let reached = context.cotangents.indices.filter { context.cotangents[$0] != nil }
      guard let first = reached.first, let last = reached.last else {
        firnBug("split", "a rule ran without a cotangent")
      }
      let parts = (first...last).map { context.cotangents[$0] ?? context.results[$0].filled(0) }
      let middle = parts.count == 1 ? parts[0] : Graph.apply(Concat(axis: axis), to: parts)[0]
      if first == 0, last == sizes.count - 1 { return middle }
      var low = [Dim](repeating: 0, count: middle.rank)
      var high = low
      low[axis] = sizes[..<first].reduce(0, +)
      high[axis] = sizes[(last + 1)...].reduce(0, +)
      return middle.applying(Pad(low: low, high: high, interior: Array(repeating: 0, count: middle.rank)))
    })
  }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim { 0 }
  package var numerics: Numerics { .moving }
  package var canFail: Bool { false }

  package var isElementwise: Bool { false }

  package func rows(along axis: Int, of result: Int, count: Dim, in node: NodeTypes) -> RowRule? {
    axis == self.axis ? nil : RowRule(self, allAlong: axis, in: node)
  }

  package func fusionRole(in node: NodeTypes) -> FusionRole {
    let rank = node.operands[0].shape.rank
    var start = Dim(0)
    return .windows(
      sizes.map { size in
        var window = Window(rank: rank)
        window.starts[axis] = start
        start = start + size
        return window
      })
  }

  package func narrowed(to block: Block, in node: NodeTypes) -> Narrowing { .notKnown }
  package func overSteps(_ length: Dim, varying: [Bool], in node: NodeTypes) -> StepRule? { nil }
  package func simplified(in node: NodeView) -> Expression<Value>? { nil }

  package var aliasing: Aliasing { .none }

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    let from = strides(of: operands[0].shape)
    var start = 0
    let copies = results.map { result in
      defer { start += result.shape[axis] }
      return StridedCopy(
        elementSize: result.dtype.byteCount, sizes: result.shape, source: from,
        sourceOffset: start * from[axis],
        destination: strides(of: result.shape))
    }
    let prepared = PreparedCopies(copies)
    return Kernel { (call: borrowing KernelCall) throws(FirnError) in
      for index in prepared.indices { prepared.run(index, call, result: index) }
    }
  }
}

extension Tensor {
  /// Consecutive parts along `axis`, of the given sizes.
  ///
  /// A part that no gradient reaches counts as zero in the gradient of the whole.
  ///
  /// Constraints: (C1) `axis`, which counts from the end where negative, is one of the axes; (C2) `sizes` add up to its
  /// extent, and none is negative; (C3) there are at most 65,536.
  ///
  /// - Complexity: no FLOPs; each element read and written once.
  public func split(
    sizes: [Dim], axis: Int, file: StaticString = #fileID, line: UInt = #line
  ) -> [Tensor] {
    let location = CallSite(file, line)
    guard let axis = self.axis(axis, "split", constraint: "C1", location: location) else {
      return Array(repeating: .poisoned(in: graph), count: sizes.count)
    }
    return Graph.apply(
      Split(axis: axis, sizes: sizes), to: [self], results: sizes.count, location: location)
  }

  /// `count` consecutive parts of one size along `axis`: TensorFlow's `split`, PyTorch's `chunk`.
  ///
  /// Constraints: (C1) `axis`, which counts from the end where negative, is one of the axes; (C2) `count` is positive
  /// and divides its extent; (C3) it is at most 65,536, otherwise nothing is returned.
  ///
  /// - Complexity: no FLOPs; each element read and written once.
  public func split(
    into count: Int, axis: Int, file: StaticString = #fileID, line: UInt = #line
  ) -> [Tensor] {
    let location = CallSite(file, line)
    guard count <= Split.countLimit else {
      _ = fault(
        .invalidArgument, "split: \(count) parts of \(type)",
        remedy: "use at most \(Split.countLimit) parts, or reshape and loop over them with `scan`",
        constraint: "C3", location: location)
      return []
    }
    let poison = [Tensor](repeating: .poisoned(in: graph), count: Swift.max(count, 0))
    guard let axis = self.axis(axis, "split", constraint: "C1", location: location) else { return poison }
    guard count > 0, let size = shape[axis].divided(exactlyBy: Dim(count)) else {
      _ = fault(
        .invalidArgument, "split: axis \(axis) of \(type) does not divide into \(count) parts",
        remedy: "choose a divisor of \(shape[axis]), or give sizes", constraint: "C2", location: location)
      return poison
    }
    return Graph.apply(
      Split(axis: axis, sizes: Array(repeating: size, count: count)), to: [self], results: count,
      location: location)
  }

  /// The slices along `axis`, which they lack: `unbind`, `unstack`.
  ///
  /// Constraints: (C1) `axis`, which counts from the end where negative, is one of the axes; (C2) its extent is a
  /// positive number; loop over a named one with `scan`; (C3) it is at most 65,536.
  ///
  /// - Complexity: no FLOPs; each element read and written once.
  public func unstacked(axis: Int = 0, file: StaticString = #fileID, line: UInt = #line) -> [Tensor] {
    let location = CallSite(file, line)
    guard let axis = self.axis(axis, "unstacked", constraint: "C1", location: location) else { return [] }
    guard let count = shape[axis].value, count > 0 else {
      _ = fault(
        .invalidArgument, "unstacked: axis \(axis) of \(type) has extent \(shape[axis])",
        remedy: "its extent must be a positive number; loop over a named one with `scan`",
        constraint: "C2", location: location)
      return []
    }
    return split(into: count, axis: axis, file: file, line: line)
      .map { $0.withShape(shape.removing([axis]), location: location) }
  }
}
