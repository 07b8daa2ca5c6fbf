/// Numbers as people read them: grouped counts, units with a prefix, percentages, durations.
///
/// The same in every locale, so that output can be compared.
package enum NumberFormat {
  /// A whole number in groups of three digits, such as `12,345`.
  package static func count(_ value: Int) -> String {
    (value < 0 ? "-" : "") + grouped(String(value.magnitude))
  }

  /// A number of bytes with a binary prefix, such as `1.5 MiB`.
  package static func bytes(_ value: Int) -> String {
    scaled(Double(value), base: 1024, units: ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"])
  }

  /// A number of floating-point operations with a decimal prefix, such as `3.2 MFLOP`.
  package static func flops(_ value: Int) -> String {
    flops(Double(value))
  }

  /// A number of floating-point operations, possibly an average, with a decimal prefix.
  package static func flops(_ value: Double) -> String {
    scaled(value, base: 1000, units: ["FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP", "PFLOP", "EFLOP"])
  }

  /// A fraction as a percentage with one digit after the point, such as `12.3%`.
  ///
  /// What would round to nothing or to all without being so says `<0.1%` or `>99.9%`.
  package static func percent(_ fraction: Double) -> String {
    if fraction > 0 && fraction < 0.0005 { return "<0.1%" }
    if fraction < 1 && fraction >= 0.9995 { return ">99.9%" }
    return fixed(fraction * 100, digits: 1) + "%"
  }

  /// A number to three significant digits: `0.0123`, `-12.3`, `1.23e-07`; none are added to one that has fewer.
  package static func short(_ value: Double) -> String {
    guard value.isFinite, value != 0 else { return value == 0 ? "0" : shortest(value) }
    let magnitude = value.magnitude
    if magnitude >= 0.000_999_5 && magnitude < 99_999.5 {
      var digits = 0
      while digits < 5, magnitude * power(digits) < 99.95 { digits += 1 }
      var text = fixed(value, digits: digits)
      if text.contains(".") {
        while text.hasSuffix("0") { text.removeLast() }
        if text.hasSuffix(".") { text.removeLast() }
      }
      return text
    }
    var exponent = 0
    var scaled = magnitude
    while scaled >= 9.995 { (scaled, exponent) = (scaled / 10, exponent + 1) }
    while scaled < 0.999_5 { (scaled, exponent) = (scaled * 10, exponent - 1) }
    let size = exponent.magnitude < 10 ? "0\(exponent.magnitude)" : "\(exponent.magnitude)"
    return (value < 0 ? "-" : "") + fixed(scaled, digits: 2) + "e" + (exponent < 0 ? "-" : "+") + size
  }

  /// The shortest form that is exact, and of NaN, whose sign depends on how it came about, `nan`.
  private static func shortest(_ value: Double) -> String { value.isNaN ? "nan" : "\(value)" }

  private static func power(_ digits: Int) -> Double { (0..<digits).reduce(1) { power, _ in power * 10 } }

  /// A duration to the precision that matters: `340 µs`, `12.5 ms`, `2.3 s`, `4:05`, `1:02:09`.
  package static func duration(_ value: Duration) -> String {
    let seconds = value / .seconds(1)
    if seconds < 0 { return "-" + duration(.zero - value) }
    if seconds < 0.000_999_5 { return fixed(seconds * 1e6, digits: 0) + " µs" }
    if seconds < 0.999_95 { return fixed(seconds * 1e3, digits: 1) + " ms" }
    if seconds < 59.95 { return fixed(seconds, digits: 1) + " s" }
    return clock(value)
  }

  /// A duration in whole seconds as on a clock: `0:06`, `4:05`, `1:02:09`.
  package static func clock(_ value: Duration) -> String {
    let (whole, attoseconds) = value.components
    let total = max(0, whole + (attoseconds >= 500_000_000_000_000_000 ? 1 : 0))
    let (hours, minutes, seconds) = (total / 3600, total / 60 % 60, total % 60)
    guard hours > 0 else { return "\(minutes):\(twoDigits(seconds))" }
    return "\(hours):\(twoDigits(minutes)):\(twoDigits(seconds))"
  }

  /// A number with a fixed count of digits after the point, rounded to nearest, ties away from zero.
  ///
  /// - Parameters:
  ///   - value: The number; one of 10¹⁵ and above, or not finite, is written in the shortest exact form.
  ///   - digits: The count of digits, from 0 to 15.
  package static func fixed(_ value: Double, digits: Int) -> String {
    let digits = min(max(digits, 0), 15)
    let power = (0..<digits).reduce(1.0) { power, _ in power * 10 }
    let scaled = (value.magnitude * power).rounded()
    guard scaled < 9e15 else { return shortest(value) }
    let text = String(Int(scaled))
    let padded = String(repeating: "0", count: max(0, digits + 1 - text.count)) + text
    let sign = value < 0 && scaled > 0 ? "-" : ""
    return sign + padded.dropLast(digits) + (digits > 0 ? "." + padded.suffix(digits) : "")
  }

  private static func scaled(_ value: Double, base: Double, units: [String]) -> String {
    var magnitude = value.magnitude
    guard magnitude.isFinite else { return "\(shortest(value)) \(units[0])" }
    var unit = 0
    // The limit is where one digit after the point would round up to the next unit.
    while unit + 1 < units.count && magnitude >= (unit == 0 ? base : base - 0.05) {
      magnitude /= base
      unit += 1
    }
    let isWhole = unit == 0 && magnitude.rounded() == magnitude
    let signed = value < 0 ? -magnitude : magnitude
    return fixed(signed, digits: isWhole ? 0 : 1) + " " + units[unit]
  }

  private static func grouped(_ digits: String) -> String {
    var result = ""
    for (index, digit) in digits.enumerated() {
      if index > 0 && (digits.count - index).isMultiple(of: 3) { result.append(",") }
      result.append(digit)
    }
    return result
  }

  private static func twoDigits(_ value: Int64) -> String {
    value < 10 ? "0\(value)" : "\(value)"
  }
}
