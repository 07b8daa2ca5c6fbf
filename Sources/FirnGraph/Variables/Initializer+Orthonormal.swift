extension Initializer {
  /// Gram–Schmidt, twice for stability, on Gaussian vectors: the orthonormal set is uniformly distributed.
  ///
  /// The vectors are the rows of the matrix or its columns, whichever are fewer. Each sum is one of products in their
  /// order, and waits for the sum before it. So while one vector goes through those before it the second time, the next
  /// goes through them the first time: two sums then take as long as one.
  static func fillOrthonormal(
    _ values: UnsafeMutableBufferPointer<Double>, columns: Int, generator: Philox
  ) {
    guard let matrix = values.baseAddress else { return }
    let rows = values.count / max(columns, 1)
    if rows <= columns {
      generator.fillNormal(values, from: 0)
      orthonormalize(matrix, count: rows, length: columns)
      return
    }
    withUnsafeTemporaryAllocation(of: Double.self, capacity: values.count) { vectors in
      guard let start = vectors.baseAddress else { return }
      generator.fillNormal(vectors, from: 0)
      orthonormalize(start, count: columns, length: rows)
      // Tile by tile, so that neither side is read or written in strides for long.
      let tile = 32
      for firstRow in stride(from: 0, to: rows, by: tile) {
        for firstColumn in stride(from: 0, to: columns, by: tile) {
          for row in firstRow..<min(firstRow + tile, rows) {
            for column in firstColumn..<min(firstColumn + tile, columns) {
              matrix[row * columns + column] = start[column * rows + row]
            }
          }
        }
      }
    }
  }

  private static func orthonormalize(_ vectors: UnsafeMutablePointer<Double>, count: Int, length: Int) {
    for v in 0..<count {
      let vector = vectors + v * length
      let next = v + 1 < count ? vector + length : nil
      for other in 0..<v {
        let other = vectors + other * length
        if let next {
          takeOff(other, vector, next, length: length)
        } else {
          takeOff(other, vector, length: length)
        }
      }
      var square = 0.0
      for i in 0..<length { square += vector[i] * vector[i] }
      let norm = square.squareRoot()
      for i in 0..<length { vector[i] /= norm }
      if let next { takeOff(vector, next, length: length) }
    }
  }

  /// Takes the projection on a unit vector off `vector`.
  private static func takeOff(
    _ unit: UnsafeMutablePointer<Double>, _ vector: UnsafeMutablePointer<Double>, length: Int
  ) {
    var projection = 0.0
    for i in 0..<length { projection += vector[i] * unit[i] }
    for i in 0..<length { vector[i] -= projection * unit[i] }
  }

  /// The same of two vectors at once.
  private static func takeOff(
    _ unit: UnsafeMutablePointer<Double>, _ first: UnsafeMutablePointer<Double>,
    _ second: UnsafeMutablePointer<Double>, length: Int
  ) {
    var projections = (0.0, 0.0)
    for i in 0..<length {
      projections.0 += first[i] * unit[i]
      projections.1 += second[i] * unit[i]
    }
    for i in 0..<length { first[i] -= projections.0 * unit[i] }
    for i in 0..<length { second[i] -= projections.1 * unit[i] }
  }
}
