/// A number `digits × 10^exponent`, which is what the round numbers on an axis are.
///
/// Multiples of a step like 0.1 are exact here, and so are their labels.
struct DecimalNumber: Hashable {
  var digits: Int
  var exponent: Int

  /// The nearest floating-point number, infinite beyond the range.
  var value: Double {
    Double("\(digits)e\(exponent)") ?? 0
  }

  /// The number in full, to the digit that its exponent says, with commas between groups of thousands from
  /// 10,000 on.
  var plainText: String {
    var text = String(digits.magnitude) + String(repeating: "0", count: digits == 0 ? 0 : max(0, exponent))
    var fraction = ""
    if exponent < 0 {
      text = String(repeating: "0", count: max(0, 1 - exponent - text.count)) + text
      fraction = "." + text.suffix(-exponent)
      text.removeLast(-exponent)
    }
    if text.count > 4 {
      let groups = stride(from: text.count, to: 0, by: -3).map { end in
        text.dropLast(text.count - end).suffix(3)
      }
      text = groups.reversed().joined(separator: ",")
    }
    return (digits < 0 ? "−" : "") + text + fraction
  }

  /// The number with a power of ten, such as `1.5×10⁻⁷`.
  var scientificText: String {
    let number = reduced
    guard number.digits != 0 else { return "0" }
    let text = String(number.digits.magnitude)
    let power = "10" + DecimalNumber.superscript(number.exponent + text.count - 1)
    let sign = number.digits < 0 ? "−" : ""
    if text == "1" { return sign + power }
    let fraction = text.dropFirst()
    return sign + text.prefix(1) + (fraction.isEmpty ? "" : "." + fraction) + "×" + power
  }

  /// A finite number rounded to so many significant digits.
  init(rounding value: Double, significantDigits: Int) {
    self.init(digits: 0, exponent: 0)
    guard value != 0 else { return }
    let exponent = DecimalNumber.decade(of: value.magnitude) - significantDigits + 1
    // Where the unit falls below the smallest number there is, the value has no such digits either.
    let scaled = (value / DecimalNumber.power(exponent)).rounded()
    if scaled.isFinite { self = DecimalNumber(digits: Int(scaled), exponent: exponent).reduced }
  }

  init(digits: Int, exponent: Int) {
    self.digits = digits
    self.exponent = exponent
  }

  /// The form that is easier to read: in full, or with a power of ten where that would be long.
  var text: String {
    guard digits != 0 else { return "0" }
    let magnitude = value.magnitude
    return magnitude >= 1e7 || magnitude < 1e-3 ? scientificText : plainText
  }

  /// The same number without zeros at the end of its digits.
  var reduced: DecimalNumber {
    guard digits != 0 else { return DecimalNumber(digits: 0, exponent: 0) }
    var result = self
    while result.digits.isMultiple(of: 10) {
      result.digits /= 10
      result.exponent += 1
    }
    return result
  }

  /// The largest integer `e` with `10^e` not above a positive finite number.
  static func decade(of value: Double) -> Int {
    var decade = Int((Double(value.exponent) * 0.301_029_995_663_981_2).rounded(.down))
    while power(decade + 1) <= value { decade += 1 }
    while power(decade) > value { decade -= 1 }
    return decade
  }

  private static func power(_ exponent: Int) -> Double {
    DecimalNumber(digits: 1, exponent: exponent).value
  }

  private static func superscript(_ number: Int) -> String {
    let forms = Array("⁰¹²³⁴⁵⁶⁷⁸⁹")
    let digits = String(number.magnitude).compactMap { $0.wholeNumberValue.map { forms[$0] } }
    return (number < 0 ? "⁻" : "") + String(digits)
  }
}
