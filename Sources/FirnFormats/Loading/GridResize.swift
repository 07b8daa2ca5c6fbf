import FirnGraph
import FirnOps

/// Resizes a table with a row for each place of a grid, as ``WeightTransform/resizedGrid(to:from:keeping:)`` says.
struct GridResize {
  /// Of the result.
  let shape: [Int]
  private let old: [Int]
  private let new: [Int]
  private let kept: Int

  /// - Throws: `.shapeMismatch` where the table has not the rows, `.invalidArgument` for sizes that are none.
  init(of table: [Int], to new: [Int], from old: [Int]?, keeping kept: Int) throws(FirnError) {
    guard table.count >= 2 else {
      throw FirnError(
        .shapeMismatch, "\(Shape(table)) has no rows of a grid", remedy: "name a table of [height·width, c]")
    }
    let sizes = new + (old ?? [])
    guard kept >= 0, sizes.allSatisfy({ (1...1 << 20).contains($0) }) else {
      throw FirnError(
        .invalidArgument, "a grid of \(sizes) with \(kept) rows before it",
        remedy: "give positive heights and widths")
    }
    let axis = table.count - 2
    let rows = table[axis] - kept
    let side = Int(Double(Swift.max(rows, 0)).squareRoot().rounded())
    let old = old ?? [side, side]
    guard rows > 0, old[0] * old[1] == rows else {
      let what = sizes.count == 2 ? "a square" : "a grid of \(old[0])×\(old[1])"
      throw FirnError(
        .shapeMismatch, "\(Shape(table)) has \(table[axis]) rows, which are not \(kept) and \(what)",
        remedy: "say `from:` what grid, and `keeping:` how many rows before it")
    }
    var shape = table
    shape[axis] = kept.saturatingSum(new[0] * new[1])
    guard NDArray.elementCount(of: shape) != nil else {
      throw FirnError(.shapeMismatch, "\(Shape(shape)) has too many elements", remedy: "give a smaller grid")
    }
    (self.shape, self.old, self.new, self.kept) = (shape, old, new, kept)
  }

  /// - Precondition: it holds floating point numbers.
  /// - Throws: `.invalidArgument` where the process cannot have the memory.
  func callAsFunction(_ table: NDArray) throws(FirnError) -> NDArray {
    try ArrayType(.f64, shape).requireMemory()
    let (values, width) = (table.doubles, table.shape[table.shape.count - 1])
    let rows = table.shape[table.shape.count - 2]
    var result: [Double] = []
    result.reserveCapacity(shape.elementCount)
    if values.isEmpty { return try NDArray(zeros: shape, dtype: table.dtype) }
    for start in stride(from: 0, to: values.count, by: rows * width) {
      let grid = start + kept * width
      result += values[start..<grid]
      let above = resampled(Array(values[grid..<start + rows * width]), axis: 0, by: width * old[1])
      result += resampled(above, axis: 1, by: width)
    }
    return try NDArray(result, shape: shape).converted(to: table.dtype)
  }

  /// Along one axis of the grid, whose elements follow one another by `step` numbers.
  private func resampled(_ values: [Double], axis: Int, by step: Int) -> [Double] {
    let (from, to) = (old[axis], new[axis])
    let rule = ResampleRule.bicubic(size: new, alignsCorners: false)
    var result = [Double](repeating: 0, count: values.count / from * to)
    for outer in 0..<values.count / (from * step) {
      for i in 0..<to {
        let window = rule.window(axis, of: i, image: from, count: to)
        let place = (outer * to + i) * step
        for element in window.elements {
          let (weight, source) = (window.weight(of: element), (outer * from + element) * step)
          for k in 0..<step { result[place + k] += weight * values[source + k] }
        }
      }
    }
    return result
  }
}
