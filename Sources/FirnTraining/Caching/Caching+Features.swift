import FirnGraph
import FirnRuntime

extension Caching {
  /// - Throws: `.invalidArgument` for what is no place, or no number of bytes.
  func validate() throws(FirnError) {
    if case .folder("") = place.kind {
      throw FirnError(
        .invalidArgument, "features are to be kept in a folder without a name",
        remedy: "give its path; \".\" is the folder you are in")
    }
    if place.limit < 0 {
      throw FirnError(
        .invalidArgument, "features may take \(place.limit) bytes",
        remedy: "give a limit that is not negative")
    }
    if let bytes = bytesPerExample, bytes < 0 {
      throw FirnError(
        .invalidArgument, "features may take \(bytes) bytes an example",
        remedy: "give a number that is not negative")
    }
  }

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
