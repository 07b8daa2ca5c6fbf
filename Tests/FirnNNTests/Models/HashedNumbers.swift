import FirnGraph

/// Numbers that the scripts beside the fixtures compute from a name and a position, as this does.
enum HashedNumbers {
  /// Wellons' lowbias32.
  private static func mixed(_ value: UInt32) -> UInt32 {
    var x = value
    x ^= x >> 16
    x &*= 0x7feb_352d
    x ^= x >> 15
    x &*= 0x846c_a68b
    x ^= x >> 16
    return x
  }

  /// FNV-1a.
  private static func key(_ name: String) -> UInt32 {
    name.utf8.reduce(2_166_136_261) { ($0 ^ UInt32($1)) &* 16_777_619 }
  }

  /// Numbers on -0.5..<0.5, exact in `f32`, times `scale`, plus `offset`.
  static func units(_ name: String, _ count: Int, scale: Double = 1, offset: Double = 0) -> [Double] {
    let start = key(name)
    return (0..<count).map { place in
      (Double(mixed(UInt32(place) &+ start) >> 8) * 0x1p-24 - 0.5) * scale + offset
    }
  }

  /// The places of `count` elements that a fixture holds of an array.
  static func places(_ name: String, _ count: Int, of total: Int) -> [Int] {
    let start = key(name + "?")
    return (0..<count).map { Int(mixed(UInt32($0) &+ start) % UInt32(total)) }
  }

  /// A variable's first value: kernels with about the variance that keeps activations'.
  static func value(of variable: Variable) -> [Double] {
    let count = variable.elementCount
    switch variable.name.split(separator: "/").last {
    case "kernel":
      let fan = Double(count / (variable.type.shape.last?.value ?? 1))
      return units(variable.name, count, scale: nearestPower((24 / fan).squareRoot()))
    case "gamma", "moving_variance": return units(variable.name, count, scale: 0.5, offset: 1)
    default: return units(variable.name, count, scale: 0.25)
    }
  }

  /// The power of two that is nearest, in the exponent.
  private static func nearestPower(_ x: Double) -> Double {
    var power = 1.0
    while x < power / 2.0.squareRoot() { power /= 2 }
    while x > power * 2.0.squareRoot() { power *= 2 }
    return power
  }
}
