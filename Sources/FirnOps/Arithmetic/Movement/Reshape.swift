public import FirnGraph

/// The same elements, in the same order, under another shape.
///
/// | operand | type | |
/// | --- | --- | --- |
/// | x | any | as many elements as `shape` |
///
/// C1: the element counts are equal, as polynomials of the named dimensions.
///
/// - Complexity: nothing is done.
package struct Reshape: RearrangingOp {
  package var shape: Shape

  package init(_ shape: Shape) { self.shape = shape }

  package static let mnemonics = ["reshape"]
  package var mnemonic: String { "reshape" }
  package var attributes: Attributes { ["shape": .shape(shape)] }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    shape = try attributes.shape("shape")
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(1)
    let x = operands[0]
    try require(
      x.shape.elementCount == shape.elementCount, "C1", .shapeMismatch,
      "\(x) has \(x.shape.elementCount) elements, \(shape) has \(shape.elementCount)",
      remedy: "choose a shape of as many elements; -1 infers one extent")
    return [TensorType(x.dtype, shape)]
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .passes }

  package func gradient(_ context: GradientContext) -> [Tensor?] {
    context.adjoints({ context.cotangent.withShape(context.operands[0].shape) })
  }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim { 0 }
  package var canFail: Bool { false }

  package var isElementwise: Bool { false }

  /// Along an axis that stays with as many elements in front of it as there were.
  package func rows(along axis: Int, of result: Int, count: Dim, in node: NodeTypes) -> RowRule? {
    let x = node.operands[0].shape
    func outer(_ shape: Shape, _ axis: Int) -> Dim { Shape(Array(shape[..<axis])).elementCount }
    guard let from = x.indices.first(where: { x[$0] == shape[axis] && outer(x, $0) == outer(shape, axis) })
    else {
      return nil
    }
    var rows = shape
    rows[axis] = count
    return RowRule(Reshape(rows), operands: [from], results: [axis])
  }

  package func narrowed(to block: Block, in node: NodeTypes) -> Narrowing { .byRows }

  package func overSteps(_ length: Dim, varying: [Bool], in node: NodeTypes) -> StepRule? {
    StepRule(.node(Reshape(shape.stacked(length)), [.leaf(0)]))
  }

  package func simplified(in node: NodeView) -> Expression<Value>? {
    let x = node.operands[0]
    if node.keepsType { return .leaf(x.value) }
    return x.op is Reshape ? .node(self, [.leaf(x.operands[0].value)]) : nil
  }

  package var aliasing: Aliasing { .view(of: 0) }
}

extension Tensor {
  /// The same elements in the same order under `shape`, one of whose extents may be -1: what is left.
  ///
  /// PyTorch's `view` and `reshape`. Named dimensions count as polynomials: `["batch*time", 8]` reshapes
  /// `["batch", "time", 8]`.
  ///
  /// Constraints: (C1) the element counts are equal, and at most one extent is -1.
  ///
  /// - Complexity: nothing is done; the result is a view.
  public func reshaped(to shape: Shape, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    let location = CallSite(file, line)
    if isPoisoned { return self }
    let unknown = shape.indices.filter { shape[$0].value == -1 }
    guard let axis = unknown.first else { return withShape(shape, location: location) }
    var shape = shape
    shape[axis] = 1
    let count = shape.elementCount
    guard unknown.count == 1, count != 0, let extent = self.shape.elementCount.divided(exactlyBy: count)
    else {
      shape[axis] = -1
      return fault(
        .shapeMismatch, "reshape: \(type) has no shape \(shape)",
        remedy: unknown.count > 1
          ? "leave one extent open" : "choose extents whose product divides \(self.shape.elementCount)",
        constraint: "C1", location: location)
    }
    shape[axis] = extent
    return withShape(shape, location: location)
  }

  /// With an axis of extent one at `axis` of the result (-1: the last): `unsqueeze`, `expand_dims`.
  ///
  /// Constraints: (C2) `axis` is one of the result's axes.
  ///
  /// - Complexity: nothing is done; the result is a view.
  public func expandingAxis(at axis: Int, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    let location = CallSite(file, line)
    guard let axis = self.axis(axis, "expandingAxis", extra: 1, constraint: "C2", location: location) else {
      return .poisoned(in: graph)
    }
    return inserting([axis], location: location)
  }

  /// Without `axes`, which have extent one; nil takes all that have.
  ///
  /// Constraints: (C2) `axes`, which count from the end where negative, are axes, each named once; (C3) they have
  /// extent one.
  ///
  /// - Complexity: nothing is done; the result is a view.
  public func squeezed(axes: [Int]? = nil, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    let location = CallSite(file, line)
    guard let chosen = self.axes(axes, "squeezed", constraint: "C2", location: location) else {
      return .poisoned(in: graph)
    }
    let ones = chosen.filter { shape[$0] == 1 }
    if axes != nil, let other = chosen.first(where: { shape[$0] != 1 }) {
      return fault(
        .shapeMismatch, "squeezed: axis \(other) of \(type) has extent \(shape[other])",
        remedy: "name axes of extent 1 only", constraint: "C3", location: location)
    }
    return withShape(shape.removing(ones), location: location)
  }
}
