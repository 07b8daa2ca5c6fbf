extension FlowGraph {
  /// For each value from which ways lead and none is open, the edges where they are first cut: one for each value that
  /// those lead to, the first `limit` of them in graph order.
  package func firstCuts(along ways: Ways, limit: Int) -> [[Int]] {
    var cuts = [[Int]](repeating: [], count: index.count)
    for number in edges.indices.reversed() {
      let edge = edges[number]
      guard ways.exists(from: edge.to), !ways.isOpen(from: edge.from) else { continue }
      let known = cuts[edge.from]
      let more = edge.flow == .passes ? cuts[edge.to] : [number]
      // Most often this is the only way on.
      cuts[edge.from] = known.isEmpty ? more : firstCuts(among: known + more, limit: limit)
    }
    return cuts
  }

  /// In graph order, one for each value that the edges lead to.
  package func firstCuts(among cuts: [Int], limit: Int = .max) -> [Int] {
    var result: [Int] = []
    for cut in cuts.sorted() where result.count < limit {
      if result.last.map({ edges[$0].to != edges[cut].to }) ?? true { result.append(cut) }
    }
    return result
  }

  /// Edges into the results of a minimal cut between a source and all of `targets`, from none of which an open way
  /// leads.
  ///
  /// Of the results that a change of a target can reach without having passed a cut, but only by an edge that is one,
  /// those from which the source is then reached without meeting another. Every path's last meeting with such a result
  /// is with one of these, so together they cut; and each has a path that meets no other, so none can be left out.
  package func minimalCut(of source: Int, along ways: Ways, withRespectTo targets: [Int]) -> [Edge] {
    let near = above(targets) { $0.flow == .passes }
    var isFrontier = [Bool](repeating: false, count: index.count)
    for edge in edges where edge.flow != .passes && near[edge.from] && ways.exists(from: edge.to) {
      isFrontier[edge.to] = true
    }
    let far = below([source]) { $0.flow == .passes || !isFrontier[$0.to] }
    return edges.filter { edge in
      edge.flow != .passes && near[edge.from] && isFrontier[edge.to] && far[edge.to]
    }
  }
}
