import FirnGraph

/// How often values lie where, in buckets whose limits grow by a tenth: those of TensorFlow's histograms.
///
/// Source: `tensorflow/core/lib/histogram/histogram.cc`.
struct Histogram: Sendable {
  private(set) var minimum = Double.infinity
  private(set) var maximum = -Double.infinity
  private(set) var sum = 0.0
  private(set) var squares = 0.0
  private(set) var count = 0
  /// Of values that are NaN or infinite, which are in no bucket.
  private(set) var notFinite = 0
  /// The upper limits of the buckets that are shown, ascending, and how many values each holds.
  private(set) var buckets: [(limit: Double, count: Int)] = []

  /// - Complexity: O(n log m) for n values and m = 1,549 limits.
  init(of values: [Double]) {
    let limits = Self.limits
    var counts = [Int](repeating: 0, count: limits.count)
    for value in values {
      guard value.isFinite else {
        notFinite += 1
        continue
      }
      minimum = min(minimum, value)
      maximum = max(maximum, value)
      sum += value
      squares += value * value
      count += 1
      // The first limit above the value.
      var (low, high) = (0, limits.count - 1)
      while low < high {
        let middle = (low + high) / 2
        if limits[middle] > value { high = middle } else { low = middle + 1 }
      }
      counts[low] += 1
    }
    guard let first = counts.firstIndex(where: { $0 > 0 }), let last = counts.lastIndex(where: { $0 > 0 })
    else { return }
    // One empty bucket before, so that the first full one has a lower limit.
    buckets = (max(0, first - 1)...last).map { (limits[$0], counts[$0]) }
  }

  /// From the least to the greatest number, 1e-12·1.1^k to either side of 0.
  private static let limits: [Double] = {
    var positive: [Double] = []
    var limit = 1e-12
    while limit < 1e20 {
      positive.append(limit)
      limit *= 1.1
    }
    positive.append(.greatestFiniteMagnitude)
    return positive.reversed().map { -$0 } + [0] + positive
  }()
}
