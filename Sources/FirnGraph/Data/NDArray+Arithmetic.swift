/// Arithmetic of arrays as graphs have it: broadcast by NumPy's rules, of one element type, computed in it.
///
///     let merged = try w + 0.5 * (b * a.transposed())
///
/// Integers wrap round; their quotient is towards zero, and 0 where the divisor is 0. A number stands for a scalar of the
/// array's element type. Each operator throws `.shapeMismatch` where shapes do not broadcast, and `.typeMismatch` where
/// element types differ, are `bool`, or where a fraction stands beside integers.
extension NDArray {
  /// The sum, element by element.
  ///
  /// - Throws: `.shapeMismatch`, `.typeMismatch`.
  public static func + (a: NDArray, b: NDArray) throws(FirnError) -> NDArray { try combining("+", a, b) }
  /// The difference, element by element.
  ///
  /// - Throws: `.shapeMismatch`, `.typeMismatch`.
  public static func - (a: NDArray, b: NDArray) throws(FirnError) -> NDArray { try combining("-", a, b) }
  /// The product, element by element.
  ///
  /// - Throws: `.shapeMismatch`, `.typeMismatch`.
  public static func * (a: NDArray, b: NDArray) throws(FirnError) -> NDArray { try combining("*", a, b) }
  /// The quotient, element by element.
  ///
  /// - Throws: `.shapeMismatch`, `.typeMismatch`.
  public static func / (a: NDArray, b: NDArray) throws(FirnError) -> NDArray { try combining("/", a, b) }

  /// Each element and a number.
  ///
  /// - Throws: `.typeMismatch`.
  public static func + (a: NDArray, b: Double) throws(FirnError) -> NDArray { try a + a.number(b) }
  /// Each element and a number.
  ///
  /// - Throws: `.typeMismatch`.
  public static func - (a: NDArray, b: Double) throws(FirnError) -> NDArray { try a - a.number(b) }
  /// Each element and a number.
  ///
  /// - Throws: `.typeMismatch`.
  public static func * (a: NDArray, b: Double) throws(FirnError) -> NDArray { try a * a.number(b) }
  /// Each element and a number.
  ///
  /// - Throws: `.typeMismatch`.
  public static func / (a: NDArray, b: Double) throws(FirnError) -> NDArray { try a / a.number(b) }
  /// A number and each element.
  ///
  /// - Throws: `.typeMismatch`.
  public static func + (a: Double, b: NDArray) throws(FirnError) -> NDArray { try b.number(a) + b }
  /// A number and each element.
  ///
  /// - Throws: `.typeMismatch`.
  public static func - (a: Double, b: NDArray) throws(FirnError) -> NDArray { try b.number(a) - b }
  /// A number and each element.
  ///
  /// - Throws: `.typeMismatch`.
  public static func * (a: Double, b: NDArray) throws(FirnError) -> NDArray { try b.number(a) * b }
  /// A number and each element.
  ///
  /// - Throws: `.typeMismatch`.
  public static func / (a: Double, b: NDArray) throws(FirnError) -> NDArray { try b.number(a) / b }
  /// Each element with the other sign.
  ///
  /// - Throws: `.typeMismatch` for `bool`.
  public static prefix func - (a: NDArray) throws(FirnError) -> NDArray { try a * -1 }

  private func number(_ value: Double) throws(FirnError) -> NDArray {
    if dtype == .i32, Int32(exactly: value) == nil {
      throw FirnError(
        .typeMismatch, "\(value) beside \(type)", remedy: "convert the array: `converted(to: .f32)`")
    }
    return NDArray(scalar: value).converted(to: dtype)
  }

  private static func combining(_ sign: String, _ a: NDArray, _ b: NDArray) throws(FirnError) -> NDArray {
    guard a.dtype == b.dtype, a.dtype != .bool else {
      throw FirnError(
        .typeMismatch, "\(a.type) \(sign) \(b.type)",
        remedy: a.dtype == b.dtype
          ? "convert truth values: `converted(to: .i32)`" : "convert one: `converted(to: .\(a.dtype))`")
    }
    let shape = try broadcastShape(a, b, sign)
    let (a, b) = (try a.broadcast(to: shape), try b.broadcast(to: shape))
    return switch a.dtype {
    case .f32: a.zipped(b, operation(sign) as (Float, Float) -> Float)
    case .f64: a.zipped(b, operation(sign) as (Double, Double) -> Double)
    case .i32, .bool: a.zipped(b, integerOperation(sign))
    }
  }

  private static func broadcastShape(
    _ a: NDArray, _ b: NDArray, _ sign: String
  ) throws(FirnError) -> [Int] {
    let rank = Swift.max(a.shape.count, b.shape.count)
    func extent(_ array: NDArray, _ axis: Int) -> Int {
      let own = axis - (rank - array.shape.count)
      return own < 0 ? 1 : array.shape[own]
    }
    var shape: [Int] = []
    for axis in 0..<rank {
      let (x, y) = (extent(a, axis), extent(b, axis))
      guard x == y || x == 1 || y == 1 else {
        throw FirnError(
          .shapeMismatch, "\(a.type) \(sign) \(b.type): \(x) beside \(y)",
          remedy: "extents must be the same or 1, counted from the last axis on")
      }
      shape.append(x == 1 ? y : x)
    }
    return shape
  }

  private static func operation<Number: FloatingPoint>(_ sign: String) -> (Number, Number) -> Number {
    switch sign {
    case "+": { $0 + $1 }
    case "-": { $0 - $1 }
    case "*": { $0 * $1 }
    default: { $0 / $1 }
    }
  }

  private static func integerOperation(_ sign: String) -> (Int32, Int32) -> Int32 {
    switch sign {
    case "+": { $0 &+ $1 }
    case "-": { $0 &- $1 }
    case "*": { $0 &* $1 }
    default: { $1 == 0 ? 0 : $0.dividedReportingOverflow(by: $1).partialValue }
    }
  }

  /// `self` and `other` are of one shape and hold elements of this type.
  private func zipped<Element: ArrayElement>(
    _ other: NDArray, _ operation: (Element, Element) -> Element
  ) -> NDArray {
    var result = self
    result.withUnsafeMutableBytes { target in
      let x = target.bindMemory(to: Element.self)
      other.withUnsafeBytes { bytes in
        let y = bytes.bindMemory(to: Element.self)
        for i in x.indices { x[i] = operation(x[i], y[i]) }
      }
    }
    return result
  }
}
