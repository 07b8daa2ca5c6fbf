import FirnGraph
import Testing

/// Values are made in runs, by blocks of the generator and two vectors at a time; here each is made by itself, as it is
/// defined, and every bit must be the same.
@Suite struct InitializerBitsTests {
  private static let initializers: [Initializer] = [
    .constant(-0.1), .uniform(), .uniform(-3, 1e-3), .normal(), .normal(mean: -7, deviation: 3),
    .normal(mean: 0, deviation: 0), .normal(mean: 1, deviation: 1e-42), .truncatedNormal(),
    .truncatedNormal(mean: 1e-3, deviation: 1e4), .glorotUniform, .glorotNormal, .heNormal, .lecunUniform,
    .varianceScaling(scale: 3, mode: .fanOut, distribution: .normal), .orthogonal(),
    .orthogonal(gain: -0.3), Initializer.normal().zeroing(row: 1),
  ]

  private static let shapes: [[Int]] = [
    [3], [5, 1], [2, 7], [7, 2], [3, 3, 5], [13, 13], [33, 65], [70, 40], [41, 101], [4097], [2, 4103],
  ]

  @Test(arguments: initializers) func bitsAreThoseOfEachElement(_ initializer: Initializer) throws {
    for shape in Self.shapes {
      for seed in [0, 1, 0x1_0000_0001, UInt64.max] { try expect(initializer, shape, seed: seed) }
    }
  }

  @Test func bitsOfFormsOfMatrices() throws {
    let gates = Initializer.columns([
      (3, .orthogonal(gain: 2)), (0, .ones), (1, .truncatedNormal()), (6, .glorotUniform),
      (5, .columns([(2, .normal()), (3, .identity(gain: 3))])),
    ])
    for shape in [[1, 15], [4, 15], [301, 15]] {
      try expect(gates, shape)
      try expect(gates.zeroing(row: shape[0] - 1), shape)
    }
    let numbers = try Initializer.normal().values(shape: [2500, 2], dtype: .f64)
    for row in [0, 1023, 1024, 2499] {
      try expect(Initializer.array(numbers).zeroing(row: row), [2500, 2])
      try expect(Initializer.uniform().zeroing(row: row), [2500, 2])
    }
    try expect(.identity(gain: -2), [70, 33])
    try expect(.uniform(), [])
    for initializer in [Initializer.uniform(), .normal(), .orthogonal(), .truncatedNormal()] {
      for shape in [[0], [0, 3], [3, 0], [2, 0, 3]] { try expect(initializer, shape) }
    }
  }

  /// Wherever a run begins and ends, also where the counter's word runs over.
  @Test func runsAreTheElements() {
    let generator = Philox(seed: 9, name: "runs")
    for first in [0, 1, 2, 3, 4, 7, 1021, (1 << 34) - 6] {
      for count in [0, 1, 2, 3, 4, 5, 8, 11, 258] {
        let uniform = [Double](unsafeUninitializedCapacity: count) { values, made in
          generator.fillUniform(UnsafeMutableBufferPointer(rebasing: values[..<count]), from: first)
          made = count
        }
        let normal = [Double](unsafeUninitializedCapacity: count) { values, made in
          generator.fillNormal(UnsafeMutableBufferPointer(rebasing: values[..<count]), from: first)
          made = count
        }
        let elements = first..<first + count
        #expect(uniform == elements.map { Defined(generator: generator).uniform($0) })
        #expect(
          normal.map(\.bitPattern) == elements.map { Defined(generator: generator).normal($0).bitPattern })
      }
    }
  }

  private func expect(
    _ initializer: Initializer, _ shape: [Int], seed: UInt64 = 3, at place: SourceLocation = #_sourceLocation
  ) throws {
    let defined = Defined(generator: Philox(seed: seed, name: "w")).values(initializer, shape)
    for dtype in [DType.f64, .f32] {
      let made = try initializer.sample(ArrayType(dtype, shape), seed: seed, name: "w")
      let expected =
        dtype == .f64
        ? try NDArray(defined, shape: shape) : try NDArray(defined.map { Float($0) }, shape: shape)
      #expect(
        made.isBitwiseEqual(to: expected), "\(initializer), \(dtype)\(shape), seed \(seed)",
        sourceLocation: place)
    }
  }
}

/// What first values are: a formula for each element.
private struct Defined {
  let generator: Philox

  func uniform(_ index: Int, _ attempt: UInt32 = 0) -> Double {
    let block = generator.block(UInt32(truncatingIfNeeded: index / 4), attempt, 0, 0)
    let draw = [block.0, block.1, block.2, block.3][index % 4]
    return Double(draw >> 8) * 0x1p-24
  }

  func normal(_ index: Int, _ attempt: UInt32 = 0) -> Double {
    let even = index & ~1
    let radius = (-2 * RealMath.logarithm(uniform(even, attempt) + 0x1p-24)).squareRoot()
    let angle = 2 * Double.pi * uniform(even + 1, attempt)
    return radius * (index == even ? RealMath.cosine(angle) : RealMath.sine(angle))
  }

  func truncated(_ index: Int) -> Double {
    var attempt: UInt32 = 0
    while abs(normal(index, attempt)) > 2 { attempt += 1 }
    return normal(index, attempt)
  }

  func values(_ initializer: Initializer, _ shape: [Int]) -> [Double] {
    let count = shape.reduce(1, *)
    switch initializer.form {
    case .constant(let value): return [Double](repeating: value, count: count)
    case .uniform(let low, let high): return (0..<count).map { low + (high - low) * uniform($0) }
    case .normal(let mean, let deviation): return (0..<count).map { mean + deviation * normal($0) }
    case .truncatedNormal(let mean, let deviation):
      return (0..<count).map { mean + deviation * truncated($0) }
    case .varianceScaling(let scale, let mode, let distribution):
      let receptive = shape.dropLast(2).reduce(1, *)
      let output = Double((shape.last ?? 1) * receptive)
      let input = shape.count < 2 ? output : Double(shape[shape.count - 2] * receptive)
      let fan =
        switch mode {
        case .fanIn: input
        case .fanOut: output
        case .fanAverage: (input + output) / 2
        }
      let deviation = (scale / max(1, fan)).squareRoot()
      let limit = deviation * 3.0.squareRoot()
      switch distribution {
      case .uniform: return values(.uniform(-limit, limit), shape)
      case .normal: return values(.normal(deviation: deviation), shape)
      case .truncatedNormal:
        return values(.truncatedNormal(deviation: deviation / 0.879_625_661_034_239_78), shape)
      }
    case .orthogonal(let gain): return orthonormal(shape).map { gain * $0 }
    case .identity(let gain): return (0..<count).map { $0 / shape[1] == $0 % shape[1] ? gain : 0 }
    case .columns(let columns):
      let last = shape.last ?? 0
      var result = [Double](repeating: 0, count: count)
      var start = 0
      for (position, column) in columns.enumerated() {
        let key = (generator.key.0 &+ UInt32(position), generator.key.1)
        let part = Defined(generator: Philox(key: key))
          .values(column.initializer, shape.dropLast() + [column.width])
        for (index, value) in part.enumerated() {
          result[index / column.width * last + start + index % column.width] = value
        }
        start += column.width
      }
      return result
    case .array(let array): return array.doubles
    case .zeroing(let row, let other):
      let width = shape.dropFirst().reduce(1, *)
      return values(other, shape).enumerated().map { $0.offset / width == row ? 0 : $0.element }
    case .blocks, .function: return []
    }
  }

  /// Each vector by itself, twice through all before it.
  private func orthonormal(_ shape: [Int]) -> [Double] {
    let columns = shape.last ?? 1
    let rows = shape.dropLast().reduce(1, *)
    let (vectors, length) = (min(rows, columns), max(rows, columns))
    var basis: [[Double]] = []
    for v in 0..<vectors {
      var vector = (0..<length).map { normal(v * length + $0) }
      for _ in 0..<2 {
        for other in basis {
          let projection = zip(vector, other).reduce(0) { $0 + $1.0 * $1.1 }
          for i in 0..<length { vector[i] -= projection * other[i] }
        }
      }
      let norm = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
      basis.append(vector.map { $0 / norm })
    }
    return (0..<rows * columns).map {
      rows <= columns ? basis[$0 / columns][$0 % columns] : basis[$0 % columns][$0 / columns]
    }
  }
}
