public import FirnGraph

/// Where a training loop gets its batches, epoch by epoch.
///
/// A source is asked for the same epoch again when a run is resumed, and must then give the same batches: what is
/// random is to depend on its own seed and the epoch's number alone.
///
///     struct Noisy: BatchSource {
///       let plain: DataBatches
///       var start: DataPosition { plain.start }
///       func batchCount(ofEpoch epoch: Int) -> Int? { plain.batchCount(ofEpoch: epoch) }
///       func batches(ofEpoch epoch: Int, from first: Int) throws(FirnError) -> BatchIterator { … }
///     }
public protocol BatchSource {
  /// The position of a run that has not begun: its seed, batch size and number of examples.
  ///
  /// A run goes on only with a source whose three numbers are those it was begun with.
  var start: DataPosition { get }

  /// How many batches an epoch has; nil where that is known only at its end.
  func batchCount(ofEpoch epoch: Int) -> Int?

  /// The batches of an epoch, without the first ones.
  ///
  /// - Parameters:
  ///   - epoch: from 0.
  ///   - first: how many batches of it are done, from 0.
  func batches(ofEpoch epoch: Int, from first: Int) throws(FirnError) -> BatchIterator
}
