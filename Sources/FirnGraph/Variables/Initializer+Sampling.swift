extension Initializer {
  /// The first value of a variable: a function of seed, name, type and nothing else.
  ///
  /// - Complexity: one pass, but O(r·c·min(r, c)) for `orthogonal` on r rows and c columns.
  /// - Throws: `.shapeMismatch` where the initialiser does not fit the type, `.invalidArgument` where its numbers are none
  ///   to draw by or the process cannot have the memory.
  package func sample(_ type: ArrayType, seed: UInt64, name: String) throws(FirnError) -> NDArray {
    let resolved = try resolved(for: type, blocks: nil, name: name)
    try resolved.validate(for: type, name: name)
    try FreeMemory.require(
      type.byteCount.saturatingSum(resolved.scratchBytes(for: type)),
      for: "making the first value of `\(name)`")
    switch resolved.form {
    case .array(let array): return array.converted(to: type.dtype)
    case .constant(let value) where value == 0 && value.sign == .plus: return NDArray(cleared: type)
    default:
      let values = try resolved.doubles(
        shape: type.shape, generator: Philox(seed: seed, name: name), name: name)
      return NDArray(type, rounding: values)
    }
  }

  /// Bytes that making a value takes besides those of the value.
  package func scratchBytes(for type: ArrayType) -> Int {
    let whole = type.elementCount.saturatingProduct(8)
    switch form {
    case .array: return 0
    case .constant(let value) where value == 0: return 0
    // The parts beside what they are put together to; vectors beside the matrix.
    case .columns, .orthogonal: return whole.saturatingProduct(3)
    case .zeroing(_, let other): return max(other.scratchBytes(for: type), whole)
    default: return whole
    }
  }

  private func doubles(shape: [Int], generator: Philox, name: String) throws(FirnError) -> [Double] {
    let count = shape.reduce(1, *)
    switch form {
    case .constant(let value):
      return [Double](repeating: value, count: count)
    case .uniform(let low, let high):
      return (0..<count).map { low + (high - low) * generator.uniform($0) }
    case .normal(let mean, let deviation):
      return (0..<count).map { mean + deviation * generator.normal($0) }
    case .truncatedNormal(let mean, let deviation):
      return (0..<count).map { index in
        var attempt: UInt32 = 0
        while true {
          let draw = generator.normal(index, attempt)
          if abs(draw) <= 2 { return mean + deviation * draw }
          attempt += 1
        }
      }
    case .varianceScaling(let scale, let mode, let distribution):
      let deviation = (scale / max(1, Self.fan(of: shape, mode))).squareRoot()
      let base: Initializer =
        switch distribution {
        case .uniform: .uniform(-deviation * 3.0.squareRoot(), deviation * 3.0.squareRoot())
        case .normal: .normal(mean: 0, deviation: deviation)
        case .truncatedNormal: .truncatedNormal(mean: 0, deviation: deviation / Self.truncatedDeviation)
        }
      return try base.doubles(shape: shape, generator: generator, name: name)
    case .orthogonal(let gain):
      return Self.orthonormal(shape: shape, generator: generator).map { gain * $0 }
    case .identity(let gain):
      return (0..<count).map { $0 / shape[1] == $0 % shape[1] ? gain : 0 }
    case .columns(let columns):
      return try Self.concatenated(columns, shape: shape, generator: generator, name: name)
    case .array(let array):
      return array.doubles
    case .zeroing(let row, let other):
      var values = try other.doubles(shape: shape, generator: generator, name: name)
      let width = shape.dropFirst().reduce(1, *)
      values.replaceSubrange(row * width..<(row + 1) * width, with: repeatElement(0, count: width))
      return values
    case .blocks, .function:
      firnBug("initializer", "\(self) is sampled before it is resolved")
    }
  }

  /// Standard deviation of a unit Gaussian cut at ±2.
  private static let truncatedDeviation = 0.879_625_661_034_239_78

  private static func fan(of shape: [Int], _ mode: FanMode) -> Double {
    let receptive = shape.dropLast(2).reduce(1, *)
    let output = Double((shape.last ?? 1) * receptive)
    let input = shape.count < 2 ? output : Double(shape[shape.count - 2] * receptive)
    return switch mode {
    case .fanIn: input
    case .fanOut: output
    case .fanAverage: (input + output) / 2
    }
  }

  private static func concatenated(
    _ columns: [Column], shape: [Int], generator: Philox, name: String
  ) throws(FirnError) -> [Double] {
    let rows = shape.dropLast().reduce(1, *)
    let last = shape.last ?? 0
    var result = [Double](repeating: 0, count: rows * last)
    var start = 0
    for (index, column) in columns.enumerated() {
      let part = Philox(key: (generator.key.0 &+ UInt32(index), generator.key.1))
      let values = try column.initializer.doubles(
        shape: shape.dropLast() + [column.width], generator: part, name: name)
      for row in 0..<rows {
        for i in 0..<column.width { result[row * last + start + i] = values[row * column.width + i] }
      }
      start += column.width
    }
    return result
  }

  /// Gram–Schmidt, twice for stability, on Gaussian vectors: the orthonormal set is uniformly distributed.
  private static func orthonormal(shape: [Int], generator: Philox) -> [Double] {
    let columns = shape.last ?? 1
    let rows = shape.dropLast().reduce(1, *)
    let (vectors, length) = (min(rows, columns), max(rows, columns))
    var basis: [[Double]] = []
    for v in 0..<vectors {
      var vector = (0..<length).map { generator.normal(v * length + $0) }
      for _ in 0..<2 {
        for other in basis {
          let projection = zip(vector, other).reduce(0) { $0 + $1.0 * $1.1 }
          for i in 0..<length { vector[i] -= projection * other[i] }
        }
      }
      let norm = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
      basis.append(vector.map { $0 / norm })
    }
    var result = [Double](repeating: 0, count: rows * columns)
    for row in 0..<rows {
      for column in 0..<columns {
        result[row * columns + column] = rows <= columns ? basis[row][column] : basis[column][row]
      }
    }
    return result
  }
}
