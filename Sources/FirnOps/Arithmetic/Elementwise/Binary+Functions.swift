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
  public static func + (a: Tensor, b: Tensor) -> Tensor { Binary.broadcasting(.add, a, b) }
  public static func - (a: Tensor, b: Tensor) -> Tensor { Binary.broadcasting(.sub, a, b) }
  public static func * (a: Tensor, b: Tensor) -> Tensor { Binary.broadcasting(.mul, a, b) }
  /// The quotient; of integers towards zero, and 0 where the divisor is 0.
  public static func / (a: Tensor, b: Tensor) -> Tensor { Binary.broadcasting(.div, a, b) }

  public static func + (a: Tensor, b: Double) -> Tensor { a + a.scalar(b) }
  public static func - (a: Tensor, b: Double) -> Tensor { a - a.scalar(b) }
  public static func * (a: Tensor, b: Double) -> Tensor { a * a.scalar(b) }
  public static func / (a: Tensor, b: Double) -> Tensor { a / a.scalar(b) }
  public static func + (a: Double, b: Tensor) -> Tensor { b.scalar(a) + b }
  public static func - (a: Double, b: Tensor) -> Tensor { b.scalar(a) - b }
  public static func * (a: Double, b: Tensor) -> Tensor { b.scalar(a) * b }
  public static func / (a: Double, b: Tensor) -> Tensor { b.scalar(a) / b }

  public static func += (a: inout Tensor, b: Tensor) { a = a + b }
  public static func -= (a: inout Tensor, b: Tensor) { a = a - b }
  public static func *= (a: inout Tensor, b: Tensor) { a = a * b }
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

/// a to the power b, with broadcasting; floats only.
public func pow(_ a: Tensor, _ b: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  Binary.broadcasting(.pow, a, b, location: CallSite(file, line))
}

/// a to the power b; floats only.
public func pow(_ a: Tensor, _ b: Double, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  Binary.broadcasting(.pow, a, a.scalar(b), location: CallSite(file, line))
}

/// A number to the power b; floats only.
public func pow(_ a: Double, _ b: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  Binary.broadcasting(.pow, b.scalar(a), b, location: CallSite(file, line))
}

/// The greater, with broadcasting; NaN where either is.
///
/// Ties share the gradient in halves.
public func maximum(_ a: Tensor, _ b: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  Binary.broadcasting(.max, a, b, location: CallSite(file, line))
}

/// The greater of an element and a number.
public func maximum(_ a: Tensor, _ b: Double, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  Binary.broadcasting(.max, a, a.scalar(b), location: CallSite(file, line))
}

/// The smaller, with broadcasting; NaN where either is.
///
/// Ties share the gradient in halves.
public func minimum(_ a: Tensor, _ b: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  Binary.broadcasting(.min, a, b, location: CallSite(file, line))
}

/// The smaller of an element and a number.
public func minimum(_ a: Tensor, _ b: Double, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  Binary.broadcasting(.min, a, a.scalar(b), location: CallSite(file, line))
}

/// max(x, 0) - x z + log(1 + e^-|x|) for logits x and labels z, element by element: the loss of independent yes-or-no
/// answers, unreduced.
public func sigmoidCrossEntropy(
  logits: Tensor, labels: Tensor, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  Binary.broadcasting(.sigmoidCrossEntropy, logits, labels, location: CallSite(file, line))
}
