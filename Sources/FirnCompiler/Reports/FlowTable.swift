import FirnGraph

/// Every edge along which a gradient could travel, in flat arrays: what reports walk instead of the graph.
///
/// Edges stand in the order of the values they lead to, which is topological, so that a walk is one loop over them:
/// ascending from variables towards the loss, descending from the loss towards variables.
struct FlowTable: Sendable {
  struct Edge: Sendable {
    /// The operand's value.
    var from: Int
    /// The result's value.
    var to: Int
    var operand: Int
    var flow: GradientFlow
  }

  let index: ValueIndex
  let edges: [Edge]
  /// The node of each value.
  private let nodes: [Int]

  init(_ graph: GraphDef) {
    index = ValueIndex(graph)
    var edges: [Edge] = []
    var owners: [Int] = []
    owners.reserveCapacity(index.count)
    for (position, node) in graph.nodes.enumerated() {
      for result in node.types.indices {
        let to = owners.count
        owners.append(position)
        for (operand, input) in node.inputs.enumerated() {
          let flow = node.op.gradientFlow(from: operand, to: result)
          edges.append(Edge(from: index[input], to: to, operand: operand, flow: flow))
        }
      }
    }
    self.edges = edges
    nodes = owners
  }

  func node(of value: Int) -> Int { nodes[value] }

  /// Which result of its node a value is.
  func result(of value: Int) -> Int { value - index[Value(nodes[value])] }

  /// Values from which one of `starts` is reached along edges that `isOpen` lets through, `starts` included.
  func below(_ starts: [Int], _ isOpen: (Edge) -> Bool) -> [Bool] {
    var marks = [Bool](repeating: false, count: index.count)
    for start in starts { marks[start] = true }
    for edge in edges.reversed() where marks[edge.to] && !marks[edge.from] && isOpen(edge) {
      marks[edge.from] = true
    }
    return marks
  }

  /// Values that one of `starts` reaches along edges that `isOpen` lets through, `starts` included.
  func above(_ starts: [Int], _ isOpen: (Edge) -> Bool) -> [Bool] {
    var marks = [Bool](repeating: false, count: index.count)
    for start in starts { marks[start] = true }
    for edge in edges where marks[edge.from] && !marks[edge.to] && isOpen(edge) { marks[edge.to] = true }
    return marks
  }

  /// For each value, the edge to take next on a way to one of `ends` with the fewest cuts, and of those with the fewest
  /// edges; and for that way its cuts and its edges.
  func ways(to ends: [Int]) -> Ways {
    var lengths = [Int](repeating: .max, count: index.count)
    var next = [Int](repeating: -1, count: index.count)
    for end in ends { lengths[end] = 0 }
    for number in edges.indices.reversed() {
      let edge = edges[number]
      guard lengths[edge.to] != .max else { continue }
      let length = lengths[edge.to] + (edge.flow == .passes ? 1 : Ways.cut)
      if length < lengths[edge.from] {
        lengths[edge.from] = length
        next[edge.from] = number
      }
    }
    return Ways(length: lengths, next: next)
  }

  /// The edges of the way from `start`, in its order.
  func path(from start: Int, along ways: Ways) -> [Edge] {
    var path: [Edge] = []
    var last = start
    while ways.next[last] >= 0 {
      path.append(edges[ways.next[last]])
      last = edges[ways.next[last]].to
    }
    return path
  }

  struct Ways {
    /// More than any number of edges.
    static let cut = 1 << 40

    let length: [Int]
    let next: [Int]

    /// Whether any way leads from `value`, cut or not.
    func exists(from value: Int) -> Bool { length[value] != .max }

    /// Whether a way without cuts leads from `value`.
    func isOpen(from value: Int) -> Bool { length[value] < Self.cut }
  }
}
