import FirnCompiler
public import FirnGraph
public import FirnNotation
public import FirnRuntime

/// Features of frozen parts, computed for a whole data set.
extension Session {
  /// What everything that `loss` depends on and no gradient moves makes of each example: the features that training the
  /// rest would start from.
  ///
  /// - Parameters:
  ///   - loss: any tensor, by handle or by name; usually the loss.
  ///   - data: a column for each placeholder that it needs.
  ///   - freezing: variables held fixed besides those declared so.
  ///   - thawing: variables trained although declared or selected frozen.
  ///   - keepingTrainingMode: scopes in training mode although frozen; they are random or mix examples, and end what
  ///     can be had.
  ///   - keepingInferenceMode: scopes in inference mode although trained.
  ///   - storingFrozen: the smaller type in which frozen kernels are held; `f32` by default.
  ///   - constants: feeds of placeholders that have no row an example.
  ///   - batchSize: examples that are computed at once, positive; changes no bit.
  ///   - place: where features are kept and looked for; by default nowhere.
  ///   - bytesPerExample: the most that is wanted of one example; see ``Caching``.
  /// - Throws: `.invalidArgument` where nothing frozen stands behind the data, with what keeps it from that, or where
  ///   features do not fit into `place`; what compiling and running throw.
  /// - Complexity: the forward pass of what is frozen for each example that is not in `place`.
  public func frozenFeatures(
    of loss: any TensorReference, over data: DataSet, freezing: Selection? = nil, thawing: Selection? = nil,
    keepingTrainingMode: Selection? = nil, keepingInferenceMode: Selection? = nil,
    storingFrozen: FrozenStorage? = nil,
    feeding constants: Feeds = [:], batchSize: Int = 64,
    in place: FeaturePlace? = nil, bytesPerExample: Int? = nil
  ) throws(FirnError) -> FrozenFeatures {
    let program = try compile(
      fetching: [loss], freezing: freezing, thawing: thawing, keepingTrainingMode: keepingTrainingMode,
      keepingInferenceMode: keepingInferenceMode, inTrainingMode: true, storingFrozen: storingFrozen)
    return try frozenFeatures(
      of: program, over: data, feeding: constants, batchSize: batchSize, in: place,
      bytesPerExample: bytesPerExample)
  }

  /// What the frozen part of a program makes of each example: what training it with `caching:` would store.
  ///
  /// - Parameters: as those of the other `frozenFeatures`.
  /// - Throws: as the other; `.invalidArgument` for a program of another session.
  public func frozenFeatures(
    of program: Program, over data: DataSet, feeding constants: Feeds = [:], batchSize: Int = 64,
    in place: FeaturePlace? = nil, bytesPerExample: Int? = nil
  ) throws(FirnError) -> FrozenFeatures {
    guard batchSize > 0 else {
      throw FirnError(
        .invalidArgument, "features in batches of \(batchSize)", remedy: "give a positive batch size")
    }
    let caching = Caching.frozenFeatures(in: place ?? .memory(limit: .max), bytesPerExample: bytesPerExample)
    let features = try CachedFeatures(
      program, over: data, in: self, caching, constants: constants, trained: program.movedVariables)
    return try features.all(inBatchesOf: batchSize)
  }
}
