import FirnCompiler
import FirnGraph
import FirnOps
import FirnRuntime
import FirnTraining
import Testing

@testable import FirnONNX

/// What is wrong with an imported model is said with the file and the node of it, never with a line of Firn's importer.
@Suite struct ImportedPlacesTests {
  private static func errors(_ body: () throws -> Void) -> String {
    do {
      try body()
      return ""
    } catch { return "\(error)" }
  }

  @Test func faultsOfBuildingNameTheNode() throws {
    let bytes = HandModel.model(
      [
        HandModel.node("Relu", ["x"], ["h"], name: "/body/Relu"),
        HandModel.node("MatMul", ["h", "w"], ["y"], name: "/head/MatMul"),
        HandModel.node("Add", ["h", "b"], ["z"]),
      ],
      inputs: [HandModel.value("x", ["batch", "3"])], outputs: ["y", "z"],
      initializers: [
        TensorMessage("w", try HandModel.array([4, 2])), TensorMessage("b", try HandModel.array([7])),
      ])
    let text = try #require(HandModel.error(bytes)).description
    #expect(text.contains("model.onnx, MatMul `/head/MatMul`, node:2"), "\(text)")
    #expect(text.contains("model.onnx, Add of `z`, node:3"), "\(text)")
    #expect(!text.contains(".swift"), "\(text)")
  }

  /// An index that no table has, and extents that only what is fed decides.
  @Test func faultsOfRunsNameTheNode() throws {
    let bytes = HandModel.model(
      [
        HandModel.node("Gather", ["embedding.weight", "ids"], ["rows"], name: "/embedding/Gather"),
        HandModel.node("Add", ["rows", "other"], ["s"], name: "/Add"),
        HandModel.node("Exp", ["s"], ["y"], name: "/Exp"),
      ],
      inputs: [HandModel.value("ids", ["n"], .i32), HandModel.value("other", ["n", "2"])], outputs: ["y"],
      initializers: [TensorMessage("embedding.weight", try HandModel.array([3, 2]))])
    let model = try HandModel.read(bytes)
    let session = try Session(model.graph, threads: 1)
    let program = try session.compile(fetching: [model.outputs[0].tensor])
    let text = Self.errors {
      try session.run(
        program,
        feeding: [
          model.inputs[0].tensor: NDArray([Int32(0), 9]), model.inputs[1].tensor: HandModel.array([2, 2]),
        ])
    }
    #expect(text.contains("model.onnx, Gather `/embedding/Gather`, node:1"), "\(text)")
    #expect(!text.contains(".swift"), "\(text)")
  }

  @Test func everyNodeAndVariableStandsInTheFile() throws {
    var body = GraphMessage()
    body.nodes = [
      HandModel.node("Add", ["h", "c"], ["next"], name: "/inside"),
      HandModel.node("Identity", ["given"], ["go"]),
    ]
    body.inputs = [
      HandModel.value("step", [], .i32), HandModel.value("given", [], .bool), HandModel.value("h", ["2"]),
    ]
    body.outputs = ["go", "next"].map { HandModel.value($0, []) }
    var attribute = AttributeMessage()
    (attribute.name, attribute.graph, attribute.type) = ("body", body, 5)
    var function = FunctionMessage()
    (function.name, function.domain, function.inputs, function.outputs) = ("F", "own", ["a"], ["b"])
    function.nodes = [HandModel.node("Neg", ["a"], ["n"]), HandModel.node("Exp", ["n"], ["b"])]
    var call = HandModel.node("F", ["looped"], ["y"], name: "/call")
    call.domain = "own"
    let hostile = "/a\u{1B}]0;x\u{7}" + String(repeating: "b", count: 500)
    let bytes = HandModel.model(
      [
        HandModel.node("Mul", ["x", "scale.weight"], ["c"], name: hostile),
        HandModel.node("Loop", ["trips", "", "x"], ["looped"], name: "/loop", [attribute]), call,
      ],
      inputs: [HandModel.value("x", ["2"])], outputs: ["y"],
      initializers: [
        TensorMessage("trips", integers: [3], shape: []),
        TensorMessage("scale.weight", try HandModel.array([2])),
      ]
    ) { $0.functions = [function] }
    let model = try HandModel.read(bytes)
    var (places, without): ([String], [String]) = ([], [])
    func look(_ graph: GraphDef) {
      for (position, node) in graph.nodes.enumerated() {
        if node.op.effect == .receives { continue }
        if let location = node.location {
          places.append(location.description)
        } else {
          without.append(node.name)
        }
        if let inner = graph.nestedGraph(of: position) { look(inner) }
      }
    }
    look(model.graph.definition)
    #expect(without == [])
    places += model.graph.variables.map { $0.location?.description ?? "\($0.name) has none" }
    #expect(places.allSatisfy { $0.hasPrefix("model.onnx, ") }, "\(places)")
    #expect(places.contains("model.onnx, Loop `/loop` › Add `/inside`, node:1"), "\(places)")
    #expect(places.contains("model.onnx, F `/call` › Exp of `b`, node:2"), "\(places)")
    #expect(places.allSatisfy { $0.utf8.count < 250 && !$0.contains("\u{1B}") })
    let own = places.filter { $0.hasPrefix("model.onnx, Mul `/a ]0;x b") && $0.hasSuffix("…`, node:1") }
    #expect(own.count >= 2, "\(places)")
    // What is built on the model is the caller's.
    let loss = square(model.outputs[0].tensor).mean()
    #expect(loss.node?.location?.file.hasSuffix("ImportedPlacesTests.swift") == true)
  }
  /// A node within functions within one another stands behind the node of the model's own graph.
  @Test func nodesOfNestedFunctionsStandBehindTheOutermost() throws {
    func function(_ name: String, _ nodes: [NodeMessage]) -> FunctionMessage {
      var function = FunctionMessage()
      (function.name, function.domain, function.inputs, function.outputs) = (name, "own", ["a"], ["b"])
      function.nodes = nodes
      return function
    }
    func call(_ function: String, _ input: String, _ output: String, name: String) -> NodeMessage {
      var call = HandModel.node(function, [input], [output], name: name)
      call.domain = "own"
      return call
    }
    let inner = function("Inner", [HandModel.node("Neg", ["a"], ["n"]), HandModel.node("Exp", ["n"], ["b"])])
    let outer = function(
      "Outer",
      [
        call("Inner", "a", "m", name: "/first"), HandModel.node("Abs", ["m"], ["p"]),
        call("Inner", "p", "b", name: "/second"),
      ])
    let bytes = HandModel.model(
      [
        HandModel.node("Relu", ["x"], ["r"], name: "/before"), call("Outer", "r", "y", name: "/call"),
        HandModel.node("Sin", ["y"], ["z"], name: "/after"),
      ], inputs: [HandModel.value("x", ["2"])], outputs: ["z"]
    ) { $0.functions = [inner, outer] }
    let nodes = try HandModel.read(bytes).graph.definition.nodes
    func places(_ mnemonic: String) -> [String] {
      nodes.filter { $0.mnemonic == mnemonic }.map { $0.location?.description ?? "none" }
    }
    let call = "model.onnx, Outer `/call` › "
    #expect(places("neg") == [call + "Neg of `n`, node:1", call + "Neg of `n`, node:1"])
    #expect(places("exp") == [call + "Exp of `b`, node:2", call + "Exp of `b`, node:2"])
    #expect(places("abs") == [call + "Abs of `p`, node:2"])
    #expect(places("relu") == ["model.onnx, Relu `/before`, node:1"])
    #expect(places("sin") == ["model.onnx, Sin `/after`, node:3"])
  }
}
