/// The part of each batch that one member of a world reads.
extension DataSet {
  /// For each batch of an epoch, what of it belongs to one of several members.
  ///
  /// The example at place p of the epoch's order belongs to member p mod `members`: none belongs to two or to nobody,
  /// and the parts of a batch, as of an epoch, differ by one example at most. Order and batches are those of
  /// ``batches(of:epoch:seed:)``, whatever the number of members, so that a run goes on with any other number.
  ///
  /// - Parameters:
  ///   - size: examples in a batch, of all members together.
  ///   - epoch: with `seed`, decides the order.
  ///   - rank: whose part, in `0..<members`; outside of it parts are empty.
  ///   - members: how many there are; at least one is taken.
  /// - Returns: as many batches as for one member; parts of one with fewer examples than members may be empty.
  /// - Complexity: O(``count``).
  public func batches(
    of size: Int, epoch: Int, seed: UInt64, rank: Int, of members: Int
  ) -> [[Int]] {
    let all = batches(of: size, epoch: epoch, seed: seed)
    let size = all.first?.count ?? 0
    return all.enumerated().map { number, batch in
      Self.part(of: batch, after: number * size, rank: rank, of: members)
    }
  }

  /// - Parameter first: the place in the epoch of the batch's first example.
  static func part(of batch: [Int], after first: Int, rank: Int, of members: Int) -> [Int] {
    let members = max(1, members)
    return batch.indices.filter { (first + $0) % members == rank }.map { batch[$0] }
  }
}
