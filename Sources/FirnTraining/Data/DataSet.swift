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

  /// The examples at `indices`, in that order.
  ///
  /// - Throws: `.indexOutOfRange` for an index outside `0..<count`.
  /// - Complexity: O(elements of these examples): their rows are copied.
  public func feeds(_ indices: some Sequence<Int>) throws(FirnError) -> Feeds {
    let indices = Array(indices)
    return Feeds(
      entries: try columns.map { column throws(FirnError) in
        (column.name, try column.array.rows(indices), column.home)
      })
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
