import FirnFiles
import FirnGraph
import FirnRuntime
import Testing

@testable import FirnONNX

/// Attributes of nodes: what they hold is what their operator asks for, or the model is refused.
@Suite struct AttributeTests {
  private static func attribute(
    _ name: String, _ type: Int?, _ change: (inout AttributeMessage) -> Void = { _ in }
  ) -> AttributeMessage {
    var attribute = AttributeMessage()
    (attribute.name, attribute.type) = (name, type)
    change(&attribute)
    return attribute
  }

  private static func model(_ op: String, _ attribute: AttributeMessage) -> [UInt8] {
    HandModel.model(
      [HandModel.node(op, ["x"], ["y"], name: "n", [attribute])],
      inputs: [HandModel.value("x", ["2", "3", "4"])], outputs: ["y"], version: 11)
  }

  private static func shape(_ op: String, _ attribute: AttributeMessage) throws -> [Dim] {
    try HandModel.read(model(op, attribute)).outputs[0].tensor.shape.dimensions
  }

  @Test func anotherKindIsRefused() throws {
    let rows: [(String, AttributeMessage, String)] = [
      ("Softmax", Self.attribute("axis", 1) { $0.float = 1 }, "`axis` is not an integer"),
      ("Softmax", Self.attribute("axis", 7) { $0.integers = [1] }, "`axis` is not an integer"),
      ("Softmax", Self.attribute("axis", 3) { $0.text = "1" }, "`axis` is not an integer"),
      // What it says and what it holds differ.
      ("Softmax", Self.attribute("axis", 1) { $0.integer = 1 }, "`axis` is not an integer"),
      ("Softmax", Self.attribute("axis", 2) { $0.float = 1 }, "`axis` is not an integer"),
      ("Softmax", Self.attribute("axis", 14), "`axis` is not an integer"),
      ("ReduceSum", Self.attribute("axes", 2) { $0.integer = 1 }, "`axes` is not a list of integers"),
      ("ReduceSum", Self.attribute("axes", 6) { $0.floats = [1] }, "`axes` is not a list of integers"),
      ("ReduceSum", Self.attribute("keepdims", 1) { $0.float = 0 }, "`keepdims` is not an integer"),
      ("Transpose", Self.attribute("perm", 2) { $0.integer = 1 }, "`perm` is not a list of integers"),
      ("LeakyRelu", Self.attribute("alpha", 2) { $0.integer = 1 }, "`alpha` is not a float"),
      ("DepthToSpace", Self.attribute("mode", 2) { $0.integer = 1 }, "`mode` is not a text"),
    ]
    for (op, attribute, words) in rows {
      let error = try #require(HandModel.error(Self.model(op, attribute)), "\(op) \(attribute)")
      #expect(error.description.contains(words), "\(error)")
      #expect(error.remedy != nil || error.causes.allSatisfy { $0.remedy != nil }, "\(error)")
    }
  }

  /// A writer of protocol buffers of version 3 leaves out what is 0; the default of the operator is another.
  @Test func whatIsLeftOutIsZero() throws {
    #expect(try Self.shape("Flatten", Self.attribute("axis", 2)) == [1, 24])
    #expect(try Self.shape("Flatten", Self.attribute("axis", nil) { $0.integer = 0 }) == [1, 24])
    #expect(try Self.shape("ReduceSum", Self.attribute("keepdims", 2)) == [])
    let leaky = try HandModel.read(Self.model("LeakyRelu", Self.attribute("alpha", 1)))
    let session = try Session(leaky.graph, threads: 1)
    let y = leaky.outputs[0].tensor
    let x = try NDArray([Float](repeating: -1, count: 24), shape: [2, 3, 4])
    let result = try session.run(session.compile(fetching: [y]), feeding: [leaky.inputs[0].tensor: x])
    #expect(try result[y].floats.allSatisfy { $0 == 0 })
  }

  /// Files from before types were written, and types that later ones may add.
  @Test func whatSaysNothingIsWhatItHolds() throws {
    for type in [nil, 0, 7] {
      #expect(try Self.shape("ReduceSum", Self.attribute("axes", type) { $0.integers = [1] }) == [2, 1, 4])
    }
    #expect(try Self.shape("ReduceSum", Self.attribute("axes", nil)) == [1, 1, 1])
  }
}
