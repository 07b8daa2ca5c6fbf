internal import CFirnKernels
public import FirnGraph

/// Where along an axis the greatest or smallest element stands.
///
/// | operand | type | |
/// | --- | --- | --- |
/// | x | `f32`, `f64`, `i32` | the result is `i32` without `axis` |
///
/// C1: x is a number.
///
/// C2: `axis` is one of its axes. C3: it is not empty, and not longer than 2³¹.
///
/// Of equal elements the first wins; the first NaN wins over everything.
///
/// No gradient passes.
///
/// - Complexity: one pass, 1 FLOP an element of x.
package struct ArgReduce: KernelOp {
  package enum Function: String, Hashable, Sendable, CaseIterable {
    case argmax, argmin
  }

  package var function: Function
  package var axis: Int

  package init(_ function: Function, axis: Int) {
    self.function = function
    self.axis = axis
  }

  package static let mnemonics = Function.allCases.map(\.rawValue)
  package var mnemonic: String { function.rawValue }
  package var attributes: Attributes { ["axis": .int(axis)] }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    self.init(
      try member(mnemonic, of: Function.self, family: "index-reduction"), axis: try attributes.int("axis"))
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(1)
    let x = operands[0]
    try x.requireNumeric("operand", "C1")
    try x.requireAxis(axis, "C2")
    try require(
      x.shape[axis].value != 0, "C3", .shapeMismatch, "axis \(axis) of \(x) is empty",
      remedy: "there is nothing to choose from")
    try x.requireCountable(axis, "C3")
    return [TensorType(.i32, x.shape.removing([axis]))]
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .notDifferentiable }
  package func gradient(_ context: GradientContext) -> [Tensor?] { [nil] }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim {
    operands[0].shape.elementCount
  }

  package var canFail: Bool { false }

  package var isElementwise: Bool { false }

  package func rows(along axis: Int, of result: Int, count: Dim, in node: NodeTypes) -> RowRule? {
    RowRule(self, operands: [axis < self.axis ? axis : axis + 1], results: [axis])
  }

  package func narrowed(to block: Block, in node: NodeTypes) -> Narrowing { .byRows }
  package func overSteps(_ length: Dim, varying: [Bool], in node: NodeTypes) -> StepRule? { nil }
  package func simplified(in node: NodeView) -> Expression<Value>? { nil }

  package var aliasing: Aliasing { .none }

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    let shape = operands[0].shape
    let (outer, reduced) = (shape[..<axis].reduce(1, *), shape[axis])
    let inner = shape[(axis + 1)...].reduce(1, *)
    let isMinimum = function == .argmin
    switch operands[0].dtype {
    case .f32:
      return Kernel { (call: borrowing KernelCall) throws(FirnError) in
        let x = call.operand(0, as: Float.self)
        let y = call.result(as: Int32.self)
        call.inPieces(outer, grain: grain(ofItems: reduced * inner)) { start, n in
          firn_argmax_f32(
            isMinimum ? 1 : 0, x + start * reduced * inner, y + start * inner, n, reduced, inner)
        }
      }
    case .f64:
      return scalar(outer, reduced, inner, Double.self) { $0.isNaN }
    case .i32:
      return scalar(outer, reduced, inner, Int32.self) { _ in false }
    case .bool: firnBug("arg-reduce", "\(mnemonic) of \(operands[0])")
    }
  }

  private func scalar<T: Comparable & Sendable>(
    _ outer: Int, _ reduced: Int, _ inner: Int, _: T.Type, isNaN: @escaping @Sendable (T) -> Bool
  ) -> Kernel {
    let isMinimum = function == .argmin
    return Kernel { (call: borrowing KernelCall) throws(FirnError) in
      let x = call.operand(0, as: T.self)
      let y = call.result(as: Int32.self)
      for o in 0..<outer {
        for i in 0..<inner {
          let from = x + o * reduced * inner + i
          var best = 0
          for r in 1..<Swift.max(reduced, 1) {
            let (held, next) = (from[best * inner], from[r * inner])
            if isNaN(held) { break }
            if isNaN(next) || (isMinimum ? next < held : next > held) { best = r }
          }
          y[o * inner + i] = Int32(best)
        }
      }
    }
  }
}

extension Tensor {
  private func chosen(
    _ function: ArgReduce.Function, _ axis: Int, last: Bool, _ location: CallSite
  ) -> Tensor {
    guard let axis = self.axis(axis, function.rawValue, constraint: "C2", location: location) else {
      return .poisoned(in: graph)
    }
    let op = ArgReduce(function, axis: axis)
    if !last { return applying(op, location: location) }
    return graph.at(location) {
      let fromEnd = applying(Reverse([axis])).applying(op)
      return fromEnd.isPoisoned ? fromEnd : graph.extent(shape[axis] - 1, dtype: .i32) - fromEnd
    }
  }

  /// The index along `axis` of the first greatest element, `i32`; the first NaN wins.
  ///
  /// The result lacks the axis. No gradient passes.
  ///
  /// Constraints: (C1) x is a number; (C2) `axis`, which counts from the end where negative, is one of its axes;
  /// (C3) it is not empty.
  ///
  /// - Parameters:
  ///   - axis: counts from the end where negative.
  ///   - last: chooses the last of equal elements, and the last NaN, instead of the first; ONNX's `select_last_index`.
  /// - Complexity: 1 FLOP an element of x, which is read once, and copied first for the last.
  public func argmax(
    axis: Int, last: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    chosen(.argmax, axis, last: last, CallSite(file, line))
  }

  /// The index along `axis` of the first smallest element, `i32`; the first NaN wins.
  ///
  /// The result lacks the axis. No gradient passes.
  ///
  /// Constraints: (C1) x is a number; (C2) `axis`, which counts from the end where negative, is one of its axes;
  /// (C3) it is not empty.
  ///
  /// - Parameters:
  ///   - axis: counts from the end where negative.
  ///   - last: chooses the last of equal elements, and the last NaN, instead of the first; ONNX's `select_last_index`.
  /// - Complexity: 1 FLOP an element of x, which is read once, and copied first for the last.
  public func argmin(
    axis: Int, last: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    chosen(.argmin, axis, last: last, CallSite(file, line))
  }
}
