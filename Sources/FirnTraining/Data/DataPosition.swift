/// How far a training run has come through its data.
public struct DataPosition: Hashable, Sendable, Codable {
  /// Passes over the data that are done, so the number of the one it stands in, from 0.
  public var epoch: Int
  /// Batches of this epoch that are done.
  public var batch: Int
  /// Steps done in all.
  public var step: Int
  /// What decides the order of examples.
  public var seed: UInt64
  /// Examples in a batch; the last of an epoch may have fewer.
  public var batchSize: Int
  /// The number of examples, which decides the order too; nil where it is not known.
  public var count: Int?

  /// More than any run counts, and still far from what a number holds.
  static let most = 1 << 60

  /// A position; by default the beginning.
  public init(
    epoch: Int = 0, batch: Int = 0, step: Int = 0, seed: UInt64, batchSize: Int, count: Int? = nil
  ) {
    self.epoch = epoch
    self.batch = batch
    self.step = step
    self.seed = seed
    self.batchSize = batchSize
    self.count = count
  }
}
