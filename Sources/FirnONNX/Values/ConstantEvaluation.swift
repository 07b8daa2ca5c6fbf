import FirnGraph
import FirnOps
import FirnRuntime

/// Numbers of a tensor that depends on nothing but constants, by running what makes it.
enum ConstantEvaluation {
  /// - Parameter keep: takes the bytes that running it makes.
  /// - Returns: nil where it depends on something else: what is fed, variables, random draws, named dimensions.
  static func value(
    of tensor: Tensor, keep: (Int) throws(FirnError) -> Void
  ) throws(FirnError) -> NDArray? {
    guard !tensor.isPoisoned, tensor.graph.parent == nil, tensor.shape.extents != nil else { return nil }
    if let constant = tensor.node?.op as? Constant { return constant.array }
    let nodes = tensor.graph.nodes
    var wanted: Set<Int> = [tensor.value.node]
    var pending = [tensor.value.node]
    while let next = pending.popLast() {
      let node = nodes[next]
      switch node.op.effect {
      case .none, .holds: break
      default: return nil
      }
      guard node.types.allSatisfy({ $0.shape.extents != nil }) else { return nil }
      for input in node.inputs where wanted.insert(input.node).inserted { pending.append(input.node) }
    }
    for position in wanted {
      if case .holds = nodes[position].op.effect { continue }
      for type in nodes[position].types {
        guard let count = type.shape.extents.flatMap({ NDArray.elementCount(of: $0) }), count < 1 << 40 else {
          return nil
        }
        try keep(count * type.dtype.byteCount)
      }
    }
    var places: [Int: Int] = [:]
    var kept: [Node] = []
    for position in wanted.sorted() {
      var node = nodes[position]
      node.inputs = node.inputs.map { Value(places[$0.node] ?? 0, $0.result) }
      places[position] = kept.count
      kept.append(node)
    }
    let session = try Session(GraphDef(nodes: kept), threads: 1)
    let program = try session.compile(fetching: [tensor.name])
    return try session.run(program)[tensor.name]
  }
}
