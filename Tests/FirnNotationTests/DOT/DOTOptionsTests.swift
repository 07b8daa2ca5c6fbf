import FirnGraph
import FirnNotation
import Testing

@Suite struct DOTOptionsTests {
  @Test(arguments: [
    ("\(DOTOptions())", "drawing: every scope"),
    (
      "\(DOTOptions(title: "t", depth: 1, foldsRepeats: true, showsBackward: false))",
      "drawing `t`: scopes to depth 1, repeats once, no adjoints and updates"
    ),
    (
      "\(DOTOptions(collapsesLayers: true, removedGradients: [GradientEdge(consumer: "a", operand: 0, producer: "x")], legend: true))",
      "drawing: every scope, layers as boxes, 1 removed gradient, legend"
    ),
  ]) func optionsPrintInWords(_ text: String, _ expected: String) { #expect(text == expected) }

  /// What no gradient reaches is drawn as trainable, and says what it is.
  @Test(arguments: TrainingStatus.allCases) func everyStatusIsDrawn(_ status: TrainingStatus) throws {
    let graph = Graph()
    _ = graph.variable("w", shape: [2])
    let dot = graph.definition.dot(DOTOptions { _ in status })
    let shape = [TrainingStatus.frozen: "hexagon", .state: "folder"][status] ?? "cylinder"
    let words = status == .partly ? "partly frozen" : status.rawValue
    let line = try #require(dot.split(separator: "\n").first { $0.contains("label=\"w\\nf32[2]") })
    #expect(line.contains("f32[2]\\n\(words)\"") && line.contains("shape=\"\(shape)\""))
  }
}
