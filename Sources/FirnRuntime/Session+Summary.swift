public import FirnCompiler
public import FirnGraph
public import FirnNotation

extension Session {
  /// The model at a glance, before any program trains it: scopes, what comes out of them, parameters and arithmetic.
  ///
  ///     print(try session.summary(freezing: "encoder"))
  ///
  /// What a program trains and what that costs is its own ``Program/summary()``.
  ///
  /// - Parameters:
  ///   - freezing: what counts as frozen besides what is declared so.
  ///   - thawing: what counts as trainable although declared or selected frozen.
  /// - Throws: the faults of the graph, `.invalidSelection`.
  /// - Complexity: a compilation.
  public func summary(
    freezing: Selection? = nil, thawing: Selection? = nil
  ) throws(FirnError) -> ModelSummary {
    try addVariables()
    try requireOwn([freezing, thawing])
    var request = CompilationRequest(
      graph: graph.definition, fetches: [], freezing: freezing, thawing: thawing)
    request.values = knownValues
    return try Explanation(request).summary()
  }
}
