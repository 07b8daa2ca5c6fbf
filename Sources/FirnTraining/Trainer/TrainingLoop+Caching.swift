import FirnCompiler
import FirnGraph
import FirnRuntime

/// Stored features of what is frozen.
extension TrainingLoop {
  /// The features of the program that trains now; nil where nothing is cached.
  ///
  /// - Throws: `.invalidArgument` where caching is asked for and cannot be done, with the reason.
  private func stored() throws(FirnError) -> CachedFeatures? {
    if let features { return features }
    let made = try makeFeatures()
    features = .some(made)
    return made
  }

  private func makeFeatures() throws(FirnError) -> CachedFeatures? {
    guard let caching = trainer.caching else { return nil }
    guard let batches = source as? DataBatches else {
      throw FirnError(
        .invalidArgument,
        "the examples of this source cannot be told apart, so nothing of them can be cached",
        remedy: "give a data set, `data.inBatches(of:)`, or do without caching")
    }
    // A schedule may thaw what is next to the data.
    if trainer.stages.schedule.stages.count > 1, run.program.frozenBoundary().cut == nil { return nil }
    return try caching.features(of: run.program, over: batches.data, in: session)
  }

  /// Where batches come from: rows of data that nobody reads any more are not copied.
  func fedSource() throws(FirnError) -> any BatchSource {
    guard trainer.stages.schedule.stages.count == 1, probe == nil, let features = try stored(),
      let batches = source as? DataBatches
    else { return source }
    return DataBatches(features.numbers, size: batches.size, seed: batches.seed)
  }

  /// Runs the program for a batch, or what is left of it where features are stored.
  func results(of batch: Batch) throws(FirnError) -> Results {
    guard let features = try stored(), let indices = batch.indices else {
      return try session.run(run.program, feeding: batch.feeds, counts: batch.isCounted)
    }
    if let whole = batch.whole?.indices { try features.handOut(whole) }
    // First: a program that waits for its feeds is copied.
    let feeds = try features.feeds(indices)
    return try session.run(features.step, feeding: feeds, counts: batch.isCounted)
  }

  /// The stored features of what validation runs; nil where they are not cached.
  func cachedValidation(_ source: any BatchSource) throws(FirnError) -> CachedFeatures? {
    if let validationFeatures { return validationFeatures }
    var made: CachedFeatures?
    if let caching = trainer.caching, let program = evaluator?.program,
      let data = (source as? DataBatches)?.data
    {
      do throws(FirnError) {
        made = try caching.features(
          of: program, over: data, in: session,
          trained: Set(run.program.trained.map(\.name) + run.program.writtenVariables))
      } catch {
        // Validation as it would be without: nothing is wrong with it.
        guard error.code == .invalidArgument else { throw error }
      }
    }
    validationFeatures = .some(made)
    return made
  }
}
