import FirnCompiler
import FirnGraph
import FirnOps
import FirnTestSupport
import FirnTraining
import Testing

/// Costs against counting the compiled graph another way.
@Suite struct CostReportTests {
  @Test func totalsAgreeWithCounting() throws {
    for seed in 0..<40 {
      let model = RandomModel(seed: seed)
      let request = CompilationRequest(
        graph: model.graph.definition, fetches: [],
        training: .init(loss: model.loss.value, optimizer: Adam()))
      guard let graph = try? Compiler.compile(request).graph else { continue }
      let cost = try Explanation(request).cost().total
      let known = ProgramCost(graph)
      #expect(cost.forwardFLOPs.dimension == known.flops[.forward] ?? 0, "seed \(seed)")
      #expect(cost.backwardFLOPs.dimension == known.flops[.backward] ?? 0, "seed \(seed)")
      #expect(cost.updateFLOPs.dimension == known.flops[.update] ?? 0, "seed \(seed)")
      #expect(cost.slotBytes.value == known.slotBytes, "seed \(seed)")
      #expect(cost.keptBytes.dimension == kept(graph), "seed \(seed)")
    }
  }

  /// Every forward value that some later phase reads, straight or through views.
  private func kept(_ graph: GraphDef) -> Dim {
    func root(_ value: Value) -> Value {
      guard value.result == 0, case .view(let operand) = graph.nodes[value.node].op.aliasing else {
        return value
      }
      return root(graph.nodes[value.node].inputs[operand])
    }
    var read: Set<Value> = []
    for node in graph.nodes where node.phase != .forward {
      if case .view = node.op.aliasing, node.op.effect == .none { continue }
      read.formUnion(node.inputs.map(root))
    }
    let held: Set<String> = ["read", "constant", "placeholder", "random_state"]
    return read.filter {
      graph.nodes[$0.node].phase == .forward && !held.contains(graph.nodes[$0.node].mnemonic)
    }.reduce(0) { $0 + graph.type(of: $1).byteCount }
  }
}
