/// The shortest decimal number that reads back as a floating point number: `0.d₁d₂… · 10^exponent`, without a sign.
struct DecimalDigits {
  /// Without zeros at either end; empty for zero.
  var digits: [UInt8]
  /// Where the point is: before the first digit for 0.
  var exponent: Int
  private let magnitude: Double

  /// Of a finite number; the shortest among numbers of `dtype`.
  init(_ value: Double, of dtype: DType) {
    magnitude = value.magnitude
    let text = dtype == .f32 ? "\(Float(magnitude))" : "\(magnitude)"
    let parts = text.split(separator: "e")
    let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
    digits = mantissa.joined().utf8.map { $0 - 48 }
    exponent = mantissa[0].count + (parts.count > 1 ? Int(parts[1]) ?? 0 : 0)
    let zeros = digits.prefix { $0 == 0 }.count
    digits.removeFirst(zeros)
    exponent -= zeros
    trim()
    if digits.isEmpty { exponent = 1 }
  }

  /// Rounded to `count` digits as the number itself is, not its shortest form; exact halves to an even digit.
  func rounded(toDigits count: Int) -> DecimalDigits {
    guard count < digits.count else { return self }
    var result = self
    if count < 0 {
      (result.digits, result.exponent) = ([], 1)
      return result
    }
    let rest = digits[count...]
    result.digits = Array(digits[..<count])
    let goesUp: Bool
    if rest.first == 5, rest.count == 1 {
      let side = comparison()
      goesUp = side > 0 || (side == 0 && (result.digits.last ?? 0) % 2 == 1)
    } else {
      goesUp = (rest.first ?? 0) >= 5
    }
    if goesUp { result.increment() }
    result.trim()
    if result.digits.isEmpty { result.exponent = 1 }
    return result
  }

  /// Digits before the point, "0" if there are none, and those behind it.
  var positional: (whole: String, fraction: String) {
    func text(_ digits: some Sequence<UInt8>) -> String { digits.map { "\($0)" }.joined() }
    if exponent <= 0 { return ("0", String(repeating: "0", count: -exponent) + text(digits)) }
    let whole = text(digits.prefix(exponent)) + String(repeating: "0", count: max(exponent - digits.count, 0))
    return (digits.isEmpty ? "0" : whole, text(digits.dropFirst(exponent)))
  }

  private mutating func increment() {
    for place in digits.indices.reversed() {
      if digits[place] < 9 {
        digits[place] += 1
        return
      }
      digits[place] = 0
    }
    digits.insert(1, at: 0)
    exponent += 1
  }

  private mutating func trim() {
    while digits.last == 0 { digits.removeLast() }
  }

  /// Whether the number lies above (1), on (0) or below (-1) the decimal number that its digits are.
  private func comparison() -> Int {
    // magnitude = significand · 2^power, and the digits are an integer times 10^scale.
    var own = LongNatural(UInt64(magnitude.significandBitPattern))
    if magnitude.isNormal { own = LongNatural(UInt64(magnitude.significandBitPattern) | 1 << 52) }
    let power = max(Int(magnitude.exponentBitPattern), 1) - 1075
    var other = LongNatural(0)
    for digit in digits { other.multiply(by: 10, adding: UInt32(digit)) }
    let scale = exponent - digits.count
    for _ in 0..<max(power, 0) { own.multiply(by: 2) }
    for _ in 0..<max(-power, 0) { other.multiply(by: 2) }
    for _ in 0..<max(scale, 0) { other.multiply(by: 10) }
    for _ in 0..<max(-scale, 0) { own.multiply(by: 10) }
    return own.compared(to: other)
  }
}

/// A natural number of any size, lowest 32 bits first.
private struct LongNatural {
  private var words: [UInt32]

  init(_ value: UInt64) {
    words = [UInt32(truncatingIfNeeded: value), UInt32(truncatingIfNeeded: value >> 32)]
    normalize()
  }

  mutating func multiply(by factor: UInt32, adding summand: UInt32 = 0) {
    var carry = UInt64(summand)
    for i in words.indices {
      carry += UInt64(words[i]) * UInt64(factor)
      words[i] = UInt32(truncatingIfNeeded: carry)
      carry >>= 32
    }
    if carry > 0 { words.append(UInt32(carry)) }
  }

  func compared(to other: LongNatural) -> Int {
    if words.count != other.words.count { return words.count < other.words.count ? -1 : 1 }
    for (a, b) in zip(words.reversed(), other.words.reversed()) where a != b { return a < b ? -1 : 1 }
    return 0
  }

  private mutating func normalize() {
    while words.last == 0 { words.removeLast() }
  }
}
