import FirnGraph
import Testing

@testable import FirnToyOps

@Suite struct InitializerTests {
  private func sample(
    _ initializer: Initializer, _ shape: [Int], _ dtype: DType = .f64, seed: UInt64 = 1, name: String = "w"
  ) throws(FirnError) -> NDArray {
    try initializer.sample(ArrayType(dtype, shape), seed: seed, name: name)
  }

  @Test func valuesDependOnSeedAndNameOnly() throws {
    for initializer in [Initializer.normal(), .glorotUniform, .orthogonal(), .truncatedNormal()] {
      let first = try sample(initializer, [8, 6])
      #expect(try sample(initializer, [8, 6]) == first)
      #expect(try sample(initializer, [8, 6], seed: 2) != first)
      #expect(try sample(initializer, [8, 6], name: "v") != first)
      #expect(try sample(initializer, [8, 6], .f32) == first.converted(to: .f32))
    }
  }

  @Test func constantsFillEveryType() throws {
    #expect(try sample(.ones, [2, 2], .i32).elements(as: Int32.self) == [1, 1, 1, 1])
    #expect(try sample(.zeros, [3], .bool).elements(as: Bool.self) == [false, false, false])
    #expect(try sample(.constant(2.5), [], .f32).scalar == 2.5)
    #expect(try sample(.constant(1), [0, 3]).elementCount == 0)
  }

  @Test func uniformStaysInItsRange() throws {
    let values = try sample(.uniform(-2, 4), [40_000]).doubles
    #expect(values.allSatisfy { (-2..<4).contains($0) })
    #expect(abs(mean(values) - 1) < 0.05)
    #expect(abs(variance(values) - 3) < 0.06)
  }

  @Test func normalHasMeanAndDeviation() throws {
    let values = try sample(.normal(mean: 3, deviation: 0.5), [40_000]).doubles
    #expect(abs(mean(values) - 3) < 0.02)
    #expect(abs(variance(values) - 0.25) < 0.01)
    #expect(values.contains { abs($0 - 3) > 1 })
  }

  @Test func truncatedNormalStaysWithinTwoDeviations() throws {
    let values = try sample(.truncatedNormal(mean: 3, deviation: 0.5), [40_000]).doubles
    #expect(values.allSatisfy { abs($0 - 3) <= 1 })
    #expect(abs(variance(values).squareRoot() - 0.5 * 0.8796) < 0.01)
  }

  @Test(arguments: [Initializer.Distribution.uniform, .normal, .truncatedNormal])
  func varianceScalingCountsFansAsKeras(_ distribution: Initializer.Distribution) throws {
    let cases: [([Int], Initializer.FanMode, Double)] = [
      ([50, 200], .fanIn, 50), ([50, 200], .fanOut, 200), ([50, 200], .fanAverage, 125),
      ([3, 5, 20, 40], .fanIn, 300), ([3, 5, 20, 40], .fanOut, 600), ([10_000], .fanIn, 10_000),
    ]
    for (shape, mode, fan) in cases {
      let initializer = Initializer.varianceScaling(scale: 2, mode: mode, distribution: distribution)
      let values = try sample(initializer, shape).doubles
      #expect(abs(variance(values) * fan / 2 - 1) < 0.06)
      #expect(abs(mean(values)) < 0.02)
    }
    #expect(try sample(.glorotUniform, []).elementCount == 1)
  }

  @Test func glorotUniformHasItsLimit() throws {
    let values = try sample(.glorotUniform, [100, 50]).doubles
    let limit = (6.0 / 150).squareRoot()
    #expect(values.allSatisfy { abs($0) <= limit })
    #expect(values.contains { abs($0) > 0.98 * limit })
  }

  @Test(arguments: [[6, 6], [9, 4], [4, 9], [3, 2, 5], [1, 1]])
  func orthogonalIsOrthonormalTimesGain(_ shape: [Int]) throws {
    let values = try sample(.orthogonal(gain: 3), shape).doubles
    let columns = shape.last ?? 1
    let rows = values.count / columns
    let count = min(rows, columns)
    for a in 0..<count {
      for b in 0..<count {
        let products = (0..<max(rows, columns)).map { i in
          rows <= columns
            ? values[a * columns + i] * values[b * columns + i]
            : values[i * columns + a] * values[i * columns + b]
        }
        #expect(abs(products.reduce(0, +) - (a == b ? 9 : 0)) < 1e-12)
      }
    }
  }

  @Test func columnsFillBlocksOfTheLastAxis() throws {
    let initializer = Initializer.columns([(2, .zeros), (1, .ones), (3, .normal())])
    let values = try sample(initializer, [4, 6]).doubles
    for row in 0..<4 {
      #expect(values[row * 6..<row * 6 + 3] == [0, 0, 1])
      #expect(values[row * 6 + 3..<row * 6 + 6].allSatisfy { $0 != 0 })
    }
    let twice = try sample(.columns([(3, .normal()), (3, .normal())]), [1, 6]).doubles
    #expect(Array(twice[..<3]) != Array(twice[3...]))
    for widths in [[2, 2], [7, -1], [Int.max, Int.max, 8]] {
      let blocks = widths.map { (width: $0, initializer: Initializer.zeros) }
      #expect(throws: FirnError.self) { try sample(.columns(blocks), [4, 6]) }
    }
  }

  @Test func arraysMustFit() throws {
    let array = NDArray([1, 2, 3] as [Float])
    #expect(try sample(.array(array), [3]).doubles == [1, 2, 3])
    #expect(thrown { () throws(FirnError) in _ = try sample(.array(array), [4]) }?.code == .shapeMismatch)
    #expect(
      thrown { () throws(FirnError) in _ = try sample(.array(array), [3], .i32) }?.code == .shapeMismatch)
    #expect(thrown { () throws(FirnError) in _ = try sample(.normal(), [3], .i32) }?.code == .typeMismatch)
  }

  @Test(arguments: [
    AttributeValue.int(1), .list([]), .list([.int(1)]), .list([.string("constant")]),
    .list([.string("constant"), .int(1)]),
    .list([.string("variance_scaling"), .double(1), .string("x"), .string("y")]),
    .list([.string("array"), .string("x")]), .list([.string("columns"), .int(1)]),
    .list([.string("columns"), .list([.int(-1), .list([.string("constant"), .double(1)])])]),
  ])
  func malformedAttributesAreErrors(_ attribute: AttributeValue) {
    #expect(thrown { () throws(FirnError) in _ = try Initializer(attribute) }?.code == .parse)
  }
}
