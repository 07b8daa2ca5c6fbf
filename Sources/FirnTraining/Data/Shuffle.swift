internal import FirnGraph

/// Random orders that depend on seed and stream alone.
public struct Shuffle: Sendable {
  let seed: UInt64
  let stream: UInt64
  private let generator: Philox

  /// Orders of one kind: another `stream`, such as an epoch or a class, has independent ones.
  public init(seed: UInt64, stream: UInt64 = 0) {
    self.seed = seed
    self.stream = stream
    generator = Philox(seed: seed, name: "shuffle/\(stream)")
  }

  /// The numbers `0..<count` in a random order (Fisher & Yates); none where `count` is negative.
  ///
  /// - Complexity: O(count).
  public func order(_ count: Int) -> [Int] {
    var order = Array(0..<max(0, count))
    for last in stride(from: count - 1, to: 0, by: -1) {
      // 64 bits against a bound of at most 2³²: the bias is below 2⁻³².
      let draw = UInt64(generator.bits(2 * last)) << 32 | UInt64(generator.bits(2 * last + 1))
      order.swapAt(last, Int(draw.multipliedFullWidth(by: UInt64(last + 1)).high))
    }
    return order
  }
}

extension Shuffle: CustomStringConvertible {
  /// In one line: `random orders by seed 7, stream 2`.
  public var description: String { "random orders by seed \(seed), stream \(stream)" }
}
