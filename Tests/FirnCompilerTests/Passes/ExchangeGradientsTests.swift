import FirnCompiler
import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
import FirnTraining
import Testing

/// What `exchange-gradients` packs together, and where it begins.
@Suite struct ExchangeGradientsTests {
  /// Three layers, of which the middle one may be frozen.
  private func compiled(
    bucketBytes: Int, freezing: Selection? = nil, clipping: Double? = nil, exchanging: Bool = true
  ) throws -> GraphDef {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 4])
    var y = x
    for layer in 0..<3 { y = Dense(4, activation: .tanh, name: "layer\(layer)")(y) }
    let loss = square(y).mean()
    var request = CompilationRequest(
      graph: graph.definition, fetches: [y.value],
      training: .init(loss: loss.value, optimizer: SGD(learningRate: 0.1), clippingNorm: clipping),
      freezing: freezing)
    if exchanging { request.training?.exchange = .init(weight: .extent("batch"), bucketBytes: bucketBytes) }
    return try Compiler.compile(request).graph
  }

  private func starts(_ graph: GraphDef) -> [Int] {
    graph.nodes.indices.filter { graph.nodes[$0].mnemonic == "start_mean" }
  }

  /// Weight and loss go first, then the last layer's gradients, then those before it.
  @Test func bucketsGoInTheOrderOfReadiness() throws {
    let graph = try compiled(bucketBytes: 80)
    let starts = starts(graph)
    let bytes = starts.map { start -> Int in
      let types = graph.nodes[start].inputs.map { graph.type(of: $0) }
      return graph.nodes[start].op.exchangedBytes(of: types, results: graph.nodes[start].types).value ?? 0
    }
    // Three layers of 16 + 4 numbers, the weight and the loss.
    #expect(bytes.reduce(0, +) == 3 * 80 + 8)
    #expect(starts.count >= 3)
    #expect(graph.nodes[starts[0]].op.attributes["sends_weight"] == .bool(true))
    #expect(starts.dropFirst().allSatisfy { graph.nodes[$0].op.attributes["sends_weight"] == .bool(false) })
    // The backward pass goes on between the first and the last.
    let between = graph.nodes[starts[0]..<starts[starts.count - 1]]
    #expect(between.contains { $0.phase == .backward && $0.mnemonic == "matmul" })
    let first = graph.nodes.firstIndex { $0.mnemonic == "finish_mean" } ?? 0
    #expect(starts.allSatisfy { $0 < first })
  }

  @Test func oneBucketHoldsAllThatFits() throws {
    let graph = try compiled(bucketBytes: 1 << 22)
    #expect(starts(graph).count == 1)
    #expect(graph.nodes.count { $0.mnemonic == "finish_mean" } == 1)
  }

  @Test func frozenGradientsDoNotTravel() throws {
    let graph = try compiled(bucketBytes: 1 << 22, freezing: "layer1")
    #expect(graph.nodes[starts(graph)[0]].types[0] == TensorType(.f32, [42]))
  }

  /// What clips, and what is updated, reads means alone.
  @Test func clippingIsOfMeans() throws {
    let graph = try compiled(bucketBytes: 1 << 22, clipping: 1)
    let unfused = graph.unfused
    let finish = try #require(unfused.nodes.firstIndex { $0.mnemonic == "finish_mean" })
    let norms = unfused.nodes.indices.filter { unfused.nodes[$0].name.hasPrefix("update/clip") }
    #expect(!norms.isEmpty && norms.allSatisfy { $0 > finish })
  }

  /// A graph without other members is as it always was.
  @Test func aloneThereIsNothingToExchange() throws {
    let graph = try compiled(bucketBytes: 80, exchanging: false)
    #expect(!graph.exchanges)
    #expect(try compiled(bucketBytes: 80).exchanges)
  }

  /// Of a variable that is read twice one gradient travels.
  @Test func tiedVariableTravelsOnce() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 4])
    let layer = Dense(4, usesBias: false)
    let loss = square(layer(layer(x))).mean()
    var request = CompilationRequest(
      graph: graph.definition, fetches: [],
      training: .init(loss: loss.value, optimizer: SGD(learningRate: 0.1)))
    request.training?.exchange = .init(weight: .one)
    let compiled = try Compiler.compile(request).graph
    #expect(compiled.exchangedBytes.map(\.bytes) == [4 * 16 + 8])
  }

  @Test func compilingTwiceGivesTheSameText() throws {
    #expect(try compiled(bucketBytes: 80).text == compiled(bucketBytes: 80).text)
  }
}
