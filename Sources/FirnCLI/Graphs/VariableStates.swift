internal import FirnCompiler
internal import FirnGraph

/// In a word, what becomes of each variable.
///
/// Where the graph has no plain loss, trainable variables are just that, for nothing tells whether a gradient reaches
/// them.
struct VariableStates {
  private var words: [String: String] = [:]

  init(_ question: GraphQuestion) throws(FirnError) {
    if let loss = question.plainLoss {
      for entry in try question.explanation(loss: loss).status.variables {
        words[entry.name] = entry.status.rawValue
      }
      return
    }
    let trainability = try question.trainability()
    for variable in trainability.variables {
      words[variable.name] =
        variable.kind == .state ? "state" : trainability.isTrained(variable.name) ? "trainable" : "frozen"
    }
  }

  subscript(name: String) -> String { words[name] ?? "" }
}
