/// The errors of some ways to forecast, one of each way for each seed.
struct Errors {
  private let ways: [String]
  private var values: [[Double]]

  init(ways: [String]) {
    self.ways = ways
    values = ways.map { _ in [] }
  }

  mutating func add(_ error: Double, to way: Int) { values[way].append(error) }

  /// Prints mean, best and worst of each way, and how far the second is from the others.
  ///
  /// - Parameter rules: what has the same error whatever the seed.
  func print(beside rules: [(name: String, error: Double)]) {
    let repeated = rules.map { rule in (rule.name, values[0].map { _ in rule.error }) }
    let rows: [(name: String, errors: [Double])] = Array(zip(ways, values)) + repeated
    Swift.print(Self.padded("", 30) + "  mean  best  worst of \(values[0].count) seeds")
    for (name, row) in rows {
      let numbers = [Self.mean(row), row.min() ?? 0, row.max() ?? 0].map(Self.rounded)
      Swift.print(Self.padded(name, 30), Self.padded(numbers[0], 5), Self.padded(numbers[1], 5), numbers[2])
    }
    // Seed by seed, since a difference of means that is smaller than the seeds' own spread says nothing.
    Swift.print("the frozen encoder's error less that of")
    for (place, (name, row)) in rows.enumerated() where place != 1 {
      let differences: [Double] = zip(values[1], row).map { $0 - $1 }
      let mean = Self.mean(differences)
      let squares: Double = differences.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      let count = Double(differences.count)
      let doubt = 2 * (squares / (count - 1) / count).squareRoot()
      let verdict = mean < -doubt ? "better" : mean > doubt ? "worse" : "no clear difference"
      Swift.print("  \(Self.padded(name, 28)) \(Self.rounded(mean)) ± \(Self.rounded(doubt)): \(verdict)")
    }
  }

  private static func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }

  private static func rounded(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }

  private static func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }
}
