/// The SplitMix64 generator: the same numbers for the same seed, on every platform and in every version.
///
/// Source: Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014.
struct SplitMix64: Sendable {
  private var state: UInt64

  init(seed: UInt64) {
    state = seed
  }

  /// The next 64 bits.
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var bits = state
    bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
    return bits ^ (bits >> 31)
  }

  /// The elements in a random order, each order equally likely.
  ///
  /// The standard library's shuffle may draw differently from one version to the next, so this is one of
  /// its own.
  mutating func shuffled<Element>(_ elements: [Element]) -> [Element] {
    var result = elements
    for last in stride(from: result.count - 1, to: 0, by: -1) {
      result.swapAt(last, below(last + 1))
    }
    return result
  }

  /// A number from 0 to below the bound, each equally likely.
  private mutating func below(_ bound: Int) -> Int {
    let bound = UInt64(bound)
    // The lowest draws are refused so that the rest is a whole multiple of the bound.
    let refused = (0 &- bound) % bound
    while true {
      let bits = next()
      if bits >= refused { return Int(bits % bound) }
    }
  }
}
