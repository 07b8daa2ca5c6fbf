import FirnCompiler
import FirnGraph
import FirnNotation
import FirnNN
import FirnOps
import FirnTraining
import Testing

/// Arenas of reference models are within a tenth of what is needed at once.
@Suite struct ArenaBoundTests {
  private func check(_ graph: Graph, _ loss: Tensor, freezing: Selection?, _ binding: DimBinding) throws {
    let compilation = try Compiler.compile(
      CompilationRequest(
        graph: graph.definition, fetches: [], training: .init(loss: loss.value, optimizer: Adam()),
        freezing: freezing))
    for workers in [1, 2, 4] {
      let plan = try Plan(compilation.graph.mapping(.binding(binding)), workers: workers)
      #expect(
        Double(plan.arenaBytes) <= 1.1 * Double(plan.leastArenaBytes),
        "\(plan.arenaBytes) bytes for \(plan.leastArenaBytes) by \(workers) workers")
    }
  }

  @Test(
    arguments: [ResNet.Depth.resNet18, .resNet50],
    [nil, "conv1 | bn1 | layer1 | layer2", "!fc"] as [Selection?])
  func residualNetworks(_ depth: ResNet.Depth, _ freezing: Selection?) throws {
    let graph = Graph()
    let logits = ResNet(depth)(graph.placeholder("images", shape: ["batch", 64, 64, 3]))
    let labels = graph.placeholder("labels", shape: ["batch"], dtype: .i32)
    let loss = sparseSoftmaxCrossEntropy(logits: logits, labels: labels).mean()
    try check(graph, loss, freezing: freezing, ["batch": 4])
  }

  @Test(arguments: ["lstm", "gru"], [nil, "net", "net/kernel", "below"] as [Selection?])
  func recurrentNetworks(_ kind: String, _ freezing: Selection?) throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 12, 24])
    let below = LSTM(16, name: "below").run(x).sequence
    let state = kind == "lstm" ? LSTM(48, name: "net")(below) : GRU(48, name: "net")(below)
    let loss = square(Dense(1, name: "head")(state)).mean()
    try check(graph, loss, freezing: freezing, ["batch": 16])
  }
}
