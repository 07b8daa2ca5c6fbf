import FirnGraph
import FirnRuntime
import Foundation
import Testing

@testable import FirnONNX

/// `If` by a condition that only a run knows: both branches are made, and one is taken.
@Suite struct BranchTests {
  private static func branch(_ nodes: [NodeMessage], _ output: String, name: String) -> AttributeMessage {
    var graph = GraphMessage()
    graph.nodes = nodes
    graph.outputs = [HandModel.value(output, [])]
    var attribute = AttributeMessage()
    (attribute.name, attribute.graph, attribute.type) = (name, graph, 5)
    return attribute
  }

  /// y is `then` of x where the input `flag` is true, and `otherwise` of it elsewhere.
  private static func model(_ then: NodeMessage, otherwise: NodeMessage) -> [UInt8] {
    HandModel.model(
      [
        HandModel.node("Neg", ["x"], ["n"], name: "/Neg"),
        HandModel.node(
          "If", ["flag"], ["y"], name: "/choice/If",
          [
            branch([then], then.outputs[0], name: "then_branch"),
            branch([otherwise], otherwise.outputs[0], name: "else_branch"),
          ]),
      ],
      inputs: [HandModel.value("flag", [], .bool), HandModel.value("x", ["2", "3"])], outputs: ["y"])
  }

  @Test(arguments: [true, false]) func whatIsFedDecides(_ flag: Bool) throws {
    let model = try HandModel.read(
      Self.model(HandModel.node("Exp", ["n"], ["a"]), otherwise: HandModel.node("Abs", ["n"], ["b"])))
    let session = try Session(model.graph, threads: 1)
    let output = model.outputs[0].tensor
    let x = try HandModel.array([2, 3])
    let results = try session.run(
      session.compile(fetching: [output]),
      feeding: [model.inputs[0].tensor: NDArray([flag], shape: []), model.inputs[1].tensor: x])
    let wanted = x.doubles.map { flag ? exp(-$0) : $0 }
    for (a, b) in zip(try results[output].doubles, wanted) { #expect(abs(a - b) < 1e-6) }
  }

  @Test func branchesAreOfOneType() throws {
    let others = [
      ("f32[3,2]", HandModel.node("Transpose", ["n"], ["b"])),
      (
        "i32[2,3]",
        HandModel.node("Cast", ["n"], ["b"], [HandModel.attribute("to", ElementType(.i32).code)])
      ),
    ]
    for (type, other) in others {
      for isFirst in [true, false] {
        let same = HandModel.node("Exp", ["n"], ["a"])
        let bytes = isFirst ? Self.model(other, otherwise: same) : Self.model(same, otherwise: other)
        let error = try #require(HandModel.error(bytes)).description
        let both = isFirst ? "\(type) and f32[2,3]" : "f32[2,3] and \(type)"
        #expect(error.contains("branches of \(both) by a condition that is not known"), "\(error)")
        #expect(error.contains("model.onnx, If `/choice/If`, node:2"), "\(error)")
        #expect(error.contains("binding:"), "\(error)")
        // Known, it takes one of them, whatever the other is.
        let model = try HandModel.read(bytes, binding: ["flag": NDArray([isFirst], shape: [])])
        #expect("\(try #require(ArrayType(model.outputs[0].tensor.type)))" == type)
      }
    }
  }

  /// A fault within a branch is said itself, and nothing of types that it therefore has not.
  @Test func faultsOfABranchAreSaidAlone() throws {
    let error = try #require(
      HandModel.error(
        Self.model(
          HandModel.node("Softmin", ["n"], ["a"], name: "/inner"),
          otherwise: HandModel.node("Abs", ["n"], ["b"])))
    ).description
    #expect(error.contains("If `/choice/If` › Softmin `/inner`, node:1"), "\(error)")
    #expect(!error.contains("branches of"), "\(error)")
  }
}
