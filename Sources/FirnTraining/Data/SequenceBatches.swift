public import FirnGraph

/// Batches that a Swift sequence makes, one sequence an epoch.
///
///     let source = SequenceBatches { epoch in
///       stride(from: 0, to: 100, by: 10).lazy.map { first in Batch([x: window(first)], count: 10) }
///     }
///
/// A resumed run makes the sequence of its epoch anew and passes over what is done, so `epoch` must decide it.
public struct SequenceBatches<Batches: Sequence>: BatchSource where Batches.Element == Batch {
  private let make: (Int) throws -> Batches
  private let count: Int?

  /// - Parameters:
  ///   - count: how many batches an epoch has, where it is known; for the remaining time alone.
  ///   - make: the batches of an epoch, which is counted from 0.
  public init(count: Int? = nil, _ make: @escaping (_ epoch: Int) throws -> Batches) {
    self.make = make
    self.count = count
  }

  /// At the first batch of the first epoch; how many examples there are is not known.
  public var start: DataPosition { DataPosition(seed: 0, batchSize: 0) }

  /// As it was said; nil where it was not.
  public func batchCount(ofEpoch epoch: Int) -> Int? { count }

  /// The batches of an epoch, without the first ones.
  ///
  /// - Throws: what making the sequence throws.
  public func batches(ofEpoch epoch: Int, from first: Int) throws(FirnError) -> BatchIterator {
    var iterator = try FirnError.wrapping { try make(epoch) }.makeIterator()
    for _ in 0..<max(0, first) where iterator.next() == nil { break }
    return BatchIterator { iterator.next() }
  }
}
