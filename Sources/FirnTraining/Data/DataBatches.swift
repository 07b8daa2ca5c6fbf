public import FirnGraph

/// The examples of a ``DataSet`` in batches: in a new random order every epoch, or in their own.
///
/// The last batch of an epoch has what is left, and may be smaller.
public struct DataBatches: DividedBatchSource, Sendable {
  /// The examples.
  public let data: DataSet
  /// Examples in a batch, at least 1.
  public let size: Int
  /// What decides the orders; nil for the examples' own order.
  public let seed: UInt64?

  init(_ data: DataSet, size: Int, seed: UInt64?) {
    self.data = data
    self.size = max(1, size)
    self.seed = seed
  }

  /// At the first batch of the first epoch.
  public var start: DataPosition { DataPosition(seed: seed ?? 0, batchSize: size, count: data.count) }

  /// The number of examples over the batch size, rounded up.
  public func batchCount(ofEpoch epoch: Int) -> Int? { data.batchCount(of: size) }

  /// The batches of an epoch, without the first ones.
  ///
  /// - Complexity: O(examples) for the order; rows are copied batch by batch.
  public func batches(ofEpoch epoch: Int, from first: Int) throws(FirnError) -> BatchIterator {
    iterator(epoch, first) { indices, _ throws(FirnError) in
      Batch(try data.feeds(indices), count: indices.count, indices: indices)
    }
  }

  /// The batches of an epoch, without the first ones, of each a member's part.
  ///
  /// - Complexity: O(examples) for the order; of rows only the member's own are copied.
  public func parts(
    ofEpoch epoch: Int, from first: Int, for share: BatchShare
  ) throws(FirnError) -> BatchIterator {
    iterator(epoch, first) { indices, place throws(FirnError) in
      let (places, own) = share.fedPlaces(in: indices.count, after: place)
      let fed = places.map { indices[$0] }
      var batch = Batch(try data.feeds(fed), count: own, of: indices.count, indices: fed)
      batch.whole = .init(count: indices.count, indices: indices)
      return batch
    }
  }

  /// - Parameters:
  ///   - stride: of so many batches one is made, the first of them.
  ///   - make: makes a batch of examples, told the place of the first of them in the epoch.
  private func iterator(
    _ epoch: Int, _ first: Int, stride: Int = 1,
    _ make: @escaping (_ indices: [Int], _ place: Int) throws(FirnError) -> Batch
  ) -> BatchIterator {
    let (data, size) = (data, min(size, max(1, data.count)))
    let order = seed.map { Shuffle(seed: $0, stream: UInt64(truncatingIfNeeded: epoch)).order(data.count) }
    let (done, overflow) = max(0, first).multipliedReportingOverflow(by: size)
    var next = overflow ? data.count : min(done, data.count)
    let (step, isAll) = size.multipliedReportingOverflow(by: max(1, stride))
    return BatchIterator { () throws(FirnError) in
      guard next < data.count else { return nil }
      let range = next..<min(next + size, data.count)
      next = isAll ? data.count : min(next.saturatingSum(step), data.count)
      return try make(order.map { Array($0[range]) } ?? Array(range), range.lowerBound)
    }
  }

  /// Every so manieth whole batch of the first epoch, from one of them on.
  func everyBatch(_ stride: Int, from first: Int) -> BatchIterator {
    iterator(0, first, stride: stride) { indices, _ throws(FirnError) in
      Batch(try data.feeds(indices), count: indices.count, indices: indices)
    }
  }
}

extension DataSet {
  /// Its examples in batches, as training and evaluation take them.
  ///
  /// - Parameters:
  ///   - size: examples in a batch; at least one is taken.
  ///   - seed: shuffles them anew every epoch; nil leaves them in their order, as evaluation may.
  public func inBatches(of size: Int, seed: UInt64? = nil) -> DataBatches {
    DataBatches(self, size: size, seed: seed)
  }
}

extension DataBatches: CustomStringConvertible {
  /// In one line: `250 examples in 8 batches of 32, shuffled by seed 1`.
  public var description: String {
    "\(data.count) examples in \(data.batchCount(of: size)) batches of \(size)"
      + (seed.map { ", shuffled by seed \($0)" } ?? "")
  }
}
