public import FirnGraph

/// One value for all elements along some axes.
///
/// | operand | type | |
/// | --- | --- | --- |
/// | x | `f32`, `f64`; but for mean also `i32` | the result lacks `axes`, or has 1 there if `keeps_axes` |
///
/// C1: x is a number of such a type.
///
/// C2: `axes` are ascending axes of x; none is allowed.
///
/// Of no elements the sum is 0, the product 1, the maximum -inf (the least `i32`), the minimum +inf (the greatest),
/// the mean NaN. max and min are NaN where an element is; elements that tie for them share the gradient equally. The
/// gradient of prod is right where elements are 0, at the cost of the square of the reduced count.
///
/// - Complexity: one pass, 1 FLOP an element of x.
package struct Reduce: KernelOp {
  package enum Function: String, Hashable, Sendable, CaseIterable {
    case sum, mean, max, min, prod
  }

  package var function: Function
  package var axes: [Int]
  package var keepsAxes: Bool

  package init(_ function: Function, axes: [Int], keepsAxes: Bool = false) {
    self.function = function
    self.axes = axes
    self.keepsAxes = keepsAxes
  }

  package static let mnemonics = Function.allCases.map(\.rawValue).map { "reduce_" + $0 }
  package var mnemonic: String { "reduce_" + function.rawValue }
  package var attributes: Attributes { ["axes": .ints(axes), "keeps_axes": .bool(keepsAxes)] }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    let name = mnemonic.hasPrefix("reduce_") ? String(mnemonic.dropFirst("reduce_".count)) : mnemonic
    self.init(
      try member(name, of: Function.self, family: "reduction"), axes: try attributes.ints("axes"),
      keepsAxes: try attributes.bool("keeps_axes"))
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(1)
    let x = operands[0]
    if function == .mean {
      try x.requireFloatingPoint("operand", "C1")
    } else {
      try x.requireNumeric("operand", "C1")
    }
    try x.requireAxes(axes, "C2")
    return [TensorType(x.dtype, keepsAxes ? x.shape.keeping(reduced: axes) : x.shape.removing(axes))]
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .passes }

  package func gradient(_ context: GradientContext) -> [Tensor?] {
    let (g, x, y) = (context.cotangent, context.operands[0], context.results[0])
    return context.adjoints({
      switch function {
      case .sum: return spread(g, over: x)
      case .mean:
        let count = axes.reduce(Dim(1)) { $0 * x.shape[$1] }
        return spread(g / x.graph.extent(count, dtype: g.dtype), over: x)
      case .max, .min:
        let wins = equal(x, spread(y, over: x))
        let ties = wins.cast(to: g.dtype).applying(Reduce(.sum, axes: axes, keepsAxes: keepsAxes))
        return select(where: wins, spread(g / ties, over: x), otherwise: x.filled(0))
      case .prod: return spread(g, over: x) * productOfOthers(x)
      }
    })
  }

  /// A value of the result's shape repeated along the reduced axes.
  private func spread(_ g: Tensor, over x: Tensor) -> Tensor {
    g.withShape(x.shape.keeping(reduced: axes)).repeated(to: x.shape)
  }

  /// For each element the product of those it is multiplied with: the rows of a square whose diagonal is 1.
  private func productOfOthers(_ x: Tensor) -> Tensor {
    let kept = (0..<x.rank).filter { !axes.contains($0) }
    let order = kept + axes
    let sorted = x.permuted(order)
    let outer = kept.map { x.shape[$0] }
    let count = axes.reduce(Dim(1)) { $0 * x.shape[$1] }
    let square = Shape(outer + [count, count])
    let index = x.graph.iota(count)
    let isSelf = equal(index.inserting([1]), index.inserting([0]))
    let factors = sorted.withShape(Shape(outer + [1, count])).repeated(to: square)
    let others = select(where: isSelf, x.graph.constant(1, dtype: x.dtype), otherwise: factors)
      .applying(Reduce(.prod, axes: [square.rank - 1]))
    var inverse = order
    for (place, axis) in order.enumerated() { inverse[axis] = place }
    return others.withShape(sorted.shape).permuted(inverse)
  }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim {
    operands[0].shape.elementCount
  }

  package var canFail: Bool { false }

  package var isElementwise: Bool { false }

  package func rows(along axis: Int, of result: Int, count: Dim, in node: NodeTypes) -> RowRule? {
    let x = node.operands[0].shape
    let place = keepsAxes ? axis : x.indices.filter { !axes.contains($0) }[axis]
    guard !axes.contains(place), keepsOrder(of: x, count: count, along: place) else { return nil }
    return RowRule(self, operands: [place], results: [axis])
  }

  /// Whether `count` rows are added up in the order all are.
  ///
  /// The kernel is chosen as if there were no axes of extent 1, and one row alone makes its axis such a one. That
  /// matters unless nothing is reduced before it or an axis beside it, between the same reduced ones, is longer.
  private func keepsOrder(of x: Shape, count: Dim, along place: Int) -> Bool {
    if count == x[place] || (count.value ?? 1) != 1 { return true }
    guard let first = axes.first, first < place else { return true }
    func isLonger(_ beside: some Sequence<Int>) -> Bool {
      beside.prefix { !axes.contains($0) }.contains { (x[$0].value ?? 1) > 1 }
    }
    return isLonger((0..<place).reversed()) || isLonger(place + 1..<x.rank)
  }

  package func narrowed(to block: Block, in node: NodeTypes) -> Narrowing { .byRows }

  package func overSteps(_ length: Dim, varying: [Bool], in node: NodeTypes) -> StepRule? {
    let op = Reduce(function, axes: axes.map { $0 + 1 }, keepsAxes: keepsAxes)
    return StepRule(.node(op, [.leaf(0)]))
  }

  package func simplified(in node: NodeView) -> Expression<Value>? { nil }

  package var aliasing: Aliasing { .none }
}

extension Tensor {
  private func reduced(
    _ function: Reduce.Function, _ axes: [Int]?, _ keepsAxes: Bool, _ location: CallSite
  ) -> Tensor {
    guard let axes = self.axes(axes, "reduce_" + function.rawValue, constraint: "C2", location: location)
    else {
      return .poisoned(in: graph)
    }
    return applying(Reduce(function, axes: axes, keepsAxes: keepsAxes), location: location)
  }

  /// The sum over `axes`; 0 of no elements.
  ///
  /// Integers wrap round. The gradient is repeated along the axes.
  ///
  /// Constraints: (C1) x is a number; (C2) `axes` are axes, each named once.
  ///
  /// - Parameters:
  ///   - axes: nil for all of them, none for the elements themselves; negative ones count from the end.
  ///   - keepingAxes: leaves them in the result with extent 1, for broadcasting against x; NumPy's `keepdims`.
  /// - Complexity: 1 FLOP an element of x, which is read once.
  public func sum(
    axes: [Int]? = nil, keepingAxes: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor { reduced(.sum, axes, keepingAxes, CallSite(file, line)) }

  /// The mean over `axes`; NaN of no elements.
  ///
  /// The gradient is repeated along the axes, divided by their number of elements.
  ///
  /// Constraints: (C1) x is floating point; (C2) `axes` are axes, each named once.
  ///
  /// - Parameters:
  ///   - axes: nil for all of them, none for the elements themselves; negative ones count from the end.
  ///   - keepingAxes: leaves them in the result with extent 1, for broadcasting against x; NumPy's `keepdims`.
  /// - Complexity: 1 FLOP an element of x, which is read once.
  public func mean(
    axes: [Int]? = nil, keepingAxes: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor { reduced(.mean, axes, keepingAxes, CallSite(file, line)) }

  /// The greatest element over `axes`; -inf, or the least `i32`, of none.
  ///
  /// NaN where one is. Elements that tie share the gradient equally. Where it stands is `argmax`; PyTorch's `amax`.
  ///
  /// Constraints: (C1) x is a number; (C2) `axes` are axes, each named once.
  ///
  /// - Parameters:
  ///   - axes: nil for all of them, none for the elements themselves; negative ones count from the end.
  ///   - keepingAxes: leaves them in the result with extent 1, for broadcasting against x; NumPy's `keepdims`.
  /// - Complexity: 1 FLOP an element of x, which is read once.
  public func max(
    axes: [Int]? = nil, keepingAxes: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor { reduced(.max, axes, keepingAxes, CallSite(file, line)) }

  /// The smallest element over `axes`; +inf, or the greatest `i32`, of none.
  ///
  /// NaN where one is. Elements that tie share the gradient equally. Where it stands is `argmin`; PyTorch's `amin`.
  ///
  /// Constraints: (C1) x is a number; (C2) `axes` are axes, each named once.
  ///
  /// - Parameters:
  ///   - axes: nil for all of them, none for the elements themselves; negative ones count from the end.
  ///   - keepingAxes: leaves them in the result with extent 1, for broadcasting against x; NumPy's `keepdims`.
  /// - Complexity: 1 FLOP an element of x, which is read once.
  public func min(
    axes: [Int]? = nil, keepingAxes: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor { reduced(.min, axes, keepingAxes, CallSite(file, line)) }

  /// The product over `axes`; 1 of no elements.
  ///
  /// Integers wrap round. The gradient is right where elements are 0, at the cost of the square of the reduced count.
  ///
  /// Constraints: (C1) x is a number; (C2) `axes` are axes, each named once.
  ///
  /// - Parameters:
  ///   - axes: nil for all of them, none for the elements themselves; negative ones count from the end.
  ///   - keepingAxes: leaves them in the result with extent 1, for broadcasting against x; NumPy's `keepdims`.
  /// - Complexity: 1 FLOP an element of x, which is read once.
  public func product(
    axes: [Int]? = nil, keepingAxes: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor { reduced(.prod, axes, keepingAxes, CallSite(file, line)) }
}
