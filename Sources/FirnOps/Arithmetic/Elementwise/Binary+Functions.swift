public import FirnGraph

extension Binary {
  /// The op on both operands broadcast to one shape.
  static func broadcasting(
    _ function: Function, _ a: Tensor, _ b: Tensor, location: CallSite? = nil
  ) -> Tensor {
    guard let (a, b) = aligned(function.rawValue, a, b, location: location) else {
      return .poisoned(in: a.graph)
    }
    return a.applying(Binary(function), b, location: location)
  }
}

/// Operators broadcast by NumPy's rules: shapes are compared from the last axis on, and an extent of 1 (or a missing
/// axis) is repeated. A number stands for a scalar of the tensor's element type.
extension Tensor {
  /// The sum, element by element, with broadcasting; integers wrap round.
  ///
  /// Constraints: (C1) the shapes broadcast; (C2) one element type; (C3) floating point or `i32`.
  ///
  /// - Complexity: 1 FLOP and 12 bytes moved an element of the result in `f32`; what is broadcast is written out first.
  public static func + (a: Tensor, b: Tensor) -> Tensor { Binary.broadcasting(.add, a, b) }
  /// The difference, element by element, with broadcasting; integers wrap round.
  ///
  /// Constraints: (C1) the shapes broadcast; (C2) one element type; (C3) floating point or `i32`.
  ///
  /// - Complexity: 1 FLOP and 12 bytes moved an element of the result in `f32`; what is broadcast is written out first.
  public static func - (a: Tensor, b: Tensor) -> Tensor { Binary.broadcasting(.sub, a, b) }
  /// The product, element by element, with broadcasting; integers wrap round.
  ///
  /// The product of matrices is `matmul`.
  ///
  /// Constraints: (C1) the shapes broadcast; (C2) one element type; (C3) floating point or `i32`.
  ///
  /// - Complexity: 1 FLOP and 12 bytes moved an element of the result in `f32`; what is broadcast is written out first.
  public static func * (a: Tensor, b: Tensor) -> Tensor { Binary.broadcasting(.mul, a, b) }
  /// The quotient, element by element, with broadcasting; of integers towards zero, and 0 where the divisor is 0.
  ///
  /// Of floats it is infinite or NaN where the divisor is 0.
  ///
  /// Constraints: (C1) the shapes broadcast; (C2) one element type; (C3) floating point or `i32`.
  ///
  /// - Complexity: 1 FLOP and 12 bytes moved an element of the result in `f32`; what is broadcast is written out first.
  public static func / (a: Tensor, b: Tensor) -> Tensor { Binary.broadcasting(.div, a, b) }

  /// The sum of each element and a number, as one of the tensor's element type.
  ///
  /// Constraints: (C2) beside `i32` the number is a whole one of 32 bits; (C3) the tensor is floating point or `i32`.
  ///
  /// - Complexity: 1 FLOP and 16 bytes moved an element in `f32`, the number written out included.
  public static func + (a: Tensor, b: Double) -> Tensor { a + a.scalar(b) }
  /// The difference of each element and a number, as one of the tensor's element type.
  ///
  /// Constraints: (C2) beside `i32` the number is a whole one of 32 bits; (C3) the tensor is floating point or `i32`.
  ///
  /// - Complexity: 1 FLOP and 16 bytes moved an element in `f32`, the number written out included.
  public static func - (a: Tensor, b: Double) -> Tensor { a - a.scalar(b) }
  /// The product of each element and a number, as one of the tensor's element type.
  ///
  /// Constraints: (C2) beside `i32` the number is a whole one of 32 bits; (C3) the tensor is floating point or `i32`.
  ///
  /// - Complexity: 1 FLOP and 16 bytes moved an element in `f32`, the number written out included.
  public static func * (a: Tensor, b: Double) -> Tensor { a * a.scalar(b) }
  /// The quotient of each element and a number, as one of the tensor's element type; of integers towards zero, and 0
  /// where the divisor is 0.
  ///
  /// Constraints: (C2) beside `i32` the number is a whole one of 32 bits; (C3) the tensor is floating point or `i32`.
  ///
  /// - Complexity: 1 FLOP and 16 bytes moved an element in `f32`, the number written out included.
  public static func / (a: Tensor, b: Double) -> Tensor { a / a.scalar(b) }
  /// The sum of a number, as one of the tensor's element type, and each element.
  ///
  /// Constraints: (C2) beside `i32` the number is a whole one of 32 bits; (C3) the tensor is floating point or `i32`.
  ///
  /// - Complexity: 1 FLOP and 16 bytes moved an element in `f32`, the number written out included.
  public static func + (a: Double, b: Tensor) -> Tensor { b.scalar(a) + b }
  /// The difference of a number, as one of the tensor's element type, and each element.
  ///
  /// Constraints: (C2) beside `i32` the number is a whole one of 32 bits; (C3) the tensor is floating point or `i32`.
  ///
  /// - Complexity: 1 FLOP and 16 bytes moved an element in `f32`, the number written out included.
  public static func - (a: Double, b: Tensor) -> Tensor { b.scalar(a) - b }
  /// The product of a number, as one of the tensor's element type, and each element.
  ///
  /// Constraints: (C2) beside `i32` the number is a whole one of 32 bits; (C3) the tensor is floating point or `i32`.
  ///
  /// - Complexity: 1 FLOP and 16 bytes moved an element in `f32`, the number written out included.
  public static func * (a: Double, b: Tensor) -> Tensor { b.scalar(a) * b }
  /// The quotient of a number, as one of the tensor's element type, and each element; of integers towards zero, and 0
  /// where the divisor is 0.
  ///
  /// Constraints: (C2) beside `i32` the number is a whole one of 32 bits; (C3) the tensor is floating point or `i32`.
  ///
  /// - Complexity: 1 FLOP and 16 bytes moved an element in `f32`, the number written out included.
  public static func / (a: Double, b: Tensor) -> Tensor { b.scalar(a) / b }

  /// Lets `a` name the sum of both; the tensor it named is as it was.
  ///
  /// Constraints C1 to C3 are those of `+`.
  public static func += (a: inout Tensor, b: Tensor) { a = a + b }
  /// Lets `a` name the difference of both; the tensor it named is as it was.
  ///
  /// Constraints C1 to C3 are those of `-`.
  public static func -= (a: inout Tensor, b: Tensor) { a = a - b }
  /// Lets `a` name the product of both; the tensor it named is as it was.
  ///
  /// Constraints C1 to C3 are those of `*`.
  public static func *= (a: inout Tensor, b: Tensor) { a = a * b }
  /// Lets `a` name the quotient of both; the tensor it named is as it was.
  ///
  /// Constraints C1 to C3 are those of `/`.
  public static func /= (a: inout Tensor, b: Tensor) { a = a / b }

  /// A number as a constant of this tensor's element type; poison beside poison, and for a fraction beside integers.
  func scalar(_ value: Double) -> Tensor {
    if isPoisoned { return self }
    if dtype == .i32, Int32(exactly: value) == nil {
      return fault(
        .typeMismatch, "\(value) is no i32, as \(name) is", remedy: "cast the tensor to f32",
        constraint: "C2", location: nil)
    }
    return graph.constant(value, dtype: dtype)
  }
}

/// a to the power b, element by element, with broadcasting.
///
/// NaN below 0 unless b is whole. Of an exponent of 0 the gradient is 0; towards the exponent it is 0 at base 0, NaN
/// below.
///
/// Constraints: (C1) the shapes broadcast; (C2) one element type; (C3) floating point.
///
/// - Complexity: 1 FLOP and 12 bytes moved an element of the result in `f32`; what is broadcast is written out first.
public func pow(_ a: Tensor, _ b: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  Binary.broadcasting(.pow, a, b, location: CallSite(file, line))
}

/// Each element to the power b; NaN below 0 unless b is whole.
///
/// Of an exponent of 0 the gradient is 0. For b = 2 `square` is cheaper, for ½ `sqrt`.
///
/// Constraints: (C2) beside `i32` the number is a whole one; (C3) the tensor is floating point.
///
/// - Complexity: 1 FLOP and 16 bytes moved an element in `f32`, the number written out included.
public func pow(_ a: Tensor, _ b: Double, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  Binary.broadcasting(.pow, a, a.scalar(b), location: CallSite(file, line))
}

/// A number to the power of each element.
///
/// Constraints: (C2) beside `i32` the number is a whole one; (C3) the tensor is floating point.
///
/// - Complexity: 1 FLOP and 16 bytes moved an element in `f32`, the number written out included.
public func pow(_ a: Double, _ b: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  Binary.broadcasting(.pow, b.scalar(a), b, location: CallSite(file, line))
}

/// The greater of two elements, with broadcasting; NaN where either is.
///
/// Operands that tie share the gradient in halves; where either is NaN, both have all of it, as in PyTorch. Along axes
/// it is `Tensor.max(axes:)`.
///
/// Constraints: (C1) the shapes broadcast; (C2) one element type; (C3) floating point or `i32`.
///
/// - Complexity: 1 FLOP and 12 bytes moved an element of the result in `f32`; what is broadcast is written out first.
public func maximum(_ a: Tensor, _ b: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  Binary.broadcasting(.max, a, b, location: CallSite(file, line))
}

/// The greater of each element and a number; NaN where the element is.
///
/// Where they tie the element has half of the gradient.
///
/// Constraints: (C2) beside `i32` the number is a whole one of 32 bits; (C3) the tensor is floating point or `i32`.
///
/// - Complexity: 1 FLOP and 16 bytes moved an element in `f32`, the number written out included.
public func maximum(_ a: Tensor, _ b: Double, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  Binary.broadcasting(.max, a, a.scalar(b), location: CallSite(file, line))
}

/// The smaller of two elements, with broadcasting; NaN where either is.
///
/// Operands that tie share the gradient in halves; where either is NaN, both have all of it, as in PyTorch. Along axes
/// it is `Tensor.min(axes:)`.
///
/// Constraints: (C1) the shapes broadcast; (C2) one element type; (C3) floating point or `i32`.
///
/// - Complexity: 1 FLOP and 12 bytes moved an element of the result in `f32`; what is broadcast is written out first.
public func minimum(_ a: Tensor, _ b: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  Binary.broadcasting(.min, a, b, location: CallSite(file, line))
}

/// The smaller of each element and a number; NaN where the element is.
///
/// Where they tie the element has half of the gradient.
///
/// Constraints: (C2) beside `i32` the number is a whole one of 32 bits; (C3) the tensor is floating point or `i32`.
///
/// - Complexity: 1 FLOP and 16 bytes moved an element in `f32`, the number written out included.
public func minimum(_ a: Tensor, _ b: Double, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  Binary.broadcasting(.min, a, a.scalar(b), location: CallSite(file, line))
}

/// The loss of independent yes-or-no answers, element by element and unreduced: max(x, 0) - x z + log(1 + e^-|x|).
///
/// That is -z log σ(x) - (1 - z) log(1 - σ(x)) without overflow: PyTorch's `binary_cross_entropy_with_logits` with
/// `reduction="none"`, TensorFlow's `sigmoid_cross_entropy_with_logits`. Take its `mean()` for a loss.
///
/// Constraints: (C1) the shapes broadcast; (C2) one element type; (C3) floating point.
///
/// - Parameters:
///   - logits: x, before the sigmoid.
///   - labels: z, on 0...1; gradients pass to them as well.
/// - Complexity: 6 FLOPs and 12 bytes moved an element of the result in `f32`; what is broadcast is written out first.
public func sigmoidCrossEntropy(
  logits: Tensor, labels: Tensor, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  Binary.broadcasting(.sigmoidCrossEntropy, logits, labels, location: CallSite(file, line))
}

/// What is left of a where b goes into it a whole number of times towards zero, with broadcasting: C's `fmod`.
///
/// a - b trunc(a / b), exactly, of the sign of a; of integers too, 0 where b is 0, where floats give NaN. The gradient
/// towards b is -trunc(a / b). PyTorch's `fmod`, Swift's `truncatingRemainder`; `floorRemainder` has b's sign.
///
/// Constraints: (C1) the shapes broadcast; (C2) one element type; (C3) floating point or `i32`.
///
/// - Complexity: 1 FLOP and 12 bytes moved an element of the result in `f32`; what is broadcast is written out first.
public func truncatingRemainder(
  _ a: Tensor, _ b: Tensor, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  Binary.broadcasting(.fmod, a, b, location: CallSite(file, line))
}

/// What is left of a where b goes into it a whole number of times downwards, with broadcasting: Python's `%`.
///
/// a - b ⌊a / b⌋, of the sign of b; 0 of integers where b is 0, where floats give NaN. PyTorch's `remainder`.
///
/// Constraints: (C1) the shapes broadcast; (C2) one element type; (C3) floating point or `i32`.
///
/// - Complexity: 6 FLOPs an element of the result; what is broadcast is written out first.
public func floorRemainder(
  _ a: Tensor, _ b: Tensor, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  let rest = truncatingRemainder(a, b, file: file, line: line)
  if rest.isPoisoned { return rest }
  return a.graph.at(CallSite(file, line)) {
    let divisor = b.repeated(to: rest.shape)
    let zero = rest.filled(0)
    let differs = logicalXor(less(rest, zero), less(divisor, zero))
    return select(where: logicalAnd(differs, notEqual(rest, zero)), rest + divisor, otherwise: rest)
  }
}
