public import FirnGraph

// Functions of functions. What stands on every map of a network is a row of the table instead.

/// x where it is between two bounds, else the bound it is beyond, element by element.
///
/// NaN stays. The gradient is 1 between the bounds, and 0 at them and beyond, as of PyTorch's `clamp`. Where the bounds
/// cross, the upper one wins.
///
/// Constraints: (C2) beside `i32` the bounds are whole numbers; (C3) x is floating point or `i32`.
///
/// - Parameters:
///   - x: any shape.
///   - lower: nil for none.
///   - upper: nil for none.
/// - Complexity: 2 FLOPs an element and bound.
public func clamp(
  _ x: Tensor, min lower: Double? = nil, max upper: Double? = nil, file: StaticString = #fileID,
  line: UInt = #line
) -> Tensor {
  x.composing(file, line) { x in
    var y = x
    if let lower {
      let bound = x.scalar(lower)
      y = select(where: lessEqual(y, bound), bound, otherwise: y)
    }
    if let upper {
      let bound = x.scalar(upper)
      y = select(where: greaterEqual(y, bound), bound, otherwise: y)
    }
    return y
  }
}

/// x between two bounds and the bounds beyond, element by element: PyTorch's `hardtanh`, `clamp` with bounds of -1 and
/// 1.
///
/// NaN stays; the gradient is 0 at the bounds.
///
/// Constraints: (C2) beside `i32` the bounds are whole numbers; (C3) x is floating point or `i32`.
///
/// - Complexity: 4 FLOPs an element.
public func hardTanh(
  _ x: Tensor, min lower: Double = -1, max upper: Double = 1, file: StaticString = #fileID,
  line: UInt = #line
) -> Tensor {
  clamp(x, min: lower, max: upper, file: file, line: line)
}

/// x, at least 0 and at most 6, element by element.
///
/// NaN stays; the gradient is 0 at 0 and at 6.
///
/// Constraints: (C3) x is floating point or `i32`.
///
/// - Complexity: 4 FLOPs an element.
public func relu6(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  hardTanh(x, min: 0, max: 6, file: file, line: line)
}

/// `slope` x + `offset`, at least 0 and at most 1, element by element.
///
/// PyTorch's `hardsigmoid` and Keras 3's; ONNX's default slope is 0.2, as in Keras before version 3. NaN stays; the
/// gradient is 0 at both kinks.
///
/// Constraints: (C3) x is floating point.
///
/// - Complexity: 6 FLOPs an element.
public func hardSigmoid(
  _ x: Tensor, slope: Double = 1.0 / 6, offset: Double = 0.5, file: StaticString = #fileID,
  line: UInt = #line
) -> Tensor {
  x.composing(file, line) { hardTanh($0 * slope + offset, min: 0, max: 1) }
}

/// `scale` times x where x > 0, else `scale` `alpha` (e^x - 1), element by element.
///
/// The defaults keep mean 0 and variance 1 from layer to layer. At 0 the gradient is the left one.
///
/// Klambauer and others, "Self-Normalizing Neural Networks", 2017, equation 2.
///
/// Constraints: (C1) x is floating point.
///
/// - Complexity: 4 FLOPs an element.
public func selu(
  _ x: Tensor, alpha: Double = 1.673_263_242_354_377_2, scale: Double = 1.050_700_987_355_480_5,
  file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  x.composing(file, line) { elu($0, alpha: alpha) * scale }
}

/// x where x > 0, else `alpha` (e^(x / alpha) - 1), element by element: an `elu` without a kink at 0.
///
/// Barron, "Continuously Differentiable Exponential Linear Units", 2017.
///
/// Constraints: (C1) x is floating point; (C2) `alpha` is not 0.
///
/// - Complexity: 5 FLOPs an element.
public func celu(
  _ x: Tensor, alpha: Double = 1, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  if alpha == 1 { return elu(x, file: file, line: line) }
  guard alpha != 0, alpha.isFinite else {
    return x.fault(
      .invalidArgument, "celu: alpha \(alpha)", remedy: "give a number that is not 0", constraint: "C2",
      location: CallSite(file, line))
  }
  return x.composing(file, line) { x in
    let zero = x.filled(0)
    // The argument is kept from the branch that is not taken, whose exponential could overflow.
    let left = expm1(select(where: greater(x, zero), zero, otherwise: x) / alpha) * alpha
    return select(where: greater(x, zero), x, otherwise: left)
  }
}

/// x / (1 + |x|), element by element.
///
/// The gradient at 0 is 1.
///
/// Constraints: (C1) x is floating point.
///
/// - Complexity: 3 FLOPs an element.
public func softsign(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.composing(file, line) { $0 / (abs($0) + 1) }
}

/// x where x ≥ 0, else `slope` x, with a slope of its own for each element it broadcasts to: PyTorch's `prelu`.
///
/// At 0 the gradient is the slope, and that of the slope 0. For one of each channel its shape is [channels], as
/// channels come last.
///
/// He and others, "Delving Deep into Rectifiers", 2015, equation 1.
///
/// Constraints: (C1) the shapes broadcast; (C2) one element type; (C3) floating point or `i32`.
///
/// - Complexity: 3 FLOPs an element.
public func prelu(
  _ x: Tensor, slope: Tensor, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  x.composing(file, line) { x in
    let y = x * slope
    return y.isPoisoned ? y : select(where: greater(x, x.filled(0)), x, otherwise: y)
  }
}

/// x where x > `threshold`, else 0, element by element.
///
/// PyTorch's `threshold` with a value of 0. At the threshold value and gradient are 0; NaN gives 0.
///
/// Constraints: (C2) beside `i32` the threshold is a whole number; (C3) x is floating point or `i32`.
///
/// - Complexity: 2 FLOPs an element.
public func thresholdedReLU(
  _ x: Tensor, threshold: Double = 1, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  x.composing(file, line) { select(where: greater($0, threshold), $0, otherwise: $0.filled(0)) }
}

/// x + `bias` where x < -`threshold`, x - `bias` where x > `threshold`, else 0, element by element.
///
/// PyTorch's `hardshrink` with no bias, its `softshrink` with the threshold as bias. NaN gives 0.
///
/// Constraints: (C2) beside `i32` threshold and bias are whole numbers; (C3) x is floating point or `i32`.
///
/// - Complexity: 6 FLOPs an element.
public func shrink(
  _ x: Tensor, threshold: Double = 0.5, bias: Double = 0, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  x.composing(file, line) { x in
    let right = select(where: greater(x, threshold), x - bias, otherwise: x.filled(0))
    return select(where: less(x, -threshold), x + bias, otherwise: right)
  }
}

/// log σ(x), element by element, without underflow.
///
/// Constraints: (C1) x is floating point.
///
/// - Complexity: 6 FLOPs an element.
public func logSigmoid(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.composing(file, line) { -softplus(-$0) }
}

/// x without its fraction, element by element; the gradient is 0.
///
/// Constraints: (C1) x is floating point.
///
/// - Complexity: 4 FLOPs an element.
public func trunc(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.composing(file, line) { select(where: less($0, 0), ceil($0), otherwise: floor($0)) }
}

/// Whether each element is NaN; `bool`.
///
/// No gradient passes.
///
/// Constraints: (C3) x is floating point or `i32`.
///
/// - Complexity: 1 FLOP an element.
public func isNaN(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.composing(file, line) { notEqual($0, $0) }
}

/// Whether each element is infinite; `bool`.
///
/// No gradient passes.
///
/// Constraints: (C3) x is floating point.
///
/// - Parameters:
///   - x: any shape.
///   - positive: whether +∞ counts.
///   - negative: whether -∞ counts.
/// - Complexity: 2 FLOPs an element.
public func isInfinite(
  _ x: Tensor, positive: Bool = true, negative: Bool = true, file: StaticString = #fileID,
  line: UInt = #line
) -> Tensor {
  x.composing(file, line) { x in
    switch (positive, negative) {
    case (true, true): equal(abs(x), .infinity)
    case (true, false): equal(x, .infinity)
    case (false, true): equal(x, -.infinity)
    case (false, false): logicalAnd(equal(x, x), notEqual(x, x))
    }
  }
}
