import FirnGraph

/// For each value the one whose bytes it shows: itself, unless a view makes it.
struct ShownValues {
  private let index: ValueIndex
  private let shown: [Value]

  init(_ graph: GraphDef) {
    index = ValueIndex(graph)
    var shown: [Value] = []
    shown.reserveCapacity(index.count)
    for (position, node) in graph.nodes.enumerated() {
      for result in node.types.indices {
        // What stands for something that is not there yet shows nothing.
        guard result == 0, case .view(let operand) = node.op.aliasing, operand < node.inputs.count else {
          shown.append(Value(position, result))
          continue
        }
        let source = shown[index[node.inputs[operand]]]
        // One variable is not overwritten straight from another: a copy is made first.
        switch (node.op.effect, graph.nodes[source.node].op.effect) {
        case (.writes, .reads): shown.append(Value(position))
        default: shown.append(source)
        }
      }
    }
    self.shown = shown
  }

  subscript(value: Value) -> Value { shown[index[value]] }
}
