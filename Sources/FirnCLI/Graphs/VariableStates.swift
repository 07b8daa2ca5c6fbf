internal import FirnCompiler
internal import FirnGraph

/// In a word, what becomes of each variable.
///
/// Where the graph has no plain loss, trainable variables are just that, for nothing tells whether a gradient reaches
/// them.
struct VariableStates {
  private var words: [String: String] = [:]

  init(_ question: GraphQuestion) throws(FirnError) {
    if question.plainLoss != nil {
      let compilation = try Compiler.compile(question.request())
      for row in compilation.status(readersIn: question.graph) {
        words[row.variable.name] = row.status.rawValue
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
