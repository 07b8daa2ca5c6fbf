package import FirnGraph
import FirnOps

/// A program in two: what makes the values that are stored for each example, and the step that is fed them.
package struct SplitProgram: Sendable {
  /// A stored value, where it comes from and where it goes.
  package struct Port: Hashable, Sendable {
    /// What the value is called in the program that was divided.
    package let name: String
    /// The placeholder of the step that stands for it.
    package let placeholder: String
    /// The axis of the examples.
    package let axis: Int
    /// It has `outer` times for each example `inner` rows.
    package let outer: Dim
    package let inner: Dim
    /// Of the value for a batch.
    package let type: TensorType
    /// Of what one example has of it.
    package let exampleType: TensorType
  }

  /// Its outputs are the stored values; it writes no variable and draws no random number.
  package let prefix: GraphDef
  /// The program without what is done before.
  package let step: GraphDef
  /// In the order of the outputs of `prefix`.
  package let ports: [Port]

  /// Divides the graph of `analysis` at `cut`; every node is as it was, in one part or, if it is made of frozen
  /// variables alone, perhaps in both.
  package init(_ analysis: FrozenPrefix, at cut: PrefixCut) {
    let graph = analysis.graph
    var before = graph
    before.outputs = cut.stored.map(\.value)
    before = before.removingDeadNodes(keepingAssignments: false)
    before.origins = nil
    prefix = before.fused()
    var rewriter = GraphRewriter(graph)
    var ports: [Port] = []
    for position in graph.nodes.indices {
      guard cut.isBefore[position] else {
        rewriter.keep(position)
        continue
      }
      let own = cut.stored.filter { $0.value.node == position }
      if own.isEmpty { rewriter.drop(position) }
      for stored in own {
        let made = rewriter.emit(Placeholder(type: stored.type), [], insteadOf: position)[0]
        rewriter.replace(stored.value, with: made)
        ports.append(
          Port(
            name: graph.name(of: stored.value), placeholder: rewriter.nodes[made.node].name,
            axis: stored.axis, outer: stored.outer,
            inner: stored.inner, type: stored.type, exampleType: stored.exampleType))
      }
    }
    var rest = rewriter.finish().removingDeadNodes(keepingAssignments: true)
    rest.origins = nil
    step = rest.fused()
    self.ports = ports
  }
}
