/// Which examples of every batch one member of a world runs.
///
/// The example at place p of an epoch's order belongs to the member of rank p mod ``members``: none belongs to two or
/// to nobody, and whatever is shared out so differs by one example at most.
public struct BatchShare: Hashable, Sendable {
  /// Whose share it is, in `0..<members`.
  public let rank: Int
  /// How many members there are.
  public let members: Int

  /// - Precondition: the rank is one of the members'.
  public init(rank: Int, of members: Int) {
    precondition((0..<members).contains(rank), "no member has this rank")
    self.rank = rank
    self.members = members
  }

  /// The places of a batch that belong to it, in their order; there may be none.
  ///
  /// - Parameters:
  ///   - count: examples of the batch, not negative.
  ///   - first: the place of its first example in the epoch.
  public func places(in count: Int, after first: Int) -> [Int] {
    (0..<max(0, count)).filter { ((first % members) + $0) % members == rank }
  }

  /// As ``places(in:after:)``, or the first where there are none: who has no example runs along on others' that weigh
  /// nothing; on two, if there are two, since a norm has no deviation of one.
  func fedPlaces(in count: Int, after first: Int) -> (places: [Int], own: Int) {
    let own = places(in: count, after: first)
    return (own.isEmpty ? Array(0..<min(2, max(0, count))) : own, own.count)
  }
}

extension BatchShare: CustomStringConvertible {
  /// In a few words: `rank 1 of 4`.
  public var description: String { "rank \(rank) of \(members)" }
}
