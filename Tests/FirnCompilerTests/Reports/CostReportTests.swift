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
      for phase in Node.Phase.allCases {
        let nodes = graph.nodes.filter { $0.phase == phase }
        let flops = nodes.reduce(0 as Dim) { sum, node in
          sum + node.op.flops(of: node.inputs.map { graph.type(of: $0) }, results: node.types)
        }
        #expect(cost.flops(phase).dimension == flops, "seed \(seed)")
        #expect(cost.nodes(phase) >= nodes.count, "seed \(seed)")
      }
      let slots = graph.variables.filter { $0.kind == .slot }
      #expect(cost.slotBytes.dimension == slots.reduce(0) { $0 + $1.type.byteCount }, "seed \(seed)")
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
    let held: Set<String> = ["read", "constant", "placeholder", "random_state", "bound"]
    return read.filter {
      graph.nodes[$0.node].phase == .forward && !held.contains(graph.nodes[$0.node].mnemonic)
    }.reduce(0) { $0 + graph.type(of: $1).byteCount }
  }
}
