import FirnGraph
import Foundation
import Testing

/// Arrays as NumPy prints them and computes with them; `Fixtures/make_numpy_fixtures.py` made the numbers.
@Suite struct NDArrayFixtureTests {
  private struct Fixtures: Decodable {
    let printed: [Printed]
    let computed: [Computed]
    let close: [Close]

    static func load() throws -> Fixtures {
      let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/numpy.json")
      return try JSONDecoder().decode(Fixtures.self, from: Data(contentsOf: file))
    }
  }

  /// A number, or the name of one that JSON has not.
  private struct Number: Decodable {
    let value: Double

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      value = try (try? container.decode(Double.self)) ?? #require(Double(container.decode(String.self)))
    }
  }

  private struct Stored: Decodable {
    let dtype: String
    let shape: [Int]
    let values: [Number]

    func array() throws -> NDArray {
      try NDArray(values.map(\.value), shape: shape).converted(to: #require(DType(rawValue: dtype)))
    }
  }

  private struct Printed: Decodable {
    let array: Stored?
    let shape: [Int]?
    let dtype: String?
    let scale: Double?
    let text: String

    func make() throws -> NDArray {
      if let array { return try array.array() }
      let (shape, scale, name) = (try #require(shape), try #require(scale), try #require(dtype))
      let values = (0..<shape.reduce(1, *)).map { Double(($0 * 7919) % 2001 - 1000) * scale }
      return try NDArray(values, shape: shape).converted(to: #require(DType(rawValue: name)))
    }
  }

  private struct Computed: Decodable {
    let name: String
    let array: Stored
    let other: Stored?
    let result: Stored
    let axes: [Int]?
    let keeps: Bool?
    let axis: Int?
    let start: Int?
    let end: Int?

    func run() throws -> NDArray {
      let a = try array.array()
      func b() throws -> NDArray { try #require(other).array() }
      switch name {
      case "transposed": return try a.transposed(axes)
      case "sliced": return try a.sliced(axis: #require(axis), from: #require(start), to: end)
      case "element": return try a.element(axis: #require(axis), at: #require(start))
      case "+": return try a + b()
      case "-": return try a - b()
      case "*": return try a * b()
      case "/": return try a / b()
      case "sum": return try a.sum(axes: axes, keepingAxes: keeps ?? false)
      case "mean": return try a.mean(axes: axes, keepingAxes: keeps ?? false)
      case "max": return try a.max(axes: axes, keepingAxes: keeps ?? false)
      case "min": return try a.min(axes: axes, keepingAxes: keeps ?? false)
      default: throw FirnError(.invalidArgument, "no function \(name)")
      }
    }
  }

  private struct Close: Decodable {
    let a: Stored
    let b: Stored
    let close: Bool
    let nan: Bool
  }

  @Test func printsAsNumPyPrints() throws {
    let fixtures = try Fixtures.load().printed
    #expect(fixtures.count > 140)
    for fixture in fixtures {
      let array = try fixture.make()
      #expect(array.description == fixture.text, "\(array.summary)")
    }
  }

  /// Bits agree, but for means and `f64` sums, which NumPy adds up in another order.
  @Test func computesAsNumPyComputes() throws {
    let fixtures = try Fixtures.load().computed
    #expect(fixtures.count > 140)
    for fixture in fixtures {
      let (got, expected) = (try fixture.run(), try fixture.result.array())
      #expect(got.type == expected.type, "\(fixture.name): \(got.type), not \(expected.type)")
      if ["sum", "mean"].contains(fixture.name) {
        #expect(
          got.isClose(to: expected, relative: got.dtype == .f32 ? 1e-7 : 1e-14, absolute: 1e-12),
          "\(fixture.name) \(fixture.axes ?? [])")
      } else {
        #expect(got.isBitwiseEqual(to: expected), "\(fixture.name): \(got.summary), not \(expected.summary)")
      }
    }
  }

  @Test func isCloseAsNumPysAllclose() throws {
    let fixtures = try Fixtures.load().close
    #expect(fixtures.contains { $0.close } && fixtures.contains { !$0.close && $0.nan })
    for fixture in fixtures {
      let (a, b) = (try fixture.a.array(), try fixture.b.array())
      #expect(a.isClose(to: b) == fixture.close, "\(a.summary), \(b.summary)")
      #expect(a.isClose(to: b, nanIsClose: true) == fixture.nan, "\(a.summary), \(b.summary)")
    }
  }
}
