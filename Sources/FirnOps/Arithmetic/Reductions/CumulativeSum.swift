internal import CFirnKernels
public import FirnGraph

/// The running sum along one axis.
///
/// y[…, j, …] = Σ_{i ≤ j} x[…, i, …]; i < j if `exclusive`; i ≥ j or i > j if `reversed`
///
/// | operand | type | |
/// | --- | --- | --- |
/// | x | `f32`, `f64`, `i32` | the result has its type |
///
/// C1: x is a number. C2: `axis` is one of its axes.
///
/// Along the axis one element after the other is added, from its start, or from its end if `reversed`, and each sum is
/// rounded to x's own type; the first is the element itself, or 0 if `exclusive`. Integers wrap round. Every sum that
/// comes after a NaN is NaN.
///
/// The gradient is the same sum of the cotangent from the other end.
///
/// - Complexity: one pass, 1 FLOP an element.
package struct CumulativeSum: KernelOp {
  package var axis: Int
  package var isExclusive: Bool
  package var isReversed: Bool

  package init(axis: Int, isExclusive: Bool = false, isReversed: Bool = false) {
    self.axis = axis
    self.isExclusive = isExclusive
    self.isReversed = isReversed
  }

  package static let mnemonics = ["cumulative_sum"]
  package var mnemonic: String { "cumulative_sum" }
  package var attributes: Attributes {
    ["axis": .int(axis), "exclusive": .bool(isExclusive), "reversed": .bool(isReversed)]
  }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    axis = try attributes.int("axis")
    isExclusive = try attributes.bool("exclusive")
    isReversed = try attributes.bool("reversed")
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(1)
    try operands[0].requireNumeric("operand", "C1")
    try operands[0].requireAxis(axis, "C2")
    return operands
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .passes }

  package func gradient(_ context: GradientContext) -> [Tensor?] {
    var opposite = self
    opposite.isReversed.toggle()
    return context.adjoints({ context.cotangent.applying(opposite) })
  }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim {
    operands[0].shape.elementCount
  }

  package var canFail: Bool { false }

  package var isElementwise: Bool { false }

  package func rows(along axis: Int, of result: Int, count: Dim, in node: NodeTypes) -> RowRule? {
    axis == self.axis ? nil : RowRule(self, allAlong: axis, in: node)
  }

  package func narrowed(to block: Block, in node: NodeTypes) -> Narrowing { .byRows }
  package func overSteps(_ length: Dim, varying: [Bool], in node: NodeTypes) -> StepRule? { nil }
  package func simplified(in node: NodeView) -> Expression<Value>? { nil }

  /// An exclusive sum still reads the element whose place the sum before it took.
  package var aliasing: Aliasing { isExclusive ? .none : .inPlace([0]) }

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    let steps = Steps(self, operands[0].shape)
    switch operands[0].dtype {
    case .f32:
      // A shorter row is not worth a call.
      if steps.inner >= 8 {
        return Kernel { (call: borrowing KernelCall) throws(FirnError) in steps.addRows(call) }
      }
      return Kernel { (call: borrowing KernelCall) throws(FirnError) in
        steps.addLines(call, Float.self) { $0 + $1 }
      }
    case .f64:
      return Kernel { (call: borrowing KernelCall) throws(FirnError) in
        steps.addLines(call, Double.self) { $0 + $1 }
      }
    case .i32:
      return Kernel { (call: borrowing KernelCall) throws(FirnError) in
        steps.addLines(call, Int32.self) { $0 &+ $1 }
      }
    case .bool: firnBug("cumulative-sum", "\(mnemonic) of \(operands[0])")
    }
  }
}

/// A row-major array as the sum walks it: [outer][count][inner], the middle axis in steps.
private struct Steps: Sendable {
  /// 0 where there are no elements.
  let outer: Int
  let count: Int
  let inner: Int
  /// From an element to the one that is added next.
  let step: Int
  /// How many steps the elements added are behind the sums.
  let lag: Int

  init(_ op: CumulativeSum, _ shape: [Int]) {
    count = shape[op.axis]
    outer = count == 0 ? 0 : shape[..<op.axis].reduce(1, *)
    inner = shape[(op.axis + 1)...].reduce(1, *)
    step = op.isReversed ? -inner : inner
    lag = op.isExclusive ? 1 : 0
  }

  /// Where the sum begins within the outer slice `o`.
  func first(_ o: Int) -> Int { o * count * inner + (step < 0 ? (count - 1) * inner : 0) }

  /// Line after line of elements along the axis.
  @inline(__always)
  func addLines<T: AdditiveArithmetic>(_ call: borrowing KernelCall, _: T.Type, _ add: (T, T) -> T) {
    let x = call.operand(0, as: T.self)
    let y = call.result(as: T.self)
    call.inPieces(outer * inner, grain: grain(ofItems: count)) { start, n in
      for line in start..<start + n {
        let first = first(line / inner) + line % inner
        var sum = lag == 0 ? x[first] : .zero
        y[first] = sum
        for j in 1..<count {
          sum = add(sum, x[first + (j - lag) * step])
          y[first + j * step] = sum
        }
      }
    }
  }

  /// All that lies inside the axis at once: each row of sums is the one before plus a row of x.
  func addRows(_ call: borrowing KernelCall) {
    let x = call.operand(0, as: Float.self)
    let y = call.result(as: Float.self)
    @inline(__always)
    func piece(_ slices: Range<Int>, _ start: Int, _ width: Int) {
      for o in slices {
        let first = first(o) + start
        if lag == 0 {
          (y + first).update(from: x + first, count: width)
        } else {
          (y + first).update(repeating: 0, count: width)
        }
        for j in 1..<count {
          let at = first + j * step
          firn_binary_f32(FIRN_ADD, y + (at - step), x + (at - lag * step), y + at, width)
        }
      }
    }
    if outer < 8 && inner > outer {
      call.inPieces(inner, grain: Swift.max(64, grain(ofItems: outer * count))) { start, n in
        piece(0..<outer, start, n)
      }
    } else {
      call.inPieces(outer, grain: grain(ofItems: count * inner)) { start, n in
        piece(start..<start + n, 0, inner)
      }
    }
  }
}

extension Tensor {
  /// The running sum along `axis`, of x's shape and type: PyTorch's and TensorFlow's `cumsum`.
  ///
  /// y[…, j, …] = Σ_{i ≤ j} x[…, i, …]; i < j if `exclusive`; i ≥ j or i > j if `reversed`. One element after the other
  /// is added and rounded to x's type; integers wrap round, and every sum after a NaN is NaN. The gradient is the same
  /// sum from the other end.
  ///
  /// Constraints: (C1) x is a number; (C2) `axis` is one of its axes.
  ///
  /// - Parameters:
  ///   - axis: counts from the end where negative.
  ///   - exclusive: leaves the element itself out, so that the first sum is 0.
  ///   - reversed: begins at the end of the axis.
  /// - Complexity: 1 FLOP and 8 bytes moved an element in `f32`.
  public func cumulativeSum(
    axis: Int, exclusive: Bool = false, reversed: Bool = false, file: StaticString = #fileID,
    line: UInt = #line
  ) -> Tensor {
    let location = CallSite(file, line)
    guard let axis = self.axis(axis, "cumulative_sum", constraint: "C2", location: location) else {
      return .poisoned(in: graph)
    }
    return applying(
      CumulativeSum(axis: axis, isExclusive: exclusive, isReversed: reversed), location: location)
  }
}
