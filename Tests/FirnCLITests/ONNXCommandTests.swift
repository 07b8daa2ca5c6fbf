import FirnFormats
import FirnGraph
import FirnOps
import FirnRuntime
import Foundation
import Testing

@testable import FirnCLI
@testable import FirnONNX

/// ONNX models on the command line.
@Suite struct ONNXCommandTests {
  /// y = ΣxW over axes that are an input, with W a weight.
  private func write(to path: String) throws {
    func value(_ name: String, _ type: DType, _ shape: [Int]) -> ValueMessage {
      var message = ValueMessage()
      message.name = name
      message.type = TypeMessage()
      var tensor = TensorTypeMessage()
      tensor.elementType = type == .i32 ? 7 : ElementType(type).code
      var extents = ShapeMessage()
      extents.dimensions = shape.map { extent in
        var dimension = DimensionMessage()
        dimension.value = extent
        return dimension
      }
      tensor.shape = extents
      message.type?.tensor = tensor
      return message
    }
    func node(_ op: String, _ inputs: [String], _ output: String) -> NodeMessage {
      var node = NodeMessage()
      (node.op, node.inputs, node.outputs) = (op, inputs, [output])
      return node
    }
    var graph = GraphMessage()
    graph.inputs = [value("x", .f32, [2, 3]), value("axes", .i32, [1])]
    graph.initializers = [
      TensorMessage("head.weight", try NDArray([1, 2, 3, 4, 5, 6] as [Float], shape: [3, 2]))
    ]
    graph.nodes = [
      node("MatMul", ["x", "head.weight"], "product"), node("ReduceSum", ["product", "axes"], "y"),
    ]
    graph.outputs = [value("y", .f32, [2, 1])]
    var model = ModelMessage()
    model.irVersion = 8
    model.graph = graph
    model.operatorSets = [OperatorSetMessage(domain: "", version: 18)]
    var writer = MessageWriter()
    model.write(to: &writer)
    try Data(writer.bytes).write(to: URL(fileURLWithPath: path))
  }

  @Test func inputsThatDecideShapesAreBoundByAnOption() throws {
    try CommandLineRunner.withDirectory { directory in
      try write(to: directory + "/model.onnx")
      let unbound = CommandLineRunner.run(["inspect", "model.onnx"], in: directory)
      #expect(unbound.code != 0)
      #expect(unbound.errors.contains("--input 'axes=…'"), "\(unbound.errors)")
      let bound = CommandLineRunner.run(
        ["convert", "model.onnx", "model.firn", "--input", "axes=1"], in: directory)
      #expect(bound.code == 0, "\(bound.errors)")
      let graph = try GraphDef(contentsOfFile: directory + "/model.firn")
      #expect(graph.nodes.contains { $0.mnemonic == "reduce_sum" && $0.types == [TensorType(.f32, [2, 1])] })
      // What the line alone is at fault for does not blame the model.
      for wrong in ["axes", "=1", "axes=one", "axes=", "axes=0,,1", "axes=0,1", "axes=1.5"] {
        let result = CommandLineRunner.run(["inspect", "model.onnx", "--input", wrong], in: directory)
        #expect(result.code == 2 && result.errors.contains("--input"), "\(wrong): \(result.errors)")
      }
      let other = CommandLineRunner.run(["inspect", "model.onnx", "--input", "axis=1"], in: directory)
      #expect(other.code == 2 && other.errors.contains("did you mean x or axes?"), "\(other.errors)")
      #expect(other.errors.contains("no input of 'model.onnx'"), "\(other.errors)")
      let far = CommandLineRunner.run(["inspect", "model.onnx", "--input", "axes=9"], in: directory)
      #expect(far.code == 1 && far.errors.contains("remedy: give other numbers by --input 'axes=…'"))
      let drawn = CommandLineRunner.run(["dot", "model.onnx", "--input", "axes=1"], in: directory)
      #expect(drawn.code == 0 && drawn.output.contains("reduce_sum"), "\(drawn.errors)")
      let graphFile = CommandLineRunner.run(["inspect", "model.firn", "--input", "axes=1"], in: directory)
      #expect(graphFile.code != 0 && graphFile.errors.contains("is a graph file"), "\(graphFile.errors)")
    }
  }

  @Test func weightsOfAModelAreListedAndLoaded() throws {
    try CommandLineRunner.withDirectory { directory in
      try write(to: directory + "/model.onnx")
      let listed = CommandLineRunner.run(["weights", "model.onnx"], in: directory)
      #expect(listed.code == 0, "\(listed.errors)")
      #expect(listed.output.contains("head.weight"))
      let converted = CommandLineRunner.run(
        ["weights", "convert", "model.onnx", "model.safetensors"], in: directory)
      #expect(converted.code == 0, "\(converted.errors)")
      let weights = try Weights(contentsOf: directory + "/model.safetensors")
      #expect(try weights["head.weight"]?.array().floats == [1, 2, 3, 4, 5, 6])
    }
  }
}
