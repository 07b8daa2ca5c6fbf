import FirnCompiler
import FirnGraph
import FirnRuntime
import FirnWorlds

extension BatchSource {
  /// The batches of an epoch, without the first ones; in a world a member's part of each.
  ///
  /// - Parameter program: what will be run on them, which says what has a row for each example.
  func batches(
    for session: Session, running program: Program, ofEpoch epoch: Int, from first: Int
  ) throws(FirnError) -> BatchIterator {
    let world = session.world
    guard world.size > 1 else { return try batches(ofEpoch: epoch, from: first) }
    let share = BatchShare(rank: world.rank, of: world.size)
    if let source = self as? any DividedBatchSource {
      return try source.parts(ofEpoch: epoch, from: first, for: share)
    }
    let whole = try batches(ofEpoch: epoch, from: first)
    let placeholders = program.compilation.graph.placeholders
    // By its number alone, so that a resumed run shares out as the one that was stopped.
    let size = max(1, start.batchSize)
    var number = first
    return BatchIterator { () throws(FirnError) in
      guard let batch = try whole.next() else { return nil }
      let place = number.saturatingProduct(size)
      number += 1
      return try batch.part(for: share, after: place, of: placeholders)
    }
  }
}
