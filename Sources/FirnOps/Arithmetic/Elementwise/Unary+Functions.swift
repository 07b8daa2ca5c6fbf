public import FirnGraph

extension Tensor {
  /// The negative; floats or `i32`.
  public static prefix func - (x: Tensor) -> Tensor { x.applying(Unary(.neg)) }
}

/// e to the power x.
public func exp(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.exp), location: CallSite(file, line))
}

/// e^x - 1, exact near 0.
public func expm1(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.expm1), location: CallSite(file, line))
}

/// The natural logarithm; NaN below 0, -inf at 0.
public func log(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.log), location: CallSite(file, line))
}

/// log(1 + x), exact near 0.
public func log1p(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.log1p), location: CallSite(file, line))
}

/// The square root; NaN below 0.
///
/// Its gradient is infinite at 0.
public func sqrt(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.sqrt), location: CallSite(file, line))
}

/// 1 / √x.
public func rsqrt(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.rsqrt), location: CallSite(file, line))
}

/// x times itself; floats or `i32`.
public func square(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.square), location: CallSite(file, line))
}

/// 1 / x.
public func reciprocal(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.reciprocal), location: CallSite(file, line))
}

/// The sine of x in radians.
public func sin(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.sin), location: CallSite(file, line))
}

/// The cosine of x in radians.
public func cos(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.cos), location: CallSite(file, line))
}

/// The hyperbolic tangent.
public func tanh(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.tanh), location: CallSite(file, line))
}

/// 1 / (1 + e^-x).
public func sigmoid(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.sigmoid), location: CallSite(file, line))
}

/// log(1 + e^x), without overflow.
public func softplus(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.softplus), location: CallSite(file, line))
}

/// max(x, 0).
///
/// The gradient at 0 is 0.
public func relu(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.relu), location: CallSite(file, line))
}

/// x Φ(x) with Φ the normal distribution, by the error function rather than its tanh approximation.
public func gelu(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.gelu), location: CallSite(file, line))
}

/// x sigmoid(x), also called swish.
public func silu(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.silu), location: CallSite(file, line))
}

/// The error function.
public func erf(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.erf), location: CallSite(file, line))
}

/// The magnitude; floats or `i32`.
///
/// The gradient at 0 is 0.
public func abs(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.abs), location: CallSite(file, line))
}

/// -1, 0 or 1; floats or `i32`.
///
/// No gradient passes: it is zero.
public func sign(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.sign), location: CallSite(file, line))
}

/// The greatest whole number not above x.
///
/// No gradient passes: it is zero.
public func floor(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.floor), location: CallSite(file, line))
}

/// The smallest whole number not below x.
///
/// No gradient passes: it is zero.
public func ceil(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.ceil), location: CallSite(file, line))
}

/// The nearest whole number, halves to the even one.
///
/// No gradient passes: it is zero.
public func round(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.round), location: CallSite(file, line))
}

/// x where x > 0, else alpha x.
///
/// The gradient at 0 is alpha's.
public func leakyReLU(
  _ x: Tensor, alpha: Double = 0.2, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  x.applying(Unary(.leakyReLU, alpha: alpha), location: CallSite(file, line))
}

/// x where x > 0, else alpha (e^x - 1).
///
/// The gradient at 0 is alpha.
public func elu(_ x: Tensor, alpha: Double = 1, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.elu, alpha: alpha), location: CallSite(file, line))
}
