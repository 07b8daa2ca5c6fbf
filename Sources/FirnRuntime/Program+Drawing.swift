public import FirnCompiler
public import FirnGraph
public import FirnNotation
import FirnOps

extension Program {
  /// The program as Graphviz DOT: forward, backward and update nodes, each variable as the compilation sees it.
  ///
  /// Elementwise nodes that one op runs are drawn one by one, and so are, dashed, nodes of the bound program, which runs
  /// compute none of. What it froze is drawn frozen, what it trains trained; where freezing or `stop_gradient` cut a gradient there is a
  /// dotted edge. Of `options`, `status`, `computedOnce` and `removedGradients` are those of the program.
  ///
  /// - Parameter cut: where caching divides the program, as ``frozenBoundary(binding:)`` has it: edges of what is stored
  ///   for each example are drawn bold. Not drawn by default.
  public func dot(_ options: DOTOptions = .init(), caching cut: FrozenBoundary.Cut? = nil) -> String {
    var options = options
    options.stored.formUnion(cut?.values.map(\.name) ?? [])
    return drawing(options, status, removedGradients)
  }

  /// The same as one objective sees it: drawn as trained is what it trains, and gradients that others take are removed.
  ///
  /// - Parameter objective: one of ``objectives``.
  /// - Throws: `.unknownName`.
  public func dot(of objective: String, _ options: DOTOptions = .init()) throws(FirnError) -> String {
    let status = try explanation(of: objective).status
    return drawing(options, status, try compilation.removedGradients(of: objective))
  }

  private func drawing(
    _ options: DOTOptions, _ status: StatusReport, _ removed: [GradientEdge]
  ) -> String {
    let statuses = Dictionary(status.variables.map { ($0.name, $0.status) }) { first, _ in first }
    var options = options
    options.status = { statuses[$0.name] ?? $0.declaredStatus }
    options.removedGradients = removed
    options.computedOnce = compilation.computedOnce
    var whole = compilation.whole
    whole.decided = graph.decided
    return whole.unfused.dot(options)
  }
}
