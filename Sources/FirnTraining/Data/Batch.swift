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

  /// - Throws: `.invalidArgument` for what cannot be a number of examples.
  func requireExamples() throws(FirnError) {
    guard let wrong = [total, count].first(where: { $0 < 0 || $0 > Self.mostExamples || total < 1 }) else {
      return
    }
    throw FirnError(
      .invalidArgument, "a batch is said to hold \(wrong) examples",
      remedy: "give as its `count` how many rows it feeds")
  }

  /// So many that no memory holds them, and that an epoch of such batches can still be counted.
  private static let mostExamples = 1 << 40
}

extension Batch {
  /// The part of a member of a world: of each placeholder with a row an example the rows that are its own.
  ///
  /// Rows are those of the dimension `batch`, wherever it stands, or else of the only named first one.
  ///
  /// - Parameters:
  ///   - first: the place in the epoch of the first example.
  ///   - placeholders: those that will be fed, as they are declared: what lacks that dimension is fed whole.
  /// - Throws: `.invalidArgument` where rows are not examples, or it is not known which are.
  func part(
    for share: BatchShare, after first: Int, of placeholders: [(name: String, type: TensorType)]
  ) throws(FirnError) -> Batch {
    let (places, own) = share.fedPlaces(in: count, after: first)
    let dimension = try Dim.ofExamples(
      in: placeholders.map(\.type.shape), remedy: "make the source a `DividedBatchSource`")
    let entries = try feeds.entries.map { entry throws(FirnError) -> Feeds.Entry in
      guard let shape = placeholders.first(where: { $0.name == entry.name })?.type.shape,
        let axis = dimension.flatMap({ shape.firstIndex(of: $0) })
      else { return entry }
      guard entry.array.shape.count == shape.count, entry.array.shape[axis] == count else {
        throw FirnError(
          .invalidArgument,
          "`\(entry.name)` is fed \(entry.array.type) for \(count) examples, so they cannot be shared out among \(share.members) ranks",
          remedy: "give each example a row, or make the source a `DividedBatchSource`", place: entry.name)
      }
      return (entry.name, try entry.array.slices(places, along: axis), entry.home)
    }
    var part = Batch(Feeds(entries: entries), count: own, of: count)
    part.indices = indices.map { indices in places.map { indices[$0] } }
    part.whole = Whole(count: count, indices: indices)
    return part
  }
}

extension NDArray {
  /// The slices at `indices` of an axis, in that order.
  fileprivate func slices(_ indices: [Int], along axis: Int) throws(FirnError) -> NDArray {
    if axis == 0 { return try rows(indices) }
    // As rows of the axis, one block of them for each place before it.
    let (outer, count) = (shape[..<axis].reduce(1, *), shape[axis])
    let flat = try reshaped(to: [outer * count] + shape[(axis + 1)...])
    let picked = try flat.rows((0..<outer).flatMap { place in indices.map { place * count + $0 } })
    return try picked.reshaped(to: shape[..<axis] + [indices.count] + shape[(axis + 1)...])
  }
}
