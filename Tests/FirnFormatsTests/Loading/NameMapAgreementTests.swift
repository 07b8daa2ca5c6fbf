import FirnFormats
import FirnGraph
import FirnNN
import FirnOps
import FirnRuntime
import Foundation
import Testing

/// What a map makes of a file depends on the file alone: converted first and then loaded as it is, or loaded by the map, is
/// the same.
@Suite struct NameMapAgreementTests {
  private func expectAgreement(
    _ graph: Graph, _ weights: Weights, _ map: NameMap,
    sourceLocation: Testing.SourceLocation = #_sourceLocation
  ) throws {
    let (direct, converted) = (try CheckpointParityTests.quiet(graph), try CheckpointParityTests.quiet(graph))
    try direct.load(weights, mapping: map)
    try WeightFixtures.inFolder { folder in
      let path = folder.appendingPathComponent("converted.safetensors").path
      try weights.mapped(by: map).weights.write(to: path)
      try converted.load(Weights(contentsOf: path))
    }
    for (a, b) in try zip(direct.snapshot().values, converted.snapshot().values) {
      #expect(a.array.isBitwiseEqual(to: b.array), "\(a.name)", sourceLocation: sourceLocation)
    }
  }

  private func weights(_ entries: KeyValuePairs<String, [Int]>) throws -> Weights {
    try Weights(
      source: "test",
      entries: entries.map { name, shape in
        WeightEntry(name: name, array: try Initializer.uniform(-1, 1).values(shape: shape, name: name))
      })
  }

  @Test func modules() throws {
    let weights = try CheckpointParityTests.weights("parallel.pth").below("state_dict.module")
    for map in [NameMap.pyTorch, .torchvisionResNet, .torchvisionMobileNetV2] {
      try expectAgreement(CheckpointParityTests.small().graph, weights, map)
    }
  }

  @Test func vgg() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 3, 4, 2])
    _ = graph.scope("classifier") { Dense(5, name: "0")(x.reshaped(to: ["batch", 24])) }
    try expectAgreement(
      graph, weights(["classifier.0.weight": [5, 24], "classifier.0.bias": [5]]),
      .torchvisionVGG(outputs: 5, flattening: (2, 3, 4)))
  }

  @Test func recurrentNetworks() throws {
    for (name, network) in [
      ("lstm", RecurrentNetwork(.lstm, layers: 2, isBidirectional: true)),
      ("gru-both", RecurrentNetwork(.gru(resetAfter: true), isBidirectional: true)),
    ] {
      let graph = Graph()
      let x = graph.placeholder("x", shape: ["batch", 3, 3])
      let layer: RNN =
        name == "lstm"
        ? LSTM(4, layers: 2, isBidirectional: true, name: "net") : GRU(4, isBidirectional: true, name: "net")
      _ = layer(x)
      try expectAgreement(
        graph, CheckpointParityTests.weights("\(name).pth"), .pyTorchRNN(network, from: "rnn.", into: "net"))
    }
  }

  @Test func joinedWeights() throws {
    let graph = Graph()
    _ = Dense(4, name: "first")(graph.placeholder("rows", shape: ["batch", 3]))
    _ = Conv2D(3, kernel: 2, padding: .valid, name: "second")(
      graph.placeholder("grids", shape: ["batch", 3, 3, 2]))
    for name in ["weight-norm-old.pth", "weight-norm.pth"] {
      try expectAgreement(graph, CheckpointParityTests.weights(name), .weightNorm.then(.pyTorch))
    }
  }

  @Test func tensorFlowAndKeras() throws {
    let graph = Graph()
    _ = Embedding(count: 6, width: 3, name: "embedding")(
      graph.placeholder("indices", shape: ["batch"], dtype: .i32))
    let stored = try weights(["embedding/embeddings:0": [6, 3], "embedding/embeddings/Adam": [6, 3]])
    for map in [NameMap.keras, .tensorFlow1] { try expectAgreement(graph, stored, map) }
  }
}
