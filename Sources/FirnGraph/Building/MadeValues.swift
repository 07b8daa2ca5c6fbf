/// Which values gradients pass from to some tensors, in the graphs of these and in those within; each graph is walked
/// once.
struct MadeValues {
  private let targets: [Tensor]
  private var known: [ObjectIdentifier: Marks] = [:]

  private struct Marks {
    /// By value: whether it is a target or made of one.
    var all: [Bool]
    /// By value: whether something it is made of is.
    var made: [Bool]
    var index: ValueIndex
  }

  init(of targets: [Tensor]) { self.targets = targets }

  /// Whether a gradient passes from it to a target other than itself.
  mutating func isMadeOfAnother(_ tensor: Tensor) -> Bool {
    let marks = marks(of: tensor.graph)
    return marks.made[marks.index[tensor.value]]
  }

  private mutating func marks(of graph: Graph) -> Marks {
    if let known = known[ObjectIdentifier(graph)] { return known }
    let flow = FlowGraph(graph.nodes)
    var starts = targets.filter { $0.graph === graph }.map { flow.index[$0.value] }
    if targets.contains(where: { $0.graph !== graph }), let parent = graph.parent {
      let outer = marks(of: parent)
      starts += graph.captures.filter { outer.all[outer.index[$0.outer.value]] }.map { flow.index[$0.inner] }
    }
    let all = flow.above(starts) { $0.flow == .passes }
    var made = [Bool](repeating: false, count: all.count)
    for edge in flow.edges where edge.flow == .passes && all[edge.from] { made[edge.to] = true }
    let marks = Marks(all: all, made: made, index: flow.index)
    known[ObjectIdentifier(graph)] = marks
    return marks
  }
}
