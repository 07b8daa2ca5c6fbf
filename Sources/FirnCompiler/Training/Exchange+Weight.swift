package import FirnGraph
import FirnOps

extension CompilationRequest.Exchange {
  /// What a run weighs, as a scalar of the graph that is extended.
  package func weight(in graph: Graph) -> Tensor {
    switch weight {
    case .one: graph.constant(1, dtype: .f64)
    case .extent(let dimension): graph.extent(dimension, dtype: .f64)
    case .value(let value): Tensor(graph, value)
    }
  }
}
