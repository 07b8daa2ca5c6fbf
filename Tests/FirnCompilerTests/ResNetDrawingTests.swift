import FirnCompiler
import FirnGraph
import FirnNotation
import FirnNN
import FirnOps
import Testing

/// The collapsed drawing of ResNet-50 in Docs.
@Suite struct ResNetDrawingTests {
  @Test func drawingIsTheOneInDocs() throws {
    let graph = Graph()
    let logits = ResNet(.resNet50)(graph.placeholder("images", shape: ["batch", 224, 224, 3]))
    let labels = graph.placeholder("labels", shape: ["batch"], dtype: .i32)
    let loss = graph.scope("loss") { sparseSoftmaxCrossEntropy(logits: logits, labels: labels).mean() }
    let freezing: Selection = "conv1 | bn1 | layer1 | layer2"
    let status = try Explanation(graph: graph.definition, loss: loss.value, freezing: freezing).status
    let frozen = Set(status.variables.filter { $0.status == .frozen }.map(\.name))
    let text = graph.definition.dot(
      DOTOptions(
        title: "ResNet-50, freezing \(freezing)", depth: 1, collapsesLayers: true, foldsRepeats: true,
        frozen: frozen))
    // A box for each block of the four stages, and little else.
    #expect(text.split(separator: "\n").count < 120)
    try expectGolden("resnet50.dot", text)
  }
}
