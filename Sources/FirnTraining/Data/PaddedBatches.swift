public import FirnGraph
internal import FirnRuntime

/// Sequences of different lengths in batches: each filled up to the longest of its batch, and such of a length
/// together.
///
/// Every epoch the sequences are shuffled, cut into pools of `pool` batches, and each pool is sorted by length and cut
/// into batches, whose order is shuffled again. So a batch is of similar lengths and little is filled up, and no epoch
/// is like another. With a pool of 1 lengths play no part.
///
///     let source = try PaddedBatches(
///       [tokens: sentences], lengths: lengths, labels: [y: kinds], of: 32, seed: 1)
public struct PaddedBatches: DividedBatchSource, Sendable {
  private let sequences: [(name: String, home: GraphIdentity?, arrays: [NDArray], padding: Double)]
  private let rest: DataSet?
  private let lengthName: (name: String, home: GraphIdentity?)?
  private let lengths: [Int]
  private let size: Int
  private let pool: Int
  private let seed: UInt64?

  /// - Parameters:
  ///   - sequences: for each placeholder an array an example, `[time, …]`; of one example all are as long.
  ///   - padding: what is filled up with; 0 by default.
  ///   - lengths: the placeholder `i32[batch]` that is fed the true lengths; none by default.
  ///   - labels: what has one row an example, as in a ``DataSet``.
  ///   - size: examples in a batch; at least 1 is taken.
  ///   - pool: how many batches are sorted together; at least 1 is taken.
  ///   - seed: decides the orders; nil for pools in the examples' own order.
  /// - Throws: `.shapeMismatch` where arrays of one example differ in length, arrays of one placeholder in their other
  ///   axes, or labels in number; `.invalidArgument` where there are no examples, or one has no steps; each with its
  ///   number; and where what is filled up with is no element of an array's type.
  public init(
    _ sequences: KeyValuePairs<any TensorReference, [NDArray]>, padding: Double = 0,
    lengths: (any TensorReference)? = nil, labels: KeyValuePairs<any TensorReference, NDArray> = [:],
    of size: Int, pool: Int = 16, seed: UInt64? = nil
  ) throws(FirnError) {
    guard let first = sequences.first?.value, !first.isEmpty else {
      throw FirnError(.invalidArgument, "there are no sequences", remedy: "give one an example")
    }
    self.lengths = first.map { $0.shape.first ?? 0 }
    for (reference, arrays) in sequences {
      guard arrays.count == first.count else {
        throw FirnError(
          .shapeMismatch, "`\(reference.tensorName)` has \(arrays.count) sequences, there are \(first.count)",
          remedy: "give one an example")
      }
      let filling = NDArray(ArrayType(arrays[0].dtype, []), rounding: [padding])
      guard arrays[0].dtype.isFloatingPoint || filling.doubles == [padding] else {
        throw FirnError(
          .invalidArgument,
          "`\(reference.tensorName)` is \(arrays[0].dtype), and to be filled up with \(padding)",
          remedy: "give a `padding` that is an element of it", place: reference.tensorName)
      }
      for (index, array) in arrays.enumerated() {
        guard array.shape.first == self.lengths[index], array.dtype == arrays[0].dtype,
          array.shape.dropFirst() == arrays[0].shape.dropFirst()
        else {
          throw FirnError(
            .shapeMismatch,
            "sequence \(index) of `\(reference.tensorName)` is \(array.type), which fits neither the others nor its length \(self.lengths[index])",
            remedy: "give arrays that differ in their first axis alone, and for one example as long ones")
        }
        guard self.lengths[index] > 0 else {
          throw FirnError(
            .invalidArgument, "sequence \(index) of `\(reference.tensorName)` has no steps",
            remedy: "leave the example out")
        }
      }
    }
    self.sequences = sequences.map { ($0.key.tensorName, $0.key.home, $0.value, padding) }
    rest =
      labels.isEmpty
      ? nil
      : DataSet(columns: labels.map { ($0.key.tensorName, $0.value, $0.key.home) }, count: first.count)
    for (reference, array) in labels where array.shape.first != first.count {
      throw FirnError(
        .shapeMismatch,
        "`\(reference.tensorName)` is \(array.type), there are \(first.count) sequences",
        remedy: "give one row an example")
    }
    lengthName = lengths.map { ($0.tensorName, $0.home) }
    self.size = max(1, size)
    self.pool = max(1, pool)
    self.seed = seed
  }

  /// At the first batch of the first epoch.
  public var start: DataPosition { DataPosition(seed: seed ?? 0, batchSize: size, count: lengths.count) }

  /// The number of examples over the batch size, rounded up in each pool.
  public func batchCount(ofEpoch epoch: Int) -> Int? { plan(epoch).count }

  /// The batches of an epoch, without the first ones.
  public func batches(ofEpoch epoch: Int, from first: Int) throws(FirnError) -> BatchIterator {
    let plan = plan(epoch)
    var next = max(0, first)
    return BatchIterator { () throws(FirnError) in
      guard next < plan.count else { return nil }
      next += 1
      return try batch(plan[next - 1])
    }
  }

  /// The batches of an epoch, without the first ones, of each a member's part, filled up as the whole batch is.
  public func parts(
    ofEpoch epoch: Int, from first: Int, for share: BatchShare
  ) throws(FirnError) -> BatchIterator {
    let plan = plan(epoch)
    var next = max(0, first)
    var place = plan.prefix(next).reduce(0) { $0 + $1.count }
    return BatchIterator { () throws(FirnError) in
      guard next < plan.count else { return nil }
      let indices = plan[next]
      let (places, own) = share.fedPlaces(in: indices.count, after: place)
      next += 1
      place += indices.count
      var part = try batch(places.map { indices[$0] }, asLongAs: indices)
      part.count = own
      part.whole = .init(count: indices.count, indices: indices)
      return part
    }
  }

  /// The examples of each batch of an epoch.
  func plan(_ epoch: Int) -> [[Int]] {
    let stream = UInt64(truncatingIfNeeded: epoch)
    let order = seed.map { Shuffle(seed: $0, stream: stream).order(lengths.count) } ?? Array(lengths.indices)
    let (span, overflow) = size.multipliedReportingOverflow(by: pool)
    let whole = overflow ? order.count : min(span, order.count)
    var batches: [[Int]] = []
    for start in stride(from: 0, to: order.count, by: max(1, whole)) {
      var chosen = Array(order[start..<min(start + whole, order.count)])
      if pool > 1 {
        // Stable, so that what is as long stays in its random order.
        chosen = chosen.enumerated().sorted {
          (lengths[$0.element], $0.offset) < (lengths[$1.element], $1.offset)
        }.map(\.element)
      }
      batches += stride(from: 0, to: chosen.count, by: min(size, chosen.count)).map {
        Array(chosen[$0..<min($0 + size, chosen.count)])
      }
    }
    guard pool > 1, let seed else { return batches }
    return Shuffle(seed: seed, stream: stream ^ 1 << 63).order(batches.count).map { batches[$0] }
  }

  /// - Parameter whole: up to the longest of these it is filled up; nil for the batch itself.
  private func batch(_ indices: [Int], asLongAs whole: [Int]? = nil) throws(FirnError) -> Batch {
    let longest = (whole ?? indices).map { lengths[$0] }.max() ?? 0
    var entries: [Feeds.Entry] = []
    for sequence in sequences {
      let form = ArrayType(
        sequence.arrays[0].dtype, [indices.count, longest] + sequence.arrays[0].shape.dropFirst())
      let row = form.shape.dropFirst().reduce(1, *)
      var values = [Double](repeating: sequence.padding, count: row * indices.count)
      for (place, index) in indices.enumerated() {
        let own = sequence.arrays[index].doubles
        values.replaceSubrange((place * row)..<(place * row + own.count), with: own)
      }
      entries.append((sequence.name, NDArray(form, rounding: values), sequence.home))
    }
    if let lengthName {
      entries.append((lengthName.name, NDArray(indices.map { Int32(lengths[$0]) }), lengthName.home))
    }
    if let rest { entries += try rest.entries(indices) }
    return Batch(Feeds(entries: entries), count: indices.count, indices: indices)
  }
}
