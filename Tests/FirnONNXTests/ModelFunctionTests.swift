import FirnFiles
import FirnFormats
import FirnGraph
import FirnRuntime
import Testing

@testable import FirnONNX

/// Functions that a model defines.
@Suite struct ModelFunctionTests {
  /// y = x + n · table, by n calls of a function that holds the table.
  private static func model(calls: Int, scale: AttributeMessage? = nil) throws -> [UInt8] {
    var table = AttributeMessage()
    (table.name, table.tensor, table.type) = ("value", TensorMessage("", try HandModel.array([100])), 4)
    var factor = AttributeMessage()
    (factor.name, factor.reference, factor.type) = ("value_float", "factor", 1)
    var function = FunctionMessage()
    (function.name, function.domain, function.inputs, function.outputs) = ("F", "own", ["a"], ["b"])
    function.nodes = [
      HandModel.node("Constant", [], ["t"], [table]), HandModel.node("Constant", [], ["f"], [factor]),
      HandModel.node("Mul", ["t", "f"], ["p"]), HandModel.node("Add", ["a", "p"], ["b"]),
    ]
    let nodes = (0..<calls).map { number in
      var call = HandModel.node("F", [number == 0 ? "x" : "y\(number - 1)"], ["y\(number)"])
      call.domain = "own"
      var factor = AttributeMessage()
      (factor.name, factor.float, factor.type) = ("factor", Float(number), 1)
      call.attributes = [factor]
      return call
    }
    return HandModel.model(
      nodes, inputs: [HandModel.value("x", ["100"])], outputs: ["y\(calls - 1)"]
    ) { $0.functions = [function] }
  }

  /// A constant that the call does not decide is one; one that it does, is each call's own.
  @Test func constantsAreMadeOnce() throws {
    let model = try HandModel.read(Self.model(calls: 5))
    let held = model.graph.definition.nodes.compactMap { node -> Int? in
      if case .holds(let array) = node.op.effect { return array.elementCount }
      return nil
    }
    #expect(held.count { $0 == 100 } == 1, "\(held)")
    let session = try Session(model.graph, threads: 1)
    let output = model.outputs[0].tensor
    let result = try session.run(
      session.compile(fetching: [output]), feeding: [model.inputs[0].tensor: NDArray(zeros: [100])])
    let wanted = try HandModel.array([100]).doubles.map { $0 * 10 }
    for (a, b) in zip(try result[output].doubles, wanted) { #expect(abs(a - b) < 1e-4) }
  }

  /// Nor do calls that find their constants made cost nothing.
  @Test func callsAreCounted() throws {
    let fault = FileFault("model.onnx")
    for (limit, isEnough) in [(25, true), (24, false)] {
      let importer = try Importer(
        ModelMessage(Bytes(copying: try Self.model(calls: 5)), source: "model.onnx"),
        files: ExternalFiles(besides: nil, fault: fault), binding: [:], fault: fault, nodeCount: limit)
      do {
        try importer.run()
        #expect(isEnough)
      } catch {
        #expect(!isEnough && error.message.contains("more than \(limit) nodes"), "\(error)")
      }
    }
  }
}
