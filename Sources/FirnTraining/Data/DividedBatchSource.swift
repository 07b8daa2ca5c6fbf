public import FirnGraph

/// A source that makes the part of each batch that one member of a world runs, without making the whole.
///
/// In a world of several members a training loop asks for parts. A source that is none of these is asked for whole
/// batches, of which each member takes its rows.
///
///     extension Windows: DividedBatchSource {
///       func parts(ofEpoch epoch: Int, from first: Int, for share: BatchShare) throws(FirnError) -> BatchIterator {
///         var number = first
///         return BatchIterator { () throws(FirnError) in
///           guard number < count else { return nil }
///           let own = share.places(in: size, after: number * size)
///           number += 1
///           return Batch(windows(own.isEmpty ? [0] : own), count: own.count, of: size)
///         }
///       }
///     }
public protocol DividedBatchSource: BatchSource {
  /// The batches of an epoch, without the first ones, of each a member's part.
  ///
  /// All members are given as many batches. A member that has no example in one is given any one example, as
  /// ``Batch/init(_:count:of:indices:)`` says.
  ///
  /// - Parameters:
  ///   - epoch: from 0.
  ///   - first: how many batches of it are done, from 0.
  ///   - share: whose parts.
  func parts(ofEpoch epoch: Int, from first: Int, for share: BatchShare) throws(FirnError) -> BatchIterator
}
