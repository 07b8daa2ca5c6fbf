import FirnGraph
import FirnRuntime
import FirnWorlds

/// What the loop does where the session belongs to a world.
extension Trainer {
  /// Whether this member says how far the run is.
  var isReporter: Bool { session.world.rank == 0 }

  /// One step on this member's part of a batch.
  ///
  /// - Parameters:
  ///   - number: which batch of the epoch it is.
  ///   - features: what is fed in the place of the frozen prefix.
  func run(
    _ batch: [Int], number: Int, of size: Int, _ data: DataSet, _ features: CachedFeatures?
  ) throws(FirnError) -> Results {
    let world = session.world
    var (fed, counts) = (batch, true)
    if world.size > 1 {
      // No batch but the last is smaller, so the product is the place of the first example.
      let first = number * min(size, max(1, data.count))
      let (places, own) = BatchShare(rank: world.rank, of: world.size).fedPlaces(
        in: batch.count, after: first)
      (fed, counts) = (places.map { batch[$0] }, own > 0)
      try features?.handOut(batch)
    }
    if let features { return try session.run(features.step, feeding: features.feeds(fed), counts: counts) }
    return try session.run(program, feeding: data.feeds(fed), counts: counts)
  }

  /// A checkpoint, written by the first member, of what all hold.
  func save(
    to folder: CheckpointFolder, at position: DataPosition, _ metric: (() throws(FirnError) -> Double)?
  ) throws(FirnError) {
    try session.makeStateEqual()
    let value = try metric?()
    try session.byFirstMember { () throws(FirnError) in
      try folder.save(session, running: program, step: position.step, position: position, metric: value)
    }
  }
}
