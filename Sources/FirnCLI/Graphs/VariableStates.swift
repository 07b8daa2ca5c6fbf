internal import FirnCompiler
internal import FirnGraph

/// What becomes of each variable.
///
/// Where the graph has no plain loss, trainable variables are just that, for nothing tells whether a gradient reaches
/// them.
struct VariableStates {
  private let statuses: [String: TrainingStatus]

  init(_ question: GraphQuestion) throws(FirnError) {
    var statuses: [String: TrainingStatus] = [:]
    if let loss = question.plainLoss {
      for entry in try question.explanation(loss: loss).status.variables {
        statuses[entry.name] = entry.status
      }
    } else {
      let trainability = try question.trainability()
      for variable in trainability.variables {
        statuses[variable.name] = trainability.status(of: variable)
      }
    }
    self.statuses = statuses
  }

  /// - Parameter name: a variable's, but no slot's.
  subscript(name: String) -> TrainingStatus { statuses[name] ?? .state }
}
