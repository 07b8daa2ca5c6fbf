public import FirnGraph

extension Tensor {
  /// log Σ e^x over `axes`, without overflow; -∞ of no elements, and of nothing but -∞.
  ///
  /// The gradient is the softmax over the axes, 0 of nothing but -∞. The maximum it is shifted by has no gradient.
  ///
  /// Constraints: (C1) x is floating point; (C2) `axes` are axes, each named once.
  ///
  /// - Parameters:
  ///   - axes: nil for all of them; negative ones count from the end.
  ///   - keepingAxes: leaves them in the result with extent 1.
  /// - Complexity: 4 FLOPs an element of x, in three passes.
  public func logSumExp(
    axes: [Int]? = nil, keepingAxes: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    composing(file, line) { x in
      let greatest = x.max(axes: axes, keepingAxes: true).stoppedInFormula()
      if greatest.isPoisoned { return greatest }
      // Of infinities the differences would be NaN.
      let shift = select(where: isInfinite(greatest), greatest.filled(0), otherwise: greatest)
      let sum = exp(x - shift).sum(axes: axes, keepingAxes: true)
      let isEmpty = equal(sum, 0)
      let logarithm = log(select(where: isEmpty, sum.filled(1), otherwise: sum)) + shift
      let result = select(where: isEmpty, sum.filled(-.infinity), otherwise: logarithm)
      return keepingAxes ? result : result.withoutAxes(axes)
    }
  }

  /// The mean of the squared differences to the mean, over `axes`.
  ///
  /// Divided by the number of elements less `correction`: 0 is the variance of these elements, NumPy's and ONNX's; 1
  /// estimates that of what they were drawn from, PyTorch's default.
  ///
  /// Constraints: (C1) x is floating point; (C2) `axes` are axes, each named once.
  ///
  /// - Parameters:
  ///   - axes: nil for all of them; negative ones count from the end.
  ///   - keepingAxes: leaves them in the result with extent 1.
  ///   - correction: what is taken off the count.
  /// - Complexity: 4 FLOPs an element of x, in three passes.
  public func variance(
    axes: [Int]? = nil, keepingAxes: Bool = false, correction: Int = 0, file: StaticString = #fileID,
    line: UInt = #line
  ) -> Tensor {
    composing(file, line) { x in
      let squares = square(x - x.mean(axes: axes, keepingAxes: true))
      if correction == 0 || squares.isPoisoned { return squares.mean(axes: axes, keepingAxes: keepingAxes) }
      let reduced = (axes ?? Array(0..<rank)).map { $0 < 0 ? $0 + rank : $0 }
      let count = reduced.reduce(Dim(1)) { $0 * shape[$1] }
      return squares.sum(axes: axes, keepingAxes: keepingAxes)
        / graph.extent(count - Dim(correction), dtype: dtype)
    }
  }

  /// (Σ |x|^p)^(1 / p) over `axes`; the sum for 1, the length for 2, the greatest |x| for ∞.
  ///
  /// Where all elements are 0 the gradient is 0, as in PyTorch.
  ///
  /// Constraints: (C1) x is floating point; (C2) `axes` are axes, each named once; (C3) `p` is positive.
  ///
  /// - Parameters:
  ///   - p: the order.
  ///   - axes: nil for all of them; negative ones count from the end.
  ///   - keepingAxes: leaves them in the result with extent 1.
  /// - Complexity: 3 FLOPs an element of x.
  public func norm(
    _ p: Double = 2, axes: [Int]? = nil, keepingAxes: Bool = false, file: StaticString = #fileID,
    line: UInt = #line
  ) -> Tensor {
    guard p > 0 else {
      return fault(
        .invalidArgument, "norm: an order of \(p)", remedy: "give a positive one, or .infinity",
        constraint: "C3", location: CallSite(file, line))
    }
    return composing(file, line) { x in
      if p == .infinity { return abs(x).max(axes: axes, keepingAxes: keepingAxes) }
      if p == 1 { return abs(x).sum(axes: axes, keepingAxes: keepingAxes) }
      let powers = p == 2 ? square(x) : pow(abs(x), p)
      return powers.sum(axes: axes, keepingAxes: keepingAxes).root(p)
    }
  }

  /// The p-th root, whose gradient at 0 is 0.
  func root(_ p: Double) -> Tensor {
    if isPoisoned { return self }
    let isZero = equal(self, 0)
    let safe = select(where: isZero, filled(1), otherwise: self)
    return select(where: isZero, filled(0), otherwise: p == 2 ? sqrt(safe) : pow(safe, 1 / p))
  }

  /// Without axes that have been kept with extent 1.
  func withoutAxes(_ axes: [Int]?) -> Tensor {
    if isPoisoned { return self }
    let gone = Set((axes ?? Array(0..<rank)).map { $0 < 0 ? $0 + rank : $0 })
    return withShape(shape.removing(gone.sorted()))
  }
}
