import FirnCompiler
import FirnGraph
import FirnNotation
import FirnNN
import FirnOps
import FirnTraining

/// The arenas of reference models beside the most bytes that are needed at once, which no arena is smaller than.
enum MemoryBenchmark {
  static func run() throws {
    print("                                        nodes   arena, MiB   least, MiB   ratio")
    for row in WorkRow.all where row.work.isTrained {
      let graph = Graph()
      let loss = row.work.build(graph).result
      try line(row.name, graph, loss, row.row.freezing, ["batch": row.work.batch])
    }
    for freezing in [nil, NetworksBenchmark.freezing, "!fc"] as [Selection?] {
      let (graph, loss) = NetworksBenchmark.model()
      try line("resnet-50 \(freezing.map { "\($0)" } ?? "all")", graph, loss, freezing, ["batch": 8])
    }
  }

  private static func line(
    _ name: String, _ graph: Graph, _ loss: Tensor, _ freezing: Selection?, _ binding: DimBinding
  ) throws {
    let compilation = try Compiler.compile(
      CompilationRequest(
        graph: graph.definition, fetches: [],
        training: .init(loss: loss.value, optimizer: SGD(learningRate: 0.1)), freezing: freezing))
    for workers in [1, 2] {
      let plan = try Plan(compilation.graph.mapping(.binding(binding)), workers: workers)
      let label = "\(name), \(workers)"
      print(
        label + String(repeating: " ", count: max(0, 36 - label.count)),
        column(Double(compilation.graph.nodes.count), digits: 0, width: 8),
        column(Double(plan.arenaBytes) / 1_048_576), column(Double(plan.leastArenaBytes) / 1_048_576),
        column(Double(plan.arenaBytes) / Double(plan.leastArenaBytes), digits: 3, width: 7))
    }
  }
}
