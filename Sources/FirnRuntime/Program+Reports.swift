public import FirnCompiler
public import FirnGraph

/// Questions about freezing; a program answers as what it was compiled from does.
extension Program {
  /// Everything that can be asked, analysed once; hold on to it to ask more than one question.
  ///
  /// - Complexity: linear in the nodes of the graph; each question below makes one of these.
  /// - Throws: what compiling throws.
  public func explanation() throws(FirnError) -> Explanation {
    try Explanation(compilation.context)
  }

  /// What can be asked of one objective alone: status, why, cost, lint.
  ///
  /// What others train is frozen there. Status, paths, cuts and lint are told for all objectives together by the other
  /// questions.
  ///
  /// - Parameter objective: one of ``objectives``.
  /// - Throws: `.unknownName`.
  public func explanation(of objective: String) throws(FirnError) -> Explanation {
    try explanation().objective(objective)
  }

  /// Why a variable is trained or not: a shortest path from the loss, or the nodes that cut it.
  ///
  /// - Throws: `.unknownName`.
  public func why(_ variable: any TensorReference) throws(FirnError) -> VariableExplanation {
    try home.require(variable)
    return try explanation().why(variable.tensorName)
  }

  /// Whether the gradient of `source` by `target` exists, and which way or why not; any two tensors.
  ///
  /// - Throws: `.unknownName`.
  public func whyNot(
    of source: any TensorReference, withRespectTo target: any TensorReference
  ) throws(FirnError) -> Connection {
    try home.require(source)
    try home.require(target)
    return try explanation().whyNot(of: source.tensorName, withRespectTo: target.tensorName)
  }

  /// Arithmetic and bytes, in all and by scope, with this selection and with nothing frozen.
  ///
  /// - Throws: `.invalidArgument` for a program that trains nothing.
  /// - Complexity: two compilations.
  public func costReport() throws(FirnError) -> CostReport { try explanation().cost() }

  /// The model at a glance: scopes, what comes out of them, parameters trained and frozen, arithmetic and kept bytes.
  ///
  ///     print(try program.summary().bound(by: ["batch": 32]))
  ///
  /// - Throws: what compiling throws.
  /// - Complexity: a compilation.
  public func summary() throws(FirnError) -> ModelSummary { try explanation().summary() }

  /// What freezing one more variable would save.
  ///
  /// - Throws: `.unknownName`; `.noGradient` for the only trained variable.
  /// - Complexity: a few compilations.
  public func pin(_ variable: any TensorReference) throws(FirnError) -> Pin {
    try home.require(variable)
    return try explanation().pin(variable.tensorName)
  }

  /// What is suspicious about the graph and this selection.
  ///
  /// - Parameter loaded: names of the variables that hold loaded or trained values.
  /// - Throws: what compiling throws.
  public func lint(loaded: Set<String>? = nil) throws(FirnError) -> LintReport {
    try explanation().lint(loaded: loaded)
  }

  /// What changes from this program to another, for thawing step by step.
  ///
  /// - Throws: what compiling either throws.
  public func difference(to other: Program) throws(FirnError) -> Difference {
    try Explanation.difference(explanation(), other.explanation())
  }
}
