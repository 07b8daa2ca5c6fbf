extension FlowGraph {
  /// For each value the edge to take next on a way to one end with the fewest cuts, and of those with the fewest edges.
  package struct Ways: Sendable {
    /// More than any number of edges.
    fileprivate static let cut = 1 << 40

    /// A cut for every edge that passes no gradient, and one for every other edge.
    private let lengths: [Int]
    fileprivate let next: [Int]

    fileprivate init(lengths: [Int], next: [Int]) {
      self.lengths = lengths
      self.next = next
    }

    /// How long the way from `value` is; comparable with others'.
    package func length(from value: Int) -> Int { lengths[value] }

    /// Whether any way leads from `value`, cut or not.
    package func exists(from value: Int) -> Bool { lengths[value] != .max }

    /// Whether a way without cuts leads from `value`.
    package func isOpen(from value: Int) -> Bool { lengths[value] < Self.cut }
  }

  /// The ways from all values to one of `ends`, within one iteration of a loop.
  package func ways(to ends: [Int]) -> Ways {
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
    return Ways(lengths: lengths, next: next)
  }

  /// The edges of the way from `start`, in its order.
  package func path(from start: Int, along ways: Ways) -> [Edge] {
    var path: [Edge] = []
    var last = start
    while ways.next[last] >= 0 {
      path.append(edges[ways.next[last]])
      last = edges[ways.next[last]].to
    }
    return path
  }
}
