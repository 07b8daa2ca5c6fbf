import FirnGraph
import Foundation
import Testing

/// What PyTorch makes of a function; `Fixtures/make_function_fixtures.py` computed it.
struct FunctionFixture: Decodable, Sendable, CustomTestStringConvertible {
  struct Numbers: Decodable, Sendable {
    let shape: [Int]
    let dtype: String
    let values: [Double]

    enum CodingKeys: CodingKey { case shape, dtype, values }

    /// A number, or the name of one that JSON has none for.
    private struct Number: Decodable {
      let value: Double

      init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let value = try? container.decode(Double.self) {
          self.value = value
        } else {
          value = try container.decode(String.self) == "inf" ? .infinity : -.infinity
        }
      }
    }

    init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      shape = try container.decode([Int].self, forKey: .shape)
      dtype = try container.decode(String.self, forKey: .dtype)
      values = try container.decode([Number].self, forKey: .values).map(\.value)
    }

    /// As `dtype` where it is floating point.
    func array(_ real: DType) throws -> NDArray {
      let type = try #require(DType(rawValue: dtype))
      return try NDArray(values, shape: shape).converted(to: type == .f64 ? real : type)
    }
  }

  let name: String
  let inputs: [Numbers]
  let value: Numbers
  /// By each input; nil for those that it is not asked of.
  let gradients: [Numbers?]?

  var testDescription: String { name }

  static let all: [FunctionFixture] = {
    let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Fixtures/functions.json")
    do {
      return try JSONDecoder().decode([FunctionFixture].self, from: Data(contentsOf: file))
    } catch {
      Issue.record("\(error)")
      return []
    }
  }()
}
