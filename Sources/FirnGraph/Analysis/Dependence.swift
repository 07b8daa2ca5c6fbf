/// What a value can vary with.
///
/// No bit at all means: the same in every run while the weights stay.
package struct Dependence: OptionSet, Hashable, Sendable {
  package let rawValue: UInt8

  package init(rawValue: UInt8) { self.rawValue = rawValue }

  /// A placeholder.
  package static let data = Dependence(rawValue: 1 << 0)
  /// A variable that this compilation trains.
  package static let trainable = Dependence(rawValue: 1 << 1)
  /// A variable the step writes and no gradient trains.
  package static let state = Dependence(rawValue: 1 << 2)
  /// A random draw.
  package static let random = Dependence(rawValue: 1 << 3)
  /// The counter, a carry or a slice of an enclosing loop.
  package static let step = Dependence(rawValue: 1 << 4)
}

extension Dependence: CustomStringConvertible {
  package var description: String {
    let names = [
      (Dependence.data, "data"), (.trainable, "trainable"), (.state, "state"), (.random, "random"),
      (.step, "step"),
    ]
    return "{" + names.filter { contains($0.0) }.map(\.1).joined(separator: ", ") + "}"
  }
}

/// `Dependence` of every value of a graph, by one walk in topological order.
package struct DependenceAnalysis: Sendable {
  private let index: ValueIndex
  private var bits: [Dependence]

  /// - Parameters:
  ///   - trained: names of the variables this compilation trains.
  ///   - parameters: for the body of a loop, what each parameter node varies with.
  package init(
    _ graph: GraphDef, trained: Set<String> = [], parameters: (Node) -> Dependence = { _ in .step }
  ) {
    index = ValueIndex(graph)
    bits = Array(repeating: [], count: index.count)
    var written: Set<String> = []
    for node in graph.nodes { if case .writes(let name) = node.op.effect { written.insert(name) } }
    for (position, node) in graph.nodes.enumerated() {
      var results = node.op.dependence(of: node.inputs.map { self[$0] }, results: node.types.count)
      let source: Dependence =
        switch node.op.effect {
        case .feeds: .data
        case .draws: .random
        case .receives: parameters(node)
        case .reads(let name): trained.contains(name) ? .trainable : written.contains(name) ? .state : []
        case .none, .writes: []
        }
      for result in results.indices {
        results[result].formUnion(source)
        bits[index[Value(position, result)]] = results[result]
      }
    }
  }

  package subscript(value: Value) -> Dependence { bits[index[value]] }
}
