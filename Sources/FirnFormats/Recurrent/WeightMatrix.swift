import FirnGraph

/// A matrix whose blocks are moved about, elements keeping their values exactly; a vector has one row.
struct WeightMatrix {
  var dtype: DType
  var rows: Int
  var columns: Int
  var isVector: Bool
  var values: [Double]
  /// Names of the weights it is made from, in the order in which they came together.
  private(set) var sources: [String]
  /// Whether two weights were added to make it.
  private(set) var isSum = false

  init(_ array: NDArray, named name: String) {
    sources = [name]
    dtype = array.dtype
    isVector = array.shape.count == 1
    rows = isVector ? 1 : array.shape[0]
    columns = array.shape[isVector ? 0 : 1]
    values = array.doubles
  }

  private init(like other: WeightMatrix, _ rows: Int, _ columns: Int, _ values: [Double]) {
    dtype = other.dtype
    isVector = other.isVector && rows == 1
    sources = other.sources
    isSum = other.isSum
    self.rows = rows
    self.columns = columns
    self.values = values
  }

  var array: NDArray {
    get throws(FirnError) {
      try NDArray(values, shape: isVector ? [columns] : [rows, columns]).converted(to: dtype)
    }
  }

  var asVector: WeightMatrix {
    var result = self
    result.isVector = rows == 1
    return result
  }

  var transposed: WeightMatrix {
    let moved = (0..<columns).flatMap { column in (0..<rows).map { values[$0 * columns + column] } }
    return WeightMatrix(like: self, columns, rows, moved)
  }

  func rows(_ range: Range<Int>) -> WeightMatrix {
    let kept = Array(values[range.lowerBound * columns..<range.upperBound * columns])
    return WeightMatrix(like: self, range.count, columns, kept)
  }

  func columns(_ range: Range<Int>) -> WeightMatrix {
    let kept = (0..<rows).flatMap { row in range.map { values[row * columns + $0] } }
    return WeightMatrix(like: self, rows, range.count, kept)
  }

  func appending(rows other: WeightMatrix) -> WeightMatrix {
    WeightMatrix(like: self, rows + other.rows, columns, values + other.values).made(also: other)
  }

  func appending(columns other: WeightMatrix) -> WeightMatrix {
    var joined: [Double] = []
    for row in 0..<rows {
      joined += self.row(row)
      joined += other.row(row)
    }
    return WeightMatrix(like: self, rows, columns + other.columns, joined).made(also: other)
  }

  /// The blocks of equal width along the columns in another order.
  func blocks(_ order: [Int]) -> WeightMatrix {
    let width = columns / order.count
    var moved: [Double] = []
    for row in 0..<rows {
      for block in order { moved += self.row(row).dropFirst(block * width).prefix(width) }
    }
    return WeightMatrix(like: self, rows, columns, moved)
  }

  /// The same numbers in the same order, in as many rows and columns.
  func reshaped(_ rows: Int, _ columns: Int) -> WeightMatrix {
    WeightMatrix(like: self, rows, columns, values)
  }

  /// With a change made to each of the blocks of equal width along the columns.
  func eachBlock(of count: Int, _ change: (WeightMatrix) -> WeightMatrix) -> WeightMatrix {
    let width = columns / count
    let blocks = (0..<count).map { change(columns($0 * width..<($0 + 1) * width)) }
    return blocks.dropFirst().reduce(blocks[0]) { $0.appending(columns: $1) }
  }

  func halved() -> WeightMatrix { WeightMatrix(like: self, rows, columns, values.map { $0 / 2 }) }

  private func row(_ row: Int) -> ArraySlice<Double> { values[row * columns..<(row + 1) * columns] }

  func adding(_ other: [Double]) -> WeightMatrix {
    WeightMatrix(like: self, rows, columns, zip(values, other).map { $1 == 0 ? $0 : $0 + $1 })
  }

  func adding(_ other: WeightMatrix) -> WeightMatrix {
    var result = adding(other.values).made(also: other)
    result.isSum = true
    return result
  }

  private func made(also other: WeightMatrix) -> WeightMatrix {
    var result = self
    result.sources += other.sources.filter { !sources.contains($0) }
    return result
  }

  func filled(_ value: Double) -> WeightMatrix {
    WeightMatrix(like: self, rows, columns, Array(repeating: value, count: values.count))
  }
}
