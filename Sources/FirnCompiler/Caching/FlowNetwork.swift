/// A directed graph with capacities, of which a smallest cut is wanted.
///
/// Source: E. A. Dinic, "Algorithm for solution of a problem of maximum flow in networks with power estimation", 1970.
struct FlowNetwork {
  /// More than all else together.
  static let endless = Int.max / 4

  private var heads: [Int] = []
  private var capacities: [Int] = []
  /// By vertex, its edges; that at `2k + 1` is the way back of that at `2k`.
  private var edges: [[Int]]

  init(vertices: Int) { edges = Array(repeating: [], count: vertices) }

  mutating func connect(_ from: Int, to: Int, _ capacity: Int) {
    edges[from].append(heads.count)
    heads.append(to)
    capacities.append(min(capacity, Self.endless))
    edges[to].append(heads.count)
    heads.append(from)
    capacities.append(0)
  }

  /// Which vertices are on the source's side of the smallest cut; of several the one next to the source.
  ///
  /// - Complexity: O(vertices² · edges) at worst; along a chain, about vertices times edges.
  mutating func sourceSide(from source: Int, to sink: Int) -> [Bool] {
    while true {
      let levels = levels(from: source)
      if levels[sink] < 0 { return levels.map { $0 >= 0 } }
      saturate(from: source, to: sink, levels)
    }
  }

  private func levels(from source: Int) -> [Int] {
    var levels = [Int](repeating: -1, count: edges.count)
    levels[source] = 0
    var queue = [source]
    var next = 0
    while next < queue.count {
      let vertex = queue[next]
      next += 1
      for edge in edges[vertex] where capacities[edge] > 0 && levels[heads[edge]] < 0 {
        levels[heads[edge]] = levels[vertex] + 1
        queue.append(heads[edge])
      }
    }
    return levels
  }

  /// Pushes flow along ways that go up a level with each edge, until none is open; without recursion, as ways are long.
  private mutating func saturate(from source: Int, to sink: Int, _ levels: [Int]) {
    var next = [Int](repeating: 0, count: edges.count)
    var way: [Int] = []
    var vertex = source
    while true {
      if vertex == sink {
        let flow = way.reduce(Self.endless) { min($0, capacities[$1]) }
        for edge in way {
          capacities[edge] -= flow
          capacities[edge ^ 1] += flow
        }
        // Back to before the first edge that is full.
        let full = way.firstIndex { capacities[$0] == 0 } ?? 0
        vertex = heads[way[full] ^ 1]
        way.removeSubrange(full...)
        continue
      }
      while next[vertex] < edges[vertex].count {
        let edge = edges[vertex][next[vertex]]
        if capacities[edge] > 0, levels[heads[edge]] == levels[vertex] + 1 { break }
        next[vertex] += 1
      }
      if next[vertex] < edges[vertex].count {
        let edge = edges[vertex][next[vertex]]
        way.append(edge)
        vertex = heads[edge]
      } else {
        guard let last = way.popLast() else { return }
        vertex = heads[last ^ 1]
        next[vertex] += 1
      }
    }
  }
}
