/// `Dependence` of every value of a graph, by one walk in topological order.
package struct DependenceAnalysis: Sendable {
  private let index: ValueIndex
  private var bits: [Dependence]

  /// - Parameters:
  ///   - trained: names of the variables this compilation trains.
  ///   - loopInputs: for the body of a loop, what each node that stands for one of its operands varies with.
  package init(
    _ graph: GraphDef, trained: Set<String> = [], loopInputs: (Node) -> Dependence = { _ in .step }
  ) {
    index = ValueIndex(graph)
    bits = Array(repeating: [], count: index.count)
    var written: Set<String> = []
    for node in graph.nodes where node.traits.contains(.writes) {
      if case .writes(let name) = node.op.effect { written.insert(name) }
    }
    for (position, node) in graph.nodes.enumerated() {
      var results = node.op.dependence(of: node.inputs.map { self[$0] }, results: node.types.count)
      let source: Dependence =
        switch node.op.effect {
        case .feeds: .data
        case .draws: .random
        case .receives: loopInputs(node)
        case .reads(let name): trained.contains(name) ? .trainable : written.contains(name) ? .state : []
        case .none, .writes, .holds, .recalls: []
        }
      for result in results.indices {
        results[result].formUnion(source)
        bits[index[Value(position, result)]] = results[result]
      }
    }
  }

  package subscript(value: Value) -> Dependence { bits[index[value]] }
}
