import FirnGraph

/// A loop whose body is built and that does not stand in a graph yet.
struct PreparedLoop {
  let op: Scan
  let initial: [Tensor]
  let sequences: [Tensor]
  let captures: [Tensor]
  let name: String
  let location: CallSite

  /// Adds `op` to `graph`, on these operands or others in their place; its results.
  func append(
    _ op: Scan, initial: [Tensor]? = nil, sequences: [Tensor]? = nil, captures: [Tensor]? = nil,
    in graph: Graph
  ) -> [Tensor] {
    let operands = (initial ?? self.initial) + (sequences ?? self.sequences) + (captures ?? self.captures)
    return graph.append(op, operands, name: name, results: op.body.outputs.count, location: location)
  }
}
