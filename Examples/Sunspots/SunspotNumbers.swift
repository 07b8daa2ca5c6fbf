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

  let firstYear: Int
  let numbers: [Double]

  init() throws {
    guard let url = Bundle.module.url(forResource: "sunspots", withExtension: "csv") else {
      throw FirnError(.file, "sunspots.csv is missing", remedy: "build the example anew")
    }
    let rows = try String(contentsOf: url, encoding: .utf8).split(whereSeparator: \.isNewline).dropFirst()
    let cells = rows.map { $0.split(separator: ",").compactMap { Double($0) } }
    guard let first = cells.first?.first, cells.allSatisfy({ $0.count == 2 }),
      cells.enumerated().allSatisfy({ Int($1[0]) == Int(first) + $0 })
    else { throw FirnError(.parse, "sunspots.csv is not a table of consecutive years and numbers") }
    firstYear = Int(first)
    numbers = cells.map { $0[1] }
  }

  subscript(year: Int) -> Double { numbers[year - firstYear] }

  /// Windows whose first year told is in `origins`.
  func windows(_ origins: ClosedRange<Int>) throws -> Windows {
    let seen = origins.flatMap { year in (year - Self.seen..<year).map { Float(Self.scaled(self[$0])) } }
    let told = origins.flatMap { year in (year..<year + Self.told).map { Float(Self.scaled(self[$0])) } }
    return Windows(
      origins: Array(origins),
      seen: try NDArray(seen, shape: [origins.count, Self.seen, 1]),
      told: try NDArray(told, shape: [origins.count, Self.told]))
  }

  /// Counts vary with their size: roots have about the same noise everywhere, and lie in about -0.7...0.7.
  static func scaled(_ number: Double) -> Double { number.squareRoot() / 10 - 0.7 }
  static func number(_ scaled: Double) -> Double {
    let root = max(0, (scaled + 0.7) * 10)
    return root * root
  }

  /// The root mean squared error, in sunspot numbers, of forecasts by origin.
  func error(of forecasts: [(origin: Int, numbers: [Double])]) -> Double {
    var sum = 0.0
    var count = 0.0
    for forecast in forecasts {
      for (offset, number) in forecast.numbers.enumerated() {
        let difference = number - self[forecast.origin + offset]
        sum += difference * difference
        count += 1
      }
    }
    return (sum / count).squareRoot()
  }
}

/// What is seen and what is to be told, one row a window.
struct Windows {
  let origins: [Int]
  let seen: NDArray
  let told: NDArray
}
