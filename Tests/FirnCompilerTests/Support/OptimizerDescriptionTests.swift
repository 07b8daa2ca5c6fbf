import FirnGraph
import FirnOps
import Testing

@testable import FirnCompiler

/// What those who write an optimiser are given and give prints.
@Suite struct OptimizerDescriptionTests {
  @Test func updatesPrintTheirTensors() throws {
    let graph = Graph()
    let w = graph.variable("w", shape: [3])
    let step = graph.placeholder("step", shape: [])
    let part = TrainedPart(try #require(graph.variables.first), block: Block(axis: 0, range: 0..<3))
    let update = ParameterUpdate(part: part, value: w, gradient: w, slots: [w, w], sharedSlots: [step])
    let plain = ParameterUpdate(part: part, value: w, gradient: w, slots: [], sharedSlots: [])
    let table = [
      ("\(OptimizerSlot("velocity", type: part.type))", "velocity : f32[3], zeros"),
      (
        "\(update)",
        """
        update of w[0..<3]
          value     w : f32[3]
          gradient  w : f32[3]
          slots     w : f32[3], w : f32[3]
          shared    step : f32[]
        """
      ),
      ("\(plain)", "update of w[0..<3]\n  value     w : f32[3]\n  gradient  w : f32[3]"),
      ("\(UpdatedParameter(value: w))", "value  w : f32[3]"),
      ("\(UpdatedParameter(value: w, slots: [w]))", "value  w : f32[3]\nslots  w : f32[3]"),
    ]
    for (text, expected) in table { #expect(text == expected) }
  }
}
