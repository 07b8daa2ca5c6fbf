public import FirnRuntime

/// What one step is fed.
public struct Batch: Sendable {
  /// The data, by placeholder.
  public var feeds: Feeds
  /// How many examples it holds; means over epochs are weighted by it.
  public var count: Int
  /// Which examples of its source they are, in the order of the rows; nil where they have no numbers.
  ///
  /// What is the same for an example in every epoch can be kept by it.
  public var indices: [Int]?

  /// A batch.
  ///
  /// - Parameters:
  ///   - count: examples, not negative.
  ///   - indices: `count` numbers, or nil.
  public init(_ feeds: Feeds, count: Int, indices: [Int]? = nil) {
    self.feeds = feeds
    self.count = count
    self.indices = indices
  }
}
