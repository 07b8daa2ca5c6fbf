public import FirnGraph

/// A model at a glance, scope by scope: what comes out of each, what it holds and what of that is trained, what it
/// costs.
///
/// As Keras's `summary` and torchinfo show models, of what a program makes of one.
public struct ModelSummary: Hashable, Sendable, Codable {
  /// Scopes in the order of the graph, outer before inner.
  public let scopes: [Row]
  /// The whole model.
  public let total: Row

  /// A scope, with what is below it.
  public struct Row: Hashable, Sendable, Codable {
    /// The scope's path; empty for the whole.
    public let path: String
    /// The type of the last value that leaves the scope, such as `f32[batch,10]`; nil where none does.
    public let result: String?
    /// What becomes of its parameters together; nil where it has none.
    public let status: TrainingStatus?
    /// Elements of its parameters.
    public let parameters: Int
    /// Those of them that a gradient may move: where nothing is trained, what is neither declared nor selected frozen.
    public let trainable: Int
    /// Those of them that a gradient moves; 0 where nothing is trained.
    public let trained: Int
    /// Elements of its state, such as moving averages.
    public let state: Int
    /// Bytes of its parameters and its state.
    public let bytes: Int
    /// What a run costs: the forward program alone where nothing is trained.
    public let cost: Cost

    /// Elements of parameters that no gradient may move.
    public var frozen: Int { parameters - trainable }
  }

  /// The summary with every name of `binding` replaced by its number in costs; other names stay.
  public func bound(by binding: DimBinding) -> ModelSummary {
    ModelSummary(scopes: scopes.map { $0.bound(by: binding) }, total: total.bound(by: binding))
  }
}

extension ModelSummary.Row {
  fileprivate func bound(by binding: DimBinding) -> ModelSummary.Row {
    ModelSummary.Row(
      path: path, result: result, status: status, parameters: parameters, trainable: trainable,
      trained: trained, state: state,
      bytes: bytes, cost: cost.bound(by: binding))
  }
}
