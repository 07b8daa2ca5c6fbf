import FirnGraph
import FirnRuntime
import FirnWorlds

extension Caching {
  /// What a loop asks for batches of `data`; nil where there are no examples.
  ///
  /// - Parameter trained: variables that move besides those the program writes; by default what its selections leave to
  ///   be trained.
  /// - Throws: `.invalidArgument` where there is nothing to cache, it takes more than is allowed, or the session
  ///   belongs to a world of several members.
  func features(
    of program: Program, over data: DataSet, in session: Session, trained: Set<String>? = nil
  ) throws(FirnError) -> CachedFeatures? {
    guard session.world.size == 1 else {
      throw FirnError(
        .invalidArgument, "a member of a world of \(session.world.size) caches no features",
        remedy: "leave `caching:` out, or train in one process")
    }
    return data.count == 0
      ? nil
      : try CachedFeatures(
        program, over: data, in: session, self, trained: trained ?? program.movedVariables)
  }
}
