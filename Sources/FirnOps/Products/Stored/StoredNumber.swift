internal import CFirnKernels
import FirnGraph

/// The plain path of rounding, number by number: the reference of the kernels, and an oracle that shares no line with
/// them.
enum StoredNumber {
  /// The number of `fraction` bits and exponents from `least` that is nearest to `x`, ties to even; infinite from
  /// halfway beyond `greatest`.
  private static func rounded(_ x: Double, fraction: Int, least: Int, greatest: Double) -> Double {
    guard x.isFinite, x != 0 else { return x }
    let exponent = max(Int(x.exponent), least) - fraction
    let unit = Double(sign: .plus, exponent: exponent, significand: 1)
    let result = (x / unit).rounded(.toNearestOrEven) * unit
    return result.magnitude > greatest ? (x < 0 ? -.infinity : .infinity) : result
  }

  private static func rounded(_ x: Double, _ storage: FrozenStorage) -> Double {
    storage == .float16
      ? rounded(x, fraction: 10, least: -14, greatest: 65504)
      : rounded(x, fraction: 7, least: -126, greatest: 0x1.FEp127)
  }

  /// The bits that stand for `x` in two bytes.
  static func bits(_ x: Double, _ storage: FrozenStorage) -> UInt16 {
    let single = Float(x)
    if storage == .bfloat16 {
      if x.isNaN { return UInt16(single.bitPattern >> 16) | 0x40 }
      return UInt16(Float(rounded(Double(single), .bfloat16)).bitPattern >> 16)
    }
    let sign: UInt16 = single.sign == .minus ? 0x8000 : 0
    if x.isNaN { return sign | 0x7e00 | UInt16(single.bitPattern >> 13 & 0x3ff) }
    let value = rounded(Double(single), .float16).magnitude
    if value.isInfinite { return sign | 0x7c00 }
    if value < 0x1p-14 { return sign | UInt16(value * 0x1p24) }
    return sign | UInt16(value.exponent + 15) << 10 | UInt16((value.significand - 1) * 1024)
  }

  /// The number that two bytes stand for.
  static func number(_ bits: UInt16, _ storage: FrozenStorage) -> Double {
    if storage == .bfloat16 { return Double(Float(bitPattern: UInt32(bits) << 16)) }
    let (exponent, fraction) = (Int(bits >> 10 & 0x1f), Double(bits & 0x3ff))
    let magnitude: Double =
      switch exponent {
      case 0: fraction * 0x1p-24
      case 31: fraction == 0 ? .infinity : .nan
      default: Double(sign: .plus, exponent: exponent - 15, significand: 1 + fraction / 1024)
      }
    return bits & 0x8000 == 0 ? magnitude : -magnitude
  }

  /// The scale of numbers whose magnitudes are up to `largest`.
  static func scale(largest: Double) -> Float {
    let scale = Float(largest) / 127
    return scale < .leastNormalMagnitude ? 0 : scale
  }

  /// The whole number that stands for `x` under a scale.
  static func whole(_ x: Double, scale: Float) -> Int8 {
    let quotient = scale == 0 ? 0 : Float(x) / scale
    if quotient.isNaN { return 0 }
    return Int8(max(-127, min(127, quotient)).rounded(.toNearestOrEven))
  }
}

extension StoredLayout {
  /// The number at one place of all, counted from the first.
  func number(at place: Int, in words: UnsafePointer<Int32>) -> Double {
    let (run, element) = (place / runs.length, place % runs.length)
    return number(run / runs.middle, run % runs.middle, element, in: words)
  }

  /// The number of one place, as stored.
  func number(_ outer: Int, _ middle: Int, _ element: Int, in words: UnsafePointer<Int32>) -> Double {
    let (scales, numbers) = parts(of: words)
    let at = (outer * runs.middle + middle) * runs.length + element
    if storage.isScaled {
      let whole = (numbers + at).loadUnaligned(as: Int8.self)
      return Double(Float(whole) * scales[runs.scale(outer, middle, element)])
    }
    return StoredNumber.number((numbers + 2 * at).loadUnaligned(as: UInt16.self), storage)
  }
}
