public import FirnGraph

extension Tensor {
  /// The negative, element by element; of integers it wraps round.
  ///
  /// Constraints: (C1) x is floating point or `i32`; the result has its shape and type.
  ///
  /// - Complexity: 1 FLOP and 8 bytes moved an element in `f32`.
  public static prefix func - (x: Tensor) -> Tensor { x.applying(Unary(.neg)) }
}

/// e to the power x, element by element.
///
/// Its derivative is itself; +inf above about 88.7 in `f32`.
///
/// Constraints: (C1) x is floating point; the result has its shape and type.
///
/// - Complexity: 1 FLOP and 8 bytes moved an element in `f32`.
public func exp(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.exp), location: CallSite(file, line))
}

/// e^x - 1, element by element, exact near 0.
///
/// Its derivative is e^x.
///
/// Constraints: (C1) x is floating point; the result has its shape and type.
///
/// - Complexity: 1 FLOP and 8 bytes moved an element in `f32`.
public func expm1(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.expm1), location: CallSite(file, line))
}

/// The natural logarithm, element by element.
///
/// NaN below 0, -inf at 0. Its derivative is 1 / x.
///
/// Constraints: (C1) x is floating point; the result has its shape and type.
///
/// - Complexity: 1 FLOP and 8 bytes moved an element in `f32`.
public func log(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.log), location: CallSite(file, line))
}

/// log(1 + x), element by element, exact near 0.
///
/// NaN below -1, -inf at -1. Its derivative is 1 / (1 + x).
///
/// Constraints: (C1) x is floating point; the result has its shape and type.
///
/// - Complexity: 1 FLOP and 8 bytes moved an element in `f32`.
public func log1p(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.log1p), location: CallSite(file, line))
}

/// The square root, element by element.
///
/// NaN below 0. Its derivative, 1 / (2 √x), is infinite at 0.
///
/// Constraints: (C1) x is floating point; the result has its shape and type.
///
/// - Complexity: 1 FLOP and 8 bytes moved an element in `f32`.
public func sqrt(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.sqrt), location: CallSite(file, line))
}

/// 1 / √x, element by element.
///
/// NaN below 0, +inf at 0. Its derivative is -1 / (2 x √x).
///
/// Constraints: (C1) x is floating point; the result has its shape and type.
///
/// - Complexity: 2 FLOPs and 8 bytes moved an element in `f32`.
public func rsqrt(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.rsqrt), location: CallSite(file, line))
}

/// x times itself, element by element.
///
/// Integers wrap round. Its derivative is 2 x.
///
/// Constraints: (C1) x is floating point or `i32`; the result has its shape and type.
///
/// - Complexity: 1 FLOP and 8 bytes moved an element in `f32`.
public func square(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.square), location: CallSite(file, line))
}

/// 1 / x, element by element.
///
/// Infinite, with the sign of x, at 0. Its derivative is -1 / x².
///
/// Constraints: (C1) x is floating point; the result has its shape and type.
///
/// - Complexity: 1 FLOP and 8 bytes moved an element in `f32`.
public func reciprocal(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.reciprocal), location: CallSite(file, line))
}

/// The sine, element by element, of x in radians.
///
/// NaN of an infinite x. Its derivative is cos x.
///
/// Constraints: (C1) x is floating point; the result has its shape and type.
///
/// - Complexity: 1 FLOP and 8 bytes moved an element in `f32`.
public func sin(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.sin), location: CallSite(file, line))
}

/// The cosine, element by element, of x in radians.
///
/// NaN of an infinite x. Its derivative is -sin x.
///
/// Constraints: (C1) x is floating point; the result has its shape and type.
///
/// - Complexity: 1 FLOP and 8 bytes moved an element in `f32`.
public func cos(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.cos), location: CallSite(file, line))
}

/// The hyperbolic tangent, element by element.
///
/// Its derivative is 1 - tanh² x.
///
/// Constraints: (C1) x is floating point; the result has its shape and type.
///
/// - Complexity: 1 FLOP and 8 bytes moved an element in `f32`.
public func tanh(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.tanh), location: CallSite(file, line))
}

/// 1 / (1 + e^-x), the logistic function, element by element.
///
/// Its derivative is y (1 - y). A loss of it is `sigmoidCrossEntropy` of the logits, which does not lose digits.
///
/// Constraints: (C1) x is floating point; the result has its shape and type.
///
/// - Complexity: 3 FLOPs and 8 bytes moved an element in `f32`.
public func sigmoid(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.sigmoid), location: CallSite(file, line))
}

/// log(1 + e^x), element by element, without overflow.
///
/// Its derivative is sigmoid x. Dugas et al., NIPS 2000.
///
/// Constraints: (C1) x is floating point; the result has its shape and type.
///
/// - Complexity: 4 FLOPs and 8 bytes moved an element in `f32`.
public func softplus(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.softplus), location: CallSite(file, line))
}

/// max(x, 0), element by element.
///
/// The gradient at 0 is 0, as in PyTorch and TensorFlow. NaN stays NaN, and its gradient is 1. Nair and Hinton, ICML
/// 2010.
///
/// Constraints: (C1) x is floating point; the result has its shape and type.
///
/// - Complexity: 1 FLOP and 8 bytes moved an element in `f32`.
public func relu(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.relu), location: CallSite(file, line))
}

/// x Φ(x), element by element, with Φ the normal distribution.
///
/// By the error function, PyTorch's and Keras's default, rather than its tanh approximation. Its derivative is Φ(x) + x
/// φ(x). Hendrycks and Gimpel, 2016, section 2.
///
/// Constraints: (C1) x is floating point; the result has its shape and type.
///
/// - Complexity: 5 FLOPs and 8 bytes moved an element in `f32`.
public func gelu(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.gelu), location: CallSite(file, line))
}

/// x sigmoid(x), element by element; also called swish.
///
/// Its derivative is s + y (1 - s) with s the sigmoid. Elfwing, Uchibe and Doya, Neural Networks 107 (2018).
///
/// Constraints: (C1) x is floating point; the result has its shape and type.
///
/// - Complexity: 4 FLOPs and 8 bytes moved an element in `f32`.
public func silu(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.silu), location: CallSite(file, line))
}

/// x relu6(x + 3) / 6, element by element: x from 3, 0 to -3, and x (x + 3) / 6 between; PyTorch's `hardswish`.
///
/// Its derivative is x / 3 + 1 / 2 between -3 and 3; at -3 it is 0 and at 3 it is 1. NaN stays NaN, and its gradient is
/// 1; the result is -0 below -3, at minus infinity too. An op of its own since a composition is too slow and needs too
/// much memory: five passes over memory instead of one, and three arrays kept for the gradient instead of x. Howard et
/// al., ICCV 2019, section 5.2.
///
/// Constraints: (C1) x is floating point; the result has its shape and type.
///
/// - Complexity: 4 FLOPs and 8 bytes moved an element in `f32`.
public func hardSwish(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.hardSwish), location: CallSite(file, line))
}

/// The error function, element by element: 2/√π times the integral of e^-t² from 0 to x.
///
/// Its derivative is 2/√π e^-x².
///
/// Constraints: (C1) x is floating point; the result has its shape and type.
///
/// - Complexity: 1 FLOP and 8 bytes moved an element in `f32`.
public func erf(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.erf), location: CallSite(file, line))
}

/// The magnitude, element by element.
///
/// The gradient at 0 is 0, and at NaN, as in PyTorch. Of integers the least, which has no opposite, stays itself.
///
/// Constraints: (C1) x is floating point or `i32`; the result has its shape and type.
///
/// - Complexity: 1 FLOP and 8 bytes moved an element in `f32`.
public func abs(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.abs), location: CallSite(file, line))
}

/// -1, 0 or 1, element by element; NaN of NaN.
///
/// The gradient is zero everywhere: none passes.
///
/// Constraints: (C1) x is floating point or `i32`; the result has its shape and type.
///
/// - Complexity: 1 FLOP and 8 bytes moved an element in `f32`.
public func sign(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.sign), location: CallSite(file, line))
}

/// The greatest whole number not above x, element by element, in x's type.
///
/// The gradient is zero everywhere: none passes.
///
/// Constraints: (C1) x is floating point; the result has its shape and type.
///
/// - Complexity: 1 FLOP and 8 bytes moved an element in `f32`.
public func floor(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.floor), location: CallSite(file, line))
}

/// The smallest whole number not below x, element by element, in x's type.
///
/// The gradient is zero everywhere: none passes.
///
/// Constraints: (C1) x is floating point; the result has its shape and type.
///
/// - Complexity: 1 FLOP and 8 bytes moved an element in `f32`.
public func ceil(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.ceil), location: CallSite(file, line))
}

/// The nearest whole number, element by element, in x's type; halves go to the even one, as in NumPy and PyTorch.
///
/// The gradient is zero everywhere: none passes.
///
/// Constraints: (C1) x is floating point; the result has its shape and type.
///
/// - Complexity: 1 FLOP and 8 bytes moved an element in `f32`.
public func round(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.round), location: CallSite(file, line))
}

/// x where x > 0, else alpha x, element by element.
///
/// The gradient at 0 is alpha. Maas, Hannun and Ng, ICML 2013 workshop.
///
/// Constraints: (C1) x is floating point; the result has its shape and type.
///
/// - Parameters:
///   - x: floating point, any shape.
///   - alpha: the slope below 0; 0.2 is TensorFlow's default, PyTorch's is 0.01, that of Keras's layer 0.3.
///
/// - Complexity: 2 FLOPs and 8 bytes moved an element in `f32`.
public func leakyReLU(
  _ x: Tensor, alpha: Double = 0.2, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  x.applying(Unary(.leakyReLU, alpha: alpha), location: CallSite(file, line))
}

/// x where x > 0, else alpha (e^x - 1), element by element.
///
/// The gradient at 0 is alpha, at NaN 1. Clevert, Unterthiner and Hochreiter, ICLR 2016, equation 15.
///
/// Constraints: (C1) x is floating point; the result has its shape and type.
///
/// - Parameters:
///   - x: floating point, any shape.
///   - alpha: what it tends to below, times -1.
///
/// - Complexity: 3 FLOPs and 8 bytes moved an element in `f32`.
public func elu(_ x: Tensor, alpha: Double = 1, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.elu, alpha: alpha), location: CallSite(file, line))
}

/// x Φ(x) by its approximation with a hyperbolic tangent, element by element.
///
/// 0.5 x (1 + tanh(√(2 / π) (x + 0.044715 x³))): PyTorch's `gelu(x, approximate="tanh")`, as GPT-2 has it. `gelu` is
/// exact.
///
/// Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016.
///
/// Constraints: (C1) x is floating point; the result has its shape and type.
///
/// - Complexity: 9 FLOPs and 8 bytes moved an element in `f32`.
public func geluTanh(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.geluTanh), location: CallSite(file, line))
}

/// x tanh(log(1 + e^x)), element by element.
///
/// -0 at minus infinity; the gradient there, and at infinity, is NaN.
///
/// Misra, "Mish: A Self Regularized Non-Monotonic Activation Function", 2019.
///
/// Constraints: (C1) x is floating point; the result has its shape and type.
///
/// - Complexity: 8 FLOPs and 8 bytes moved an element in `f32`.
public func mish(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.mish), location: CallSite(file, line))
}

/// The tangent, element by element, of radians.
///
/// Its derivative is 1 + tan² x.
///
/// Constraints: (C1) x is floating point; the result has its shape and type.
///
/// - Complexity: 1 FLOP and 8 bytes moved an element in `f32`.
public func tan(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.tan), location: CallSite(file, line))
}

/// The arc sine, element by element, in radians.
///
/// NaN outside -1...1. Its derivative is 1 / √(1 - x²), infinite at both ends.
///
/// Constraints: (C1) x is floating point; the result has its shape and type.
///
/// - Complexity: 1 FLOP and 8 bytes moved an element in `f32`.
public func asin(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.asin), location: CallSite(file, line))
}

/// The arc cosine, element by element, in radians.
///
/// NaN outside -1...1. Its derivative is -1 / √(1 - x²), infinite at both ends.
///
/// Constraints: (C1) x is floating point; the result has its shape and type.
///
/// - Complexity: 1 FLOP and 8 bytes moved an element in `f32`.
public func acos(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.acos), location: CallSite(file, line))
}

/// The arc tangent, element by element, in radians.
///
/// Its derivative is 1 / (1 + x²).
///
/// Constraints: (C1) x is floating point; the result has its shape and type.
///
/// - Complexity: 1 FLOP and 8 bytes moved an element in `f32`.
public func atan(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.atan), location: CallSite(file, line))
}

/// The hyperbolic sine, element by element.
///
/// Its derivative is the hyperbolic cosine.
///
/// Constraints: (C1) x is floating point; the result has its shape and type.
///
/// - Complexity: 1 FLOP and 8 bytes moved an element in `f32`.
public func sinh(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.sinh), location: CallSite(file, line))
}

/// The hyperbolic cosine, element by element.
///
/// Its derivative is the hyperbolic sine.
///
/// Constraints: (C1) x is floating point; the result has its shape and type.
///
/// - Complexity: 1 FLOP and 8 bytes moved an element in `f32`.
public func cosh(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.cosh), location: CallSite(file, line))
}

/// The inverse of the hyperbolic sine, element by element.
///
/// Its derivative is 1 / √(x² + 1).
///
/// Constraints: (C1) x is floating point; the result has its shape and type.
///
/// - Complexity: 1 FLOP and 8 bytes moved an element in `f32`.
public func asinh(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.asinh), location: CallSite(file, line))
}

/// The inverse of the hyperbolic cosine, element by element.
///
/// NaN below 1. Its derivative is 1 / √(x² - 1), infinite at 1.
///
/// Constraints: (C1) x is floating point; the result has its shape and type.
///
/// - Complexity: 1 FLOP and 8 bytes moved an element in `f32`.
public func acosh(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.acosh), location: CallSite(file, line))
}

/// The inverse of the hyperbolic tangent, element by element.
///
/// NaN outside -1...1, infinite at both ends. Its derivative is 1 / (1 - x²).
///
/// Constraints: (C1) x is floating point; the result has its shape and type.
///
/// - Complexity: 1 FLOP and 8 bytes moved an element in `f32`.
public func atanh(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Unary(.atanh), location: CallSite(file, line))
}
