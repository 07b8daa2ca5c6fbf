import FirnGraph

/// A loop whose body is built and that does not stand in a graph yet.
struct PreparedLoop {
  let op: Scan
  let initial: [Tensor]
  let sequences: [Tensor]
  var captures: [Tensor]
  let name: String
  let location: CallSite

  /// The loop for as far out as it can stand, and that graph: beside the innermost of what it reads.
  func movedOut(of body: Graph) -> (loop: PreparedLoop, place: Graph) {
    var (loop, place) = (self, body)
    while let parent = place.parent, (initial + sequences).allSatisfy({ $0.graph !== place }) {
      let outside = loop.captures.compactMap { capture in
        capture.graph === place ? place.captures.first { $0.inner == capture.value }?.outer : capture
      }
      guard outside.count == captures.count else { break }
      loop.captures = outside
      place = parent
    }
    return (loop, place)
  }

  /// Adds `op` to `graph`, on these operands or others in their place; its results.
  func append(
    _ op: Scan, initial: [Tensor]? = nil, sequences: [Tensor]? = nil, captures: [Tensor]? = nil,
    in graph: Graph
  ) -> [Tensor] {
    let operands = (initial ?? self.initial) + (sequences ?? self.sequences) + (captures ?? self.captures)
    return graph.append(op, operands, name: name, results: op.body.outputs.count, location: location)
  }
}
