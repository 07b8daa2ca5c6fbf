import FirnGraph
import FirnOps
import Testing

/// Runs a graph node by node, without a compiler.
struct Evaluator {
  let graph: GraphDef
  var runner = KernelRunner()
  /// Seed and run as `random_state` gives them.
  var randomState: [Int32] = [12345, -7, 3, 0]

  /// - Parameter feeds: the arrays of the placeholders, in their order.
  func run(_ outputs: [Value], feeding feeds: [NDArray]) throws -> [NDArray] {
    var values: [Value: NDArray] = [:]
    var feeds = feeds[...]
    var needed: Set<Int> = []
    var pending = outputs.map(\.node)
    while let node = pending.popLast() {
      if needed.insert(node).inserted { pending += graph.nodes[node].inputs.map(\.node) }
    }
    for (position, node) in graph.nodes.enumerated() {
      if node.op is Placeholder {
        values[Value(position)] = feeds.removeFirst()
        continue
      }
      guard needed.contains(position) else { continue }
      let operands = try node.inputs.map { try #require(values[$0]) }
      let results: [NDArray] =
        switch node.op {
        case let op as Constant: [op.array]
        case is RandomState: [NDArray(randomState)]
        case let op as any KernelOp: try runner.run(op, operands)
        default: try [view(of: operands, by: node)]
        }
      for (result, array) in results.enumerated() {
        #expect(TensorType(array.dtype, Shape(array.shape)) == node.types[result], "\(node.name)")
        values[Value(position, result)] = array
      }
    }
    return try outputs.map { try #require(values[$0]) }
  }

  private func view(of operands: [NDArray], by node: Node) throws -> NDArray {
    guard case .view(let operand) = node.op.aliasing else {
      Issue.record("\(node.mnemonic) has neither a kernel nor a view")
      return operands[0]
    }
    return try operands[operand].reshaped(to: try #require(node.types[0].shape.extents))
  }
}

/// Reverse-mode differentiation, as short as it can be.
struct ReverseWalk: Differentiator {
  var prefix: String { "gradients" }

  func adjoints(
    of results: [Value], seeds: [Tensor], withRespectTo targets: [Value], stopping: [Value], in graph: Graph
  ) -> [Tensor?] {
    let definition = graph.definition
    let liveness = FlowGraph(definition.nodes, holding: stopping)
      .liveness(of: results, withRespectTo: targets)
    var adjoints: [Value: Tensor] = [:]
    func add(_ adjoint: Tensor, to value: Value) {
      #expect(adjoint.type == definition.type(of: value), "adjoint of \(definition.name(of: value))")
      adjoints[value] = adjoints[value].map { $0 + adjoint } ?? adjoint
    }
    for (result, seed) in zip(results, seeds) where liveness.isLive(result) { add(seed, to: result) }
    for (position, node) in definition.nodes.enumerated().reversed() {
      let cotangents = node.types.indices.map { adjoints[Value(position, $0)] }
      guard cotangents.contains(where: { $0 != nil }) else { continue }
      let wants = node.inputs.enumerated().map { operand, input in
        liveness.isLive(input)
          && node.types.indices.contains {
            cotangents[$0] != nil && node.op.gradientFlow(from: operand, to: $0) == .passes
          }
      }
      guard wants.contains(true) else { continue }
      let context = GradientContext(
        operands: node.inputs.map { Tensor(graph, $0) },
        results: node.types.indices.map { Tensor(graph, Value(position, $0)) }, cotangents: cotangents,
        wants: wants, node: position, differentiator: self)
      let parts = node.op.gradient(context)
      #expect(parts.map { $0 != nil } == wants, "\(node.mnemonic) answers what it was not asked")
      for (input, part) in zip(node.inputs, parts) { if let part { add(part, to: input) } }
    }
    return targets.map { adjoints[$0] }
  }
}
