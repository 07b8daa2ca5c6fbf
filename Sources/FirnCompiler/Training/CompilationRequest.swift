package import FirnGraph
package import FirnNotation

/// What to make a program for.
package struct CompilationRequest: Sendable {
  package var graph: GraphDef
  /// What a run returns.
  package var fetches: [Value]
  package var training: Training?
  /// Variables, or blocks of them, held fixed, besides those declared so.
  package var freezing: Selection?
  /// Variables, or blocks of them, trained although declared or selected frozen.
  package var thawing: Selection?
  /// What is trained, where that was decided already; else the selections decide.
  package var trainability: Trainability?
  /// Scopes that run in training mode although frozen.
  package var keepingTrainingMode: Selection?
  /// Training mode for everything that is not frozen; a training compilation always is.
  package var isTrainingMode: Bool
  /// Names of variables that were loaded, and of those a run has trained, for selections that ask.
  package var values: (loaded: Set<String>, trained: Set<String>) = ([], [])

  /// What its selections are resolved against.
  package var selectionContext: SelectionContext {
    SelectionContext(graph, loaded: values.loaded, trained: values.trained)
  }

  /// What the loss is called where it was built; nil where nothing is trained.
  var lossName: String? { training.map { graph.name(of: $0.loss) } }

  /// Gradient descent on a scalar.
  package struct Training: Sendable {
    package var loss: Value
    package var optimizer: any Optimizer
    /// The largest global norm of all trained gradients together; none if nil.
    package var clippingNorm: Double?

    package init(loss: Value, optimizer: any Optimizer, clippingNorm: Double? = nil) {
      self.loss = loss
      self.optimizer = optimizer
      self.clippingNorm = clippingNorm
    }
  }

  package init(
    graph: GraphDef, fetches: [Value], training: Training? = nil, freezing: Selection? = nil,
    thawing: Selection? = nil, keepingTrainingMode: Selection? = nil, isTrainingMode: Bool = false
  ) {
    self.graph = graph
    self.fetches = fetches
    self.training = training
    self.freezing = freezing
    self.thawing = thawing
    self.keepingTrainingMode = keepingTrainingMode
    self.isTrainingMode = isTrainingMode || training != nil
  }
}
