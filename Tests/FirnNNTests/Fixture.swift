import FirnGraph
import Foundation
import Testing

/// Numbers another framework computed; the scripts in `Fixtures` made them.
struct Fixture: Decodable {
  struct Numbers: Decodable {
    let shape: [Int]
    let values: [Double]

    func array(_ dtype: DType = .f64) throws -> NDArray {
      try NDArray(values, shape: shape).converted(to: dtype)
    }
  }

  let name: String
  let weights: [String: Numbers]
  let inputs: [String: Numbers]
  /// What one run gives.
  let seeds: [String: Numbers]?
  let results: [String: Numbers]?
  let gradients: [String: Numbers]?
  /// What ten steps of training give.
  let trained: [String: Numbers]?
  let frozen: [String]?

  static func load(_ file: String) throws -> [Fixture] {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")
    let data = try Data(contentsOf: folder.appending(path: file))
    return try JSONDecoder().decode([Fixture].self, from: data)
  }

  func weights(_ dtype: DType) throws -> [String: NDArray] {
    try weights.mapValues { try $0.array(dtype) }
  }

  func input(_ name: String, _ dtype: DType) throws -> NDArray { try #require(inputs[name]).array(dtype) }

  var lengths: NDArray? {
    get throws { try inputs["lengths"]?.array(.i32) }
  }
}

/// The largest difference, relative to the largest expected number.
func difference(_ got: NDArray, _ expected: Fixture.Numbers) -> Double {
  guard got.shape == expected.shape else { return .infinity }
  let scale = expected.values.map(abs).max() ?? 0
  let worst = zip(got.doubles, expected.values).map { abs($0 - $1) }.max() ?? 0
  return worst.isNaN ? .infinity : worst / (scale == 0 ? 1 : scale)
}
