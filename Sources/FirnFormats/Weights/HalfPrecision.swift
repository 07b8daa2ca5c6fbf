/// Sixteen-bit floats as `Float`, exactly; the standard library has none on every platform.
enum HalfPrecision {
  /// IEEE 754 binary16: one sign bit, five of exponent, ten of fraction.
  static func binary16(_ bits: UInt16) -> Float {
    let sign = UInt32(bits & 0x8000) << 16
    let exponent = UInt32(bits >> 10 & 0x1F)
    let fraction = UInt32(bits & 0x3FF)
    switch exponent {
    case 0:
      let magnitude = Float(fraction) * 0x1p-24
      return Float(bitPattern: magnitude.bitPattern | sign)
    case 0x1F: return Float(bitPattern: sign | 0x7F80_0000 | fraction << 13)
    default: return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
    }
  }

  /// The upper half of a `Float`.
  static func bfloat16(_ bits: UInt16) -> Float { Float(bitPattern: UInt32(bits) << 16) }

  /// The nearest number of one sign bit, so many of exponent and the rest of fraction, ties to even; one too large is
  /// infinite.
  static func bits(_ value: Double, exponentBits: Int) -> UInt16 {
    let fractionBits = 15 - exponentBits
    let sign: UInt16 = value.sign == .minus ? 0x8000 : 0
    let infinity = (1 << exponentBits - 1) << fractionBits
    if value.isNaN { return sign | UInt16(infinity | 1 << (fractionBits - 1)) }
    if value.isInfinite { return sign | UInt16(infinity) }
    if value == 0 { return sign }
    let lowest = 2 - 1 << (exponentBits - 1)
    let exponent = max(Int(value.exponent), lowest)
    // Exact, as it is a power of two; what rounds up to the next power carries into the exponent.
    let quantum = Double(sign: .plus, exponent: exponent - fractionBits, significand: 1)
    let steps = (value.magnitude / quantum).rounded(.toNearestOrEven)
    if exponent > -lowest + 1 { return sign | UInt16(infinity) }
    return sign | UInt16(min((exponent - lowest) << fractionBits + Int(steps), infinity))
  }
}
