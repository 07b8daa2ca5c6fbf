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
      let generator = Philox(seed: seed, name: name)
      let length = resolved.isMadeInRuns ? Self.runLength : type.elementCount
      return NDArray(type, roundingRunsOf: length) { values, first in
        resolved.fill(values, from: first, shape: type.shape, generator: generator)
      }
    }
  }

  /// Elements that are made before they are rounded to the variable's type: few enough for the first-level cache.
  private static let runLength = 2048

  /// Whether an element can be made without all others.
  private var isMadeInRuns: Bool {
    switch form {
    case .columns, .orthogonal: false
    case .zeroing(_, let other): other.isMadeInRuns
    default: true
    }
  }

  /// Bytes that making a value takes besides those of the value.
  package func scratchBytes(for type: ArrayType) -> Int {
    let whole = type.elementCount.saturatingProduct(8)
    switch form {
    // The numbers, a part of them, and what that takes.
    case .columns, .blocks: return whole.saturatingProduct(3)
    // The numbers, and vectors that are the columns.
    case .orthogonal: return whole.saturatingProduct(2)
    case .zeroing(_, let other): return other.scratchBytes(for: type)
    case .function: return whole
    default: return 0
    }
  }

  /// Puts the numbers of the elements from `first` on into all of `values`: all there are, unless it `isMadeInRuns`.
  ///
  /// An element's number is a function of the generator and the element's place alone, bit for bit.
  private func fill(
    _ values: UnsafeMutableBufferPointer<Double>, from first: Int, shape: [Int], generator: Philox
  ) {
    switch form {
    case .constant(let value):
      values.update(repeating: value)
    case .uniform(let low, let high):
      generator.fillUniform(values, from: first)
      for i in values.indices { values[i] = low + (high - low) * values[i] }
    case .normal(let mean, let deviation):
      generator.fillNormal(values, from: first)
      for i in values.indices { values[i] = mean + deviation * values[i] }
    case .truncatedNormal(let mean, let deviation):
      generator.fillNormal(values, from: first)
      for i in values.indices {
        var attempt: UInt32 = 0
        while abs(values[i]) > 2 {
          attempt += 1
          values[i] = generator.normal(first + i, attempt)
        }
      }
      for i in values.indices { values[i] = mean + deviation * values[i] }
    case .varianceScaling(let scale, let mode, let distribution):
      let deviation = (scale / max(1, Self.fan(of: shape, mode))).squareRoot()
      let base: Initializer =
        switch distribution {
        case .uniform: .uniform(-deviation * 3.0.squareRoot(), deviation * 3.0.squareRoot())
        case .normal: .normal(mean: 0, deviation: deviation)
        case .truncatedNormal: .truncatedNormal(mean: 0, deviation: deviation / Self.truncatedDeviation)
        }
      base.fill(values, from: first, shape: shape, generator: generator)
    case .orthogonal(let gain):
      Self.fillOrthonormal(values, columns: shape.last ?? 1, generator: generator)
      for i in values.indices { values[i] = gain * values[i] }
    case .identity(let gain):
      for i in values.indices {
        let (row, column) = (first + i).quotientAndRemainder(dividingBy: shape[1])
        values[i] = row == column ? gain : 0
      }
    case .columns(let columns):
      Self.fill(values, byColumns: columns, shape: shape, generator: generator)
    case .array(let array):
      for i in values.indices { values[i] = array.number(at: first + i) }
    case .zeroing(let row, let other):
      other.fill(values, from: first, shape: shape, generator: generator)
      let width = shape.dropFirst().reduce(1, *)
      let zeros = (row * width..<(row + 1) * width).clamped(to: first..<first + values.count)
      values[zeros.lowerBound - first..<zeros.upperBound - first].update(repeating: 0)
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

  private static func fill(
    _ values: UnsafeMutableBufferPointer<Double>, byColumns columns: [Column], shape: [Int], generator: Philox
  ) {
    let rows = shape.dropLast().reduce(1, *)
    let last = shape.last ?? 0
    var start = 0
    for (index, column) in columns.enumerated() {
      let part = Philox(key: (generator.key.0 &+ UInt32(index), generator.key.1))
      withUnsafeTemporaryAllocation(of: Double.self, capacity: rows * column.width) { numbers in
        column.initializer.fill(
          numbers, from: 0, shape: shape.dropLast() + [column.width], generator: part)
        for row in 0..<rows {
          for i in 0..<column.width { values[row * last + start + i] = numbers[row * column.width + i] }
        }
      }
      start += column.width
    }
  }
}
