/// How the elements of one array are written: all as wide as each other, by NumPy's default options.
struct ElementText {
  private static let precision = 8
  private let dtype: DType
  private let isScientific: Bool
  /// Characters before the point, the sign among them, and behind it.
  private var left = 0
  private var right = 0
  /// Digits of the exponents.
  private var exponentWidth = 2

  /// - Parameter values: the elements that are shown.
  init(_ values: [Double], _ dtype: DType) {
    self.dtype = dtype
    let finite = values.filter(\.isFinite)
    guard dtype.isFloatingPoint else {
      isScientific = false
      left = dtype == .bool ? 5 : values.map { "\(Int($0))".count }.max() ?? 0
      return
    }
    isScientific = Self.isScientific(finite.map(\.magnitude).filter { $0 > 0 }, dtype)
    for value in finite {
      let parts = Self.parts(value, dtype, isScientific: isScientific)
      left = Swift.max(left, parts.whole.count)
      right = Swift.max(right, parts.fraction.count)
      exponentWidth = Swift.max(exponentWidth, "\(parts.exponent.magnitude)".count)
    }
    if finite.count < values.count {
      // Numbers that are none count the point and the exponent too.
      let offset = finite.isEmpty ? 1 : right + 1 + (isScientific ? exponentWidth + 2 : 0)
      left = Swift.max(left, 3 - offset, (values.contains(-.infinity) ? 4 : 3) - offset)
    }
  }

  /// Large and small numbers beside each other, or far from 1.
  private static func isScientific(_ magnitudes: [Double], _ dtype: DType) -> Bool {
    guard let most = magnitudes.max(), let least = magnitudes.min() else { return false }
    if dtype == .f32 {
      return most >= 1e6 || Float(least) < 0.0001 || Float(most) / Float(least) > 1000
    }
    return most >= 1e8 || least < 0.0001 || most / least > 1000
  }

  private static func parts(
    _ value: Double, _ dtype: DType, isScientific: Bool
  ) -> (whole: String, fraction: String, exponent: Int) {
    let sign = value.sign == .minus ? "-" : ""
    let shortest = DecimalDigits(value, of: dtype)
    if isScientific {
      var digits = shortest.rounded(toDigits: precision + 1)
      let exponent = digits.exponent - 1
      digits.exponent = 1
      let (whole, fraction) = digits.positional
      return (sign + whole, fraction, exponent)
    }
    let (whole, fraction) = shortest.rounded(toDigits: shortest.exponent + precision).positional
    return (sign + whole, fraction, 0)
  }

  func callAsFunction(_ value: Double) -> String {
    func padded(_ text: String, _ width: Int) -> String {
      String(repeating: " ", count: Swift.max(width - text.count, 0)) + text
    }
    switch dtype {
    case .bool: return value == 0 ? "False" : " True"
    case .i32: return padded("\(Int(value))", left)
    case .f32, .f64:
      if !value.isFinite {
        return padded(Self.nonFinite(value), left + 1 + right + (isScientific ? exponentWidth + 2 : 0))
      }
      let (whole, fraction, exponent) = Self.parts(value, dtype, isScientific: isScientific)
      let filler = String(repeating: isScientific ? "0" : " ", count: right - fraction.count)
      return padded(whole, left) + "." + fraction + filler
        + (isScientific ? Self.exponent(exponent, width: exponentWidth) : "")
    }
  }

  /// A number by itself, with all its digits: `1.5`, `1e-05`, `True`.
  static func scalar(_ value: Double, _ dtype: DType) -> String {
    switch dtype {
    case .bool: return value == 0 ? "False" : "True"
    case .i32: return "\(Int(value))"
    case .f32, .f64:
      if !value.isFinite { return nonFinite(value) }
      let sign = value.sign == .minus ? "-" : ""
      var digits = DecimalDigits(value, of: dtype)
      if value == 0 || (1e-4..<(dtype == .f32 ? 1e6 : 1e16)).contains(value.magnitude) {
        let (whole, fraction) = digits.positional
        return sign + whole + "." + (fraction.isEmpty ? "0" : fraction)
      }
      let power = digits.exponent - 1
      digits.exponent = 1
      let (whole, fraction) = digits.positional
      return sign + whole + (fraction.isEmpty ? "" : "." + fraction) + exponent(power, width: 2)
    }
  }

  private static func exponent(_ value: Int, width: Int) -> String {
    let digits = "\(value.magnitude)"
    return "e" + (value < 0 ? "-" : "+") + String(repeating: "0", count: Swift.max(width - digits.count, 0))
      + digits
  }

  private static func nonFinite(_ value: Double) -> String {
    value.isNaN ? "nan" : value < 0 ? "-inf" : "inf"
  }
}
