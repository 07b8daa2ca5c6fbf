import FirnGraph
import FirnRuntime

extension Caching {
  /// What a loop asks for batches of `data`; nil where there are no examples.
  ///
  /// - Parameter trained: variables that move besides those the program writes; by default what its selections leave to
  ///   be trained.
  /// - Throws: `.invalidArgument` where there is nothing to cache, or it takes more than is allowed.
  func features(
    of program: Program, over data: DataSet, in session: Session, trained: Set<String>? = nil
  ) throws(FirnError) -> CachedFeatures? {
    data.count == 0
      ? nil
      : try CachedFeatures(
        program, over: data, in: session, self, trained: trained ?? program.movedVariables)
  }
}
