import FirnCompiler
import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
import FirnTraining
import Foundation
import Testing

/// What is kept for the backward program where the middle of a trained network is frozen, beside what PyTorch saves.
///
/// `Fixtures/make_kept_fixtures.py` has PyTorch's side: bytes of saved tensors without parameters, buffers and what is
/// fed.
@Suite struct KeptBytesTests {
  private struct Saved: Decodable {
    let resnet18: Int
    let lstm: Int
  }

  private func saved() throws -> Saved {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    return try JSONDecoder().decode(
      Saved.self, from: Data(contentsOf: folder.appending(path: "Fixtures/kept.json")))
  }

  private func memory(
    _ graph: Graph, _ loss: Tensor, freezing: Selection?, without passes: Set<String> = []
  ) throws -> (bytes: Int, report: MemoryReport) {
    try graph.validate()
    let request = CompilationRequest(
      graph: graph.definition, fetches: [],
      training: .init(loss: loss.value, optimizer: SGD(learningRate: 0.1)), freezing: freezing)
    let report = MemoryReport(
      try Compiler.compile(request, pipeline: Compiler.pipeline.filter { !passes.contains($0.name) }))
    return (try #require(report.keptBytes.value), report)
  }

  private func network() -> (Graph, Tensor) {
    let graph = Graph()
    let logits = ResNet(.resNet18)(graph.placeholder("images", shape: [8, 224, 224, 3]))
    let labels = graph.placeholder("labels", shape: [8], dtype: .i32)
    return (graph, sparseSoftmaxCrossEntropy(logits: logits, labels: labels).mean())
  }

  @Test func resNetWithAFrozenMiddleKeepsLessThanHalfOfPyTorch() throws {
    let (graph, loss) = network()
    let (bytes, report) = try memory(graph, loss, freezing: "layer1 | layer2")
    let saved = try saved().resnet18
    #expect(
      Double(bytes) <= 0.31 * Double(saved),
      "\(bytes) of \(saved): \(report.kept.map { "\($0.name) \($0.bytes)" }.joined(separator: ", "))")
    // A batch norm that is trained keeps what comes into it alone: what that is less its mean is made anew. Eleven are,
    // with those of the stem and of two shortcuts.
    #expect(report.remade.count >= 11, "\(report.remade.map(\.name))")
    // Of each ReLU in the middle a bit an element is kept, and of the stem's: what follows it is a pool.
    let names = report.condensed.map(\.name)
    #expect(names.count { $0.hasPrefix("layer1/") } == 4 && names.count { $0.hasPrefix("layer2/") } == 3)
    #expect(names.contains { $0.hasSuffix("max_pool2d_places") })
    // What is above is trained: only the last ReLU, which a mean follows, is not multiplied by.
    #expect(names.count { $0.hasPrefix("layer3/") || $0.hasPrefix("layer4/") } <= 1, "\(names)")
    let plain = try memory(
      graph, loss, freezing: "layer1 | layer2", without: ["keep-bits", "remake-quick"]
    ).bytes
    let held = try memory(graph, loss, freezing: "layer1 | layer2", without: ["remake-quick"]).bytes
    #expect(Quantity(Dim(plain - held)) == report.condensedBytes)
    // Means were kept already, or are nearly nothing.
    let remade = try #require(report.remadeBytes.value)
    #expect(held - bytes <= remade && held - bytes > remade * 99 / 100)
    print("kept of ResNet-18: \(bytes), PyTorch \(saved), without masks \(plain)")
  }

  @Test func threeLayersWithAFrozenMiddleKeepHalfOfPyTorch() throws {
    let graph = Graph()
    var x = graph.placeholder("x", shape: [50, 32, 256])
    for name in ["lower", "middle", "upper"] {
      x = LSTM(256, options: RecurrentOptions(layout: .timeMajor), name: name).run(x).sequence
    }
    let loss = square(x).mean()
    let bytes = try memory(graph, loss, freezing: "middle").bytes
    let saved = try saved().lstm
    #expect(2 * bytes <= saved, "\(bytes) of \(saved)")
    let whole = try memory(graph, loss, freezing: nil).bytes
    #expect(bytes < whole)
    print("kept of LSTMs: \(bytes), PyTorch \(saved), nothing frozen \(whole)")
  }

  /// A frozen linear map in the middle keeps nothing, and a frozen prefix nothing at all.
  @Test func linearMapsAndPrefixesKeepNothing() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: [4, 8])
    let low = Dense(16, name: "low")(x)
    let middle = Dense(32, name: "middle")(low)
    let loss = Dense(3, name: "high")(middle).sum()
    func kept(_ freezing: Selection) throws -> [String] {
      try memory(graph, loss, freezing: freezing).report.kept.map(\.name)
    }
    #expect(try kept("middle").allSatisfy { $0.hasPrefix("middle") })
    #expect(try kept("middle").count == 1)
    #expect(try kept("low | middle").count == 1)
    #expect(try kept("middle | high").isEmpty)
  }
}
