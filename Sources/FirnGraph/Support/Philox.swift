/// Philox 4x32-10, a counter-based generator: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
///
/// The same key and counter give the same bits anywhere, so a draw needs no state and no order.
package struct Philox: Sendable {
  package var key: (UInt32, UInt32)

  package init(key: (UInt32, UInt32)) { self.key = key }

  /// A key from a session's seed and the name of what draws.
  package init(seed: UInt64, name: String) {
    self.init(
      key: Self.key(
        seedLow: UInt32(truncatingIfNeeded: seed), seedHigh: UInt32(truncatingIfNeeded: seed >> 32),
        name: Self.hash(name)))
  }

  /// The key for a hashed name under a seed given in halves.
  package static func key(seedLow: UInt32, seedHigh: UInt32, name: UInt64) -> (UInt32, UInt32) {
    let mixed = mix(name ^ mix(UInt64(seedHigh) << 32 | UInt64(seedLow)))
    return (UInt32(truncatingIfNeeded: mixed), UInt32(truncatingIfNeeded: mixed >> 32))
  }

  /// 64-bit FNV-1a of the UTF-8 of `name`.
  package static func hash(_ name: String) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return hash
  }

  /// The finaliser of SplitMix64: a bijection that spreads every bit.
  package static func mix(_ value: UInt64) -> UInt64 {
    var z = value &+ 0x9e37_79b9_7f4a_7c15
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// Four draws for one counter.
  package func block(_ c0: UInt32, _ c1: UInt32, _ c2: UInt32, _ c3: UInt32) -> (
    UInt32, UInt32, UInt32, UInt32
  ) {
    var c = (c0, c1, c2, c3)
    var k = key
    for _ in 0..<10 {
      let first = UInt64(0xd251_1f53) &* UInt64(c.0)
      let second = UInt64(0xcd9e_8d57) &* UInt64(c.2)
      c = (
        UInt32(truncatingIfNeeded: second >> 32) ^ c.1 ^ k.0, UInt32(truncatingIfNeeded: second),
        UInt32(truncatingIfNeeded: first >> 32) ^ c.3 ^ k.1, UInt32(truncatingIfNeeded: first)
      )
      k = (k.0 &+ 0x9e37_79b9, k.1 &+ 0xbb67_ae85)
    }
    return c
  }

  /// The draw of element `index`: counter `{index / 4, c1, c2, c3}`, lane `index % 4`.
  package func bits(_ index: Int, _ c1: UInt32 = 0, _ c2: UInt32 = 0, _ c3: UInt32 = 0) -> UInt32 {
    let block = block(UInt32(truncatingIfNeeded: index / 4), c1, c2, c3)
    return switch index % 4 {
    case 0: block.0
    case 1: block.1
    case 2: block.2
    default: block.3
    }
  }

  /// 24 bits on [0, 1), exact in `f32` and `f64` alike.
  package func uniform(_ index: Int, _ c1: UInt32 = 0, _ c2: UInt32 = 0, _ c3: UInt32 = 0) -> Double {
    Self.uniform(of: bits(index, c1, c2, c3))
  }

  /// Standard Gaussian by Box and Muller on neighbouring lanes (0, 1) and (2, 3).
  package func normal(_ index: Int, _ c1: UInt32 = 0, _ c2: UInt32 = 0, _ c3: UInt32 = 0) -> Double {
    let even = index & ~1
    let block = block(UInt32(truncatingIfNeeded: index / 4), c1, c2, c3)
    let draws = index % 4 < 2 ? (block.0, block.1) : (block.2, block.3)
    let (radius, angle) = Self.polar(of: draws.0, draws.1)
    return radius * (index == even ? RealMath.cosine(angle) : RealMath.sine(angle))
  }

  /// The uniform number of a draw.
  @inline(__always) static func uniform(of draw: UInt32) -> Double { Double(draw >> 8) * 0x1p-24 }

  /// Both normal numbers of neighbouring lanes.
  @inline(__always) static func normals(of even: UInt32, _ odd: UInt32) -> (Double, Double) {
    let (radius, angle) = polar(of: even, odd)
    return (radius * RealMath.cosine(angle), radius * RealMath.sine(angle))
  }

  @inline(__always) private static func polar(of even: UInt32, _ odd: UInt32) -> (
    radius: Double, angle: Double
  ) {
    // The logarithm's argument is above 0.
    let radius = (-2 * RealMath.logarithm(uniform(of: even) + 0x1p-24)).squareRoot()
    return (radius, 2 * Double.pi * uniform(of: odd))
  }
}
