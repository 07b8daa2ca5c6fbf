import FirnGraph
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

  /// The batch that this is one member's part of; nil for a whole one.
  public internal(set) var whole: Whole?

  /// A batch of all members together.
  public struct Whole: Hashable, Sendable {
    /// Its examples.
    public let count: Int
    /// Which they are, where that is known.
    public let indices: [Int]?
  }

  /// One member's part of a batch.
  ///
  /// - Parameters:
  ///   - feeds: of the member's examples; where it has none, of any one, which then weighs nothing.
  ///   - count: the member's examples, not negative.
  ///   - total: those of all members.
  ///   - indices: which examples are fed; nil where they have no numbers.
  public init(_ feeds: Feeds, count: Int, of total: Int, indices: [Int]? = nil) {
    self.init(feeds, count: count, indices: indices)
    whole = Whole(count: total, indices: nil)
  }

  /// The examples that a loss of it is the mean of, in a world those of all members.
  var total: Int { whole?.count ?? count }

  /// Whether what it makes is to weigh anything.
  var isCounted: Bool { whole == nil || count > 0 }
}

extension Batch {
  /// The part of a member of a world: of each placeholder with a row an example the rows that are its own.
  ///
  /// - Parameters:
  ///   - first: the place in the epoch of the first example.
  ///   - placeholders: those that will be fed, as they are declared: what has a number as its first extent, or none, is
  ///     fed whole.
  /// - Throws: `.invalidArgument` where rows are not examples.
  func part(
    for share: BatchShare, after first: Int, of placeholders: [(name: String, type: TensorType)]
  ) throws(FirnError) -> Batch {
    let (places, own) = share.fedPlaces(in: count, after: first)
    let counted = Set(
      placeholders.filter { $0.type.shape.first.map { $0.value == nil } ?? false }.map(\.name))
    let entries = try feeds.entries.map { entry throws(FirnError) -> Feeds.Entry in
      guard counted.contains(entry.name) else { return entry }
      guard entry.array.shape.first == count else {
        throw FirnError(
          .invalidArgument,
          "`\(entry.name)` is fed \(entry.array.type) for \(count) examples, so they cannot be shared out among \(share.members) ranks",
          remedy: "give each example a row, or make the source a `DividedBatchSource`", place: entry.name)
      }
      return (entry.name, try entry.array.rows(places), entry.home)
    }
    var part = Batch(Feeds(entries: entries), count: own, of: count)
    part.indices = indices.map { indices in places.map { indices[$0] } }
    part.whole = Whole(count: count, indices: indices)
    return part
  }
}
