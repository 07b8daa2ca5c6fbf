import FirnCompiler
import FirnGraph
public import FirnNotation
import FirnOps

extension Program {
  /// The program as Graphviz DOT: forward, backward and update nodes, each variable as the compilation sees it.
  ///
  /// Elementwise nodes that one op runs are drawn one by one. What it froze is drawn frozen, what it trains trained; where freezing or `stop_gradient` cut a gradient there is a
  /// dotted edge. Of `options`, `status` and `removedGradients` are those of the program.
  public func dot(_ options: DOTOptions = .init()) -> String {
    let statuses = Dictionary(status.variables.map { ($0.name, $0.status) }) { first, _ in first }
    var options = options
    options.status = { statuses[$0.name] ?? $0.declaredStatus }
    options.removedGradients = removedGradients
    return graph.unfused.dot(options)
  }
}
