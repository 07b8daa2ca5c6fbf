import Foundation

/// Numbers by PyTorch and by exact arithmetic; `Fixtures/make_number_fixtures.py` made them.
struct NumberFixture: Decodable {
  /// A value or a gradient each; nil is NaN.
  struct Case: Decodable {
    let value: [Double?]
    let gradients: [[Double?]]

    enum CodingKeys: CodingKey { case value, gradients }

    init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      gradients = try container.decode([[Double?]].self, forKey: .gradients)
      // A single number where an op makes one of all.
      if let many = try? container.decode([Double?].self, forKey: .value) {
        value = many
      } else {
        value = [try container.decode(Double?.self, forKey: .value)]
      }
    }
  }

  struct Product: Decodable {
    let x: [Double]
    let first: [Double]
    let second: [Double]
  }

  struct Losses: Decodable {
    let logits: [Double]
    let labels: [Double]
    let softmax: [Double]
    let log_softmax: [Double]
    let sparse: [Double]
    let cross_entropy: Double
    let sigmoid: [Double]
  }

  let unary: [String: Case]
  let binary: [String: [Case]]
  let reductions: [String: Case]
  let products: [Product]
  let losses: [Losses]

  static func load() throws -> NumberFixture {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/numbers.json")
    return try JSONDecoder().decode(NumberFixture.self, from: Data(contentsOf: file))
  }
}
