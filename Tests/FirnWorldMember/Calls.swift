import FirnWorlds

/// Calls whose results tell one order of sums from another; the same in `FirnWorldsTests`, in threads.
enum Calls {
  /// Numbers of very different sizes, so that another order has other bits.
  static func numbers(_ count: Int, of rank: Int) -> [Float] {
    (0..<count).map { index in
      var mixed = UInt32(truncatingIfNeeded: (index + 1) &* 2_654_435_761 &+ rank &* 1_640_531_527)
      mixed = (mixed ^ mixed >> 15) &* 2_246_822_519
      mixed ^= mixed >> 13
      return Float(mixed >> 8) * (mixed & 1 == 0 ? 1e-3 : 1e2)
    }
  }

  static func digest(_ values: [Float]) -> String {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for value in values { hash = (hash ^ UInt64(value.bitPattern)) &* 0x100_0000_01b3 }
    return String(hash, radix: 16)
  }

  /// One line a call.
  static func made(in world: World) throws -> [String] {
    var lines: [String] = []
    for count in [0, 1, 2, 7, 2048, 2049, 100_003] {
      var values = numbers(count, of: world.rank)
      try values.withUnsafeMutableBytes { bytes in
        guard let start = bytes.baseAddress else { return }
        try world.sum(over: start, count: count, of: .f32)
      }
      lines.append("sum of \(count): \(digest(values))")
    }
    lines.append(try world.gather(String(repeating: "é", count: world.rank) + "|").joined())
    var bytes = [UInt8](repeating: UInt8(world.rank + 1), count: 5)
    try bytes.withUnsafeMutableBytes { try world.broadcast($0, from: world.size - 1) }
    lines.append("broadcast: \(bytes)")
    return lines
  }
}
