public import FirnGraph

extension DataSet {
  /// One array for each placeholder, by names that are known when the program runs.
  ///
  /// Row i of every column belongs to example i. Nothing is copied.
  ///
  /// - Throws: `.shapeMismatch` where the leading extents differ, an array is a scalar, or there is none.
  public init(named columns: [(name: String, array: NDArray)]) throws(FirnError) {
    guard let count = columns.first?.array.shape.first,
      columns.allSatisfy({ $0.array.shape.first == count })
    else {
      throw FirnError(
        .shapeMismatch, "the columns of a data set must share their leading extent",
        remedy: "give one row an example in every column",
        operands: columns.map {
          .init(label: "column", name: $0.name, type: TensorType($0.array.dtype, Shape($0.array.shape)))
        })
    }
    self.init(columns: columns.map { ($0.name, $0.array, nil) }, count: count)
  }
}
