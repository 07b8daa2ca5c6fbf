package import FirnGraph

/// What passes read besides the graph, and what they leave for those after them and for reports.
package struct CompilationContext: Sendable {
  package let request: CompilationRequest
  package let trainability: Trainability
  /// What `prune-gradients` decided.
  package var pruning: PruningRecord?
  /// The name of the request for gradients that `prune-gradients` wrote, for `apply-optimizer`.
  package var gradientRequest: String?
  /// The optimiser's memory that `apply-optimizer` declared, in creation order.
  package var slots: [CompiledSlot] = []
  /// The updates, `apply-optimizer` says, that leave rows without gradient as they are; for `update-rows`.
  package var rowUpdates: [RowUpdate] = []
  /// By result of the loss's request, the names of gradients that are rows added into zeros, as `expand-gradients` found
  /// them.
  package var rowGradients: [Int: String] = [:]
  /// What each pass did.
  package var history: [PassRecord] = []

  /// - Throws: what is wrong with the request's selections.
  package init(_ request: CompilationRequest) throws(FirnError) {
    self.request = request
    if let trainability = request.trainability {
      self.trainability = trainability
    } else {
      trainability = try Trainability(
        request.selectionContext, freezing: request.freezing, thawing: request.thawing)
    }
  }

  /// What a graph is compiled to return: what was fetched, then the loss of a training program.
  var outputs: [Value] { request.fetches + [request.training?.loss].compactMap { $0 } }

  /// What becomes of the variables, given where gradients travel; nil where nothing is trained.
  ///
  /// - Throws: where `keepingTrainingMode:` names nothing that has two modes.
  func verdicts(_ flow: LossFlow?) throws(FirnError) -> Verdicts {
    Verdicts(request.graph, trainability, try Modes(request.graph, request, trainability), flow)
  }

  /// The loss in a graph of this compilation; nil where nothing is trained.
  func loss(in graph: GraphDef, for pass: String) -> Value? {
    guard request.training != nil else { return nil }
    guard graph.outputs.count == outputs.count, let loss = graph.outputs.last else {
      firnBug(pass, "\(graph.outputs.count) outputs for \(request.fetches.count) fetches and a loss")
    }
    return loss
  }
}
