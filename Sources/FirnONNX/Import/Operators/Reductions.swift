import FirnGraph
import FirnOps

extension Operator {
  private typealias Reducing = @Sendable (Tensor, [Int], Bool) -> Tensor

  /// A reduction over the axes of an attribute, or since opset 13 or 18 of an input.
  private static func reduction(
    _ name: String, _ means: String, known: (@Sendable (Dim, Dim) -> Dim?)? = nil,
    onNothing: @escaping @Sendable (Tensor) -> Tensor = { $0 }, _ function: @escaping Reducing
  ) -> Operator {
    var fold: Fold?
    if let known {
      fold = { (c, inputs) throws(FirnError) in
        // Of a vector, as shapes are.
        guard let x = inputs[0], x.shape.count == 1, !x.isBool, let first = x.values.first else { return nil }
        let axes = c.ints("axes") ?? inputs[1]?.numbers ?? []
        if axes.isEmpty, c.flag("noop_with_empty_axes") { return nil }
        var result = first
        for value in x.values.dropFirst() {
          guard let next = known(result, value) else { return nil }
          result = next
        }
        return c.flag("keepdims", true) ? KnownIntegers([result]) : KnownIntegers(scalar: result)
      }
    }
    return Operator(name, means: means, fold: fold) { c throws(FirnError) in
      let x = try c.laid(0)
      let keeps = c.flag("keepdims", true)
      var axes = try c.integers(attribute: "axes", orInput: 1) ?? []
      if axes.isEmpty {
        if c.flag("noop_with_empty_axes") {
          return [.of(onNothing(x.tensor), isChannelsLast: x.isChannelsLast)]
        }
        axes = Array(0..<x.rank)
      }
      axes = try c.axes(axes, rank: x.rank)
      if !x.isChannelsLast { return [.of(function(x.tensor, axes.sorted(), keeps))] }
      if keeps {
        return [.of(function(x.tensor, axes.map { x.place(of: $0) }.sorted(), true), isChannelsLast: true)]
      }
      // Where only channels are left behind the batch, or less, no axes are out of order.
      let spatial = Set(2..<x.rank)
      if axes.contains(1) || spatial.isSubset(of: axes) {
        return [.of(function(x.tensor, axes.map { x.place(of: $0) }.sorted(), false))]
      }
      return [.of(function(x.plain, axes.sorted(), false))]
    }
  }

  /// Truth values as numbers.
  ///
  /// - Parameter neutral: what the greatest or smallest of none is.
  private static func byNumbers(
    neutral: Double, _ function: @escaping @Sendable (Tensor, [Int], Bool) -> Tensor
  ) -> Reducing {
    { x, axes, keeps in
      guard x.dtype == .bool else { return function(x, axes, keeps) }
      let isOther = equal(function(x.cast(to: .i32), axes, keeps), 1 - neutral)
      return neutral == 0 ? isOther : logicalNot(isOther)
    }
  }

  private static func choosing(
    _ name: String, _ function: @escaping @Sendable (Tensor, Int) -> Tensor
  ) -> Operator {
    Operator(name, means: "`\(name.lowercased())`") { c throws(FirnError) in
      let x = try c.tensor(0)
      let axis = try c.axis(c.int("axis", 0), rank: x.rank)
      var index = function(x, axis)
      if c.flag("select_last_index") {
        let last = x.graph.extent(x.extent(axis) - 1, dtype: .i32)
        index = last - function(x.reversed(axes: [axis]), axis)
      }
      return [.of(c.flag("keepdims", true) ? index.expandingAxis(at: axis) : index)]
    }
  }

  static let reductions: [Operator] = [
    reduction("ReduceSum", "`sum`", known: { $0 + $1 }) { $0.sum(axes: $1, keepingAxes: $2) },
    reduction("ReduceMean", "`mean`") { x, axes, keeps in
      if x.dtype.isFloatingPoint { return x.mean(axes: axes, keepingAxes: keeps) }
      let count = axes.reduce(Dim(1)) { $0 * x.extent($1) }
      return x.sum(axes: axes, keepingAxes: keeps) / x.graph.extent(count, dtype: .i32)
    },
    reduction(
      "ReduceMax", "`max`", known: { Dim.larger($0, $1) },
      byNumbers(neutral: 0) { $0.max(axes: $1, keepingAxes: $2) }),
    reduction(
      "ReduceMin", "`min`", known: { Dim.smaller($0, $1) },
      byNumbers(neutral: 1) { $0.min(axes: $1, keepingAxes: $2) }),
    reduction("ReduceProd", "`product`", known: { $0 * $1 }) { $0.product(axes: $1, keepingAxes: $2) },
    reduction("ReduceL1", "`sum` of `abs`", onNothing: { abs($0) }) {
      abs($0).sum(axes: $1, keepingAxes: $2)
    },
    reduction("ReduceL2", "root of the `sum` of squares", onNothing: { abs($0) }) { x, axes, keeps in
      guard x.dtype.isFloatingPoint else {
        return sqrt(square(x.cast(to: .f64)).sum(axes: axes, keepingAxes: keeps)).cast(to: x.dtype)
      }
      return sqrt(square(x).sum(axes: axes, keepingAxes: keeps))
    },
    reduction("ReduceSumSquare", "`sum` of squares", onNothing: { square($0) }) {
      square($0).sum(axes: $1, keepingAxes: $2)
    },
    reduction("ReduceLogSum", "`log` of the `sum`", onNothing: { log($0) }) {
      log($0.sum(axes: $1, keepingAxes: $2))
    },
    reduction("ReduceLogSumExp", "`logSumExp`") { $0.logSumExp(axes: $1, keepingAxes: $2) },
    choosing("ArgMax") { $0.argmax(axis: $1) },
    choosing("ArgMin") { $0.argmin(axis: $1) },
  ]
}
