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
  ///   - features: what is fed in the place of the frozen prefix, in a world of one.
  func run(
    _ batch: [Int], number: Int, of size: Int, _ data: DataSet, _ features: CachedFeatures?
  ) throws(FirnError) -> Results {
    let world = session.world
    guard world.size > 1 else {
      if let features { return try session.run(features.step, feeding: features.feeds(batch)) }
      return try session.run(program, feeding: data.feeds(batch))
    }
    // No batch but the last is smaller, so the product is the place of the first example.
    let first = number * min(size, max(1, data.count))
    let part = DataSet.part(of: batch, after: first, rank: world.rank, of: world.size)
    // Who has no example runs along on one that weighs nothing.
    let fed = part.isEmpty ? Array(batch.prefix(1)) : part
    return try session.run(program, feeding: data.feeds(fed), counts: !part.isEmpty)
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
