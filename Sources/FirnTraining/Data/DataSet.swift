public import FirnGraph
public import FirnRuntime

/// Examples as arrays that share their leading axis, each for one placeholder.
public struct DataSet: Sendable {
  let columns: [Feeds.Entry]
  /// The number of examples.
  public let count: Int

  /// One array for each placeholder, by tensor or by name: `try DataSet([x: images, "labels": digits])`.
  ///
  /// Row i of every column belongs to example i. Nothing is copied.
  ///
  /// - Throws: `.shapeMismatch` where the leading extents differ, an array is a scalar, or there is none.
  public init(_ columns: KeyValuePairs<any TensorReference, NDArray>) throws(FirnError) {
    self.columns = columns.map { ($0.key.tensorName, $0.value, $0.key.home) }
    guard let count = self.columns.first?.array.shape.first,
      self.columns.allSatisfy({ $0.array.shape.first == count })
    else {
      throw FirnError(
        .shapeMismatch, "the columns of a data set must share their leading extent",
        remedy: "give one row an example in every column",
        operands: columns.map {
          .init(
            label: "column", name: $0.key.tensorName, type: TensorType($0.value.dtype, Shape($0.value.shape)))
        })
    }
    self.count = count
  }

  init(columns: [Feeds.Entry], count: Int) {
    self.columns = columns
    self.count = count
  }

  /// All rows of a column, by placeholder or name.
  ///
  /// - Throws: `.unknownName`.
  public func array(of reference: any TensorReference) throws(FirnError) -> NDArray {
    guard let column = columns.first(where: { $0.name == reference.tensorName }) else {
      throw FirnError(
        .unknownName, "the data set has no column `\(reference.tensorName)`",
        remedy: columns.isEmpty ? "it has none" : "it has " + columns.map(\.name).joined(separator: ", "))
    }
    return column.array
  }

  /// The names of its columns, in their order.
  public var names: [String] { columns.map(\.name) }

  /// The same with another array in a column that is there.
  func replacing(_ name: String, with array: NDArray) -> DataSet {
    DataSet(columns: columns.map { $0.name == name ? ($0.name, array, $0.home) : $0 }, count: count)
  }

  /// Some of its examples as a set of their own, in this order.
  ///
  /// - Throws: `.indexOutOfRange` for an index outside `0..<count`.
  /// - Complexity: their rows are copied.
  public func rows(_ indices: some Sequence<Int>) throws(FirnError) -> DataSet {
    let indices = Array(indices)
    return DataSet(columns: try entries(indices), count: indices.count)
  }

  /// The examples at `indices`, in that order.
  ///
  /// - Throws: `.indexOutOfRange` for an index outside `0..<count`.
  /// - Complexity: O(elements of these examples): their rows are copied.
  public func feeds(_ indices: some Sequence<Int>) throws(FirnError) -> Feeds {
    Feeds(entries: try entries(Array(indices)))
  }

  /// Rows of every column, as they are fed.
  func entries(_ indices: [Int]) throws(FirnError) -> [Feeds.Entry] {
    try columns.map { column throws(FirnError) in
      (column.name, try column.array.rows(indices), column.home)
    }
  }

  /// All examples.
  public var feeds: Feeds { Feeds(entries: columns) }

  /// The examples of one epoch in a random order, cut into batches; the last may be smaller.
  ///
  /// A function of its arguments and ``count`` alone: a resumed run draws what the first would have drawn.
  ///
  /// - Parameters:
  ///   - size: examples in a batch; at least one is taken.
  ///   - epoch: any number; with `seed`, decides the order.
  /// - Returns: for each batch the indices to give to ``feeds(_:)``.
  /// - Complexity: O(``count``).
  public func batches(of size: Int, epoch: Int, seed: UInt64) -> [[Int]] {
    let order = Shuffle(seed: seed, stream: UInt64(truncatingIfNeeded: epoch)).order(count)
    // No batch is larger than all there is, so that sums cannot overflow.
    let size = min(max(1, size), max(1, count))
    return stride(from: 0, to: count, by: size).map { Array(order[$0..<min($0 + size, count)]) }
  }

  /// How many batches an epoch has.
  func batchCount(of size: Int) -> Int {
    let (whole, rest) = count.quotientAndRemainder(dividingBy: max(1, size))
    return rest == 0 ? whole : whole + 1
  }
}
