import Firn
import Foundation

/// Yearly mean sunspot numbers of 1700 to 2008, and windows of them to learn from.
///
/// Source: National Geophysical Data Center (NOAA), the yearly data on sunspots that statsmodels gives as `sunspots`;
/// public domain.
struct SunspotNumbers {
  /// What a forecast sees, in years: two cycles.
  static let seen = 22
  /// What it says, in years: a cycle.
  static let told = 11

  private let firstYear: Int
  private let numbers: [Double]

  init() throws {
    guard let url = Bundle.module.url(forResource: "sunspots", withExtension: "csv") else {
      throw FirnError(.file, "sunspots.csv is missing", remedy: "build the example anew")
    }
    let table = try CSVTable(contentsOf: url.path)
    let rows = try table.numbers(as: .f64).rows
    firstYear = Int(rows[0][0])
    numbers = rows.map { $0[1] }
  }

  subscript(year: Int) -> Double { numbers[year - firstYear] }

  /// What is seen and what is to be told, for each first year told.
  private func rows(_ origins: ClosedRange<Int>) -> [(seen: ArraySlice<Double>, told: ArraySlice<Double>)] {
    origins.map { year in
      let first = year - firstYear
      return (numbers[first - Self.seen..<first], numbers[first..<first + Self.told])
    }
  }

  /// Windows whose first year told is in `origins`.
  func windows(_ origins: ClosedRange<Int>) throws -> DataSet {
    let rows = rows(origins)
    func array(_ values: [Double], _ width: Int) throws -> NDArray {
      try NDArray(values, shape: [rows.count, width]).converted(to: .f32)
    }
    return try DataSet([
      "seen": array(rows.flatMap(\.seen), Self.seen), "told": array(rows.flatMap(\.told), Self.told),
    ])
  }

  /// The same as a table.
  func table(_ origins: ClosedRange<Int>) -> String {
    let names = (0..<Self.seen).map { "seen.\($0)" } + (0..<Self.told).map { "told.\($0)" }
    let lines = rows(origins).map { ($0.seen + $0.told).map { "\($0)" } }
    return ([names] + lines).map { $0.joined(separator: ",") + "\n" }.joined()
  }

  /// The root mean squared error of what `rule` says of a year, from the first year of its window.
  func error(_ origins: ClosedRange<Int>, of rule: (_ origin: Int, _ year: Int) -> Double) -> Double {
    let squares = origins.flatMap { origin in
      (origin..<origin + Self.told).map { year in
        let difference = rule(origin, year) - self[year]
        return difference * difference
      }
    }
    return (squares.reduce(0, +) / Double(squares.count)).squareRoot()
  }
}
