/// Mean and sample standard deviation of some numbers.
struct Spread: CustomStringConvertible {
  let mean: Double
  let deviation: Double
  private let count: Int

  init(_ values: [Double]) {
    count = values.count
    let mean = values.reduce(0, +) / Double(count)
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    self.mean = mean
    deviation = count > 1 ? (squares / Double(count - 1)).squareRoot() : 0
  }

  /// Two standard errors of the mean.
  var doubt: Double { 2 * deviation / Double(count).squareRoot() }

  var description: String { "\(Self.rounded(mean)) ± \(Self.rounded(deviation))" }

  static func rounded(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }
}

/// Columns of text.
enum Table {
  static func row(_ title: String, _ cells: [String]) -> String {
    ([(title, 14)] + cells.map { ($0, 12) }).map { text, width in
      text + String(repeating: " ", count: max(0, width - text.count))
    }.joined()
  }
}
