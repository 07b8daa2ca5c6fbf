import Foundation

/// As Swift's, but out at once, also into a pipe or a file: rows are read while the next one is measured.
func print(_ items: Any..., separator: String = " ", terminator: String = "\n") {
  Swift.print(items.map { "\($0)" }.joined(separator: separator), terminator: terminator)
  fflush(nil)
}

/// For people, beside what is measured.
func note(_ text: String) {
  FileHandle.standardError.write(Data("firn-bench: \(text)\n".utf8))
}

/// Milliseconds of the fastest of some runs, which is the one least disturbed.
func milliseconds(runs: Int = 3, _ body: () throws -> Void) rethrows -> Double {
  var best = Double.infinity
  let clock = ContinuousClock()
  for _ in 0..<runs {
    let start = clock.now
    try body()
    let (seconds, attoseconds) = start.duration(to: clock.now).components
    best = min(best, Double(seconds) * 1e3 + Double(attoseconds) / 1e15)
  }
  return best
}

/// `value` with `digits` places, padded to a column.
func column(_ value: Double, digits: Int = 2, width: Int = 12) -> String {
  var scaled = "\((value * power(10, digits)).rounded() / power(10, digits))"
  while scaled.count < width { scaled = " " + scaled }
  return scaled
}

private func power(_ base: Double, _ exponent: Int) -> Double {
  (0..<exponent).reduce(1) { product, _ in product * base }
}

extension String {
  func padded(to width: Int) -> String {
    self + String(repeating: " ", count: Swift.max(0, width - count))
  }

  func aligned(to width: Int) -> String {
    String(repeating: " ", count: Swift.max(0, width - count)) + self
  }
}
