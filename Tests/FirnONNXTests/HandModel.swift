import FirnFiles
import FirnFormats
import FirnGraph
import FirnRuntime
import Foundation

@testable import FirnONNX

/// Models written by hand, node by node.
enum HandModel {
  static func node(
    _ op: String, _ inputs: [String], _ outputs: [String], name: String = "",
    _ attributes: [AttributeMessage] = []
  ) -> NodeMessage {
    var node = NodeMessage()
    (node.op, node.inputs, node.outputs, node.name, node.attributes) = (op, inputs, outputs, name, attributes)
    return node
  }

  static func attribute(_ name: String, _ value: Int) -> AttributeMessage {
    var attribute = AttributeMessage()
    (attribute.name, attribute.integer, attribute.type) = (name, value, 2)
    return attribute
  }

  static func attribute(_ name: String, _ values: [Int]) -> AttributeMessage {
    var attribute = AttributeMessage()
    (attribute.name, attribute.integers, attribute.type) = (name, values, 7)
    return attribute
  }

  static func value(_ name: String, _ shape: [String], _ type: DType = .f32) -> ValueMessage {
    var tensor = TensorTypeMessage()
    tensor.elementType = ElementType(type).code
    var dimensions = ShapeMessage()
    dimensions.dimensions = shape.map { text in
      var dimension = DimensionMessage()
      if let number = Int(text) { dimension.value = number } else { dimension.parameter = text }
      return dimension
    }
    tensor.shape = dimensions
    var message = ValueMessage()
    message.name = name
    message.type = TypeMessage()
    message.type?.tensor = tensor
    return message
  }

  static func model(
    _ nodes: [NodeMessage], inputs: [ValueMessage], outputs: [String], initializers: [TensorMessage] = [],
    version: Int = 20, change: (inout ModelMessage) -> Void = { _ in }
  ) -> [UInt8] {
    var graph = GraphMessage()
    graph.nodes = nodes
    graph.inputs = inputs
    graph.outputs = outputs.map { name in
      var message = ValueMessage()
      message.name = name
      return message
    }
    graph.initializers = initializers
    var model = ModelMessage()
    model.irVersion = 8
    model.graph = graph
    var set = OperatorSetMessage()
    set.version = version
    model.operatorSets = [set]
    change(&model)
    var writer = MessageWriter()
    model.write(to: &writer)
    return writer.bytes
  }

  static func array(_ shape: [Int]) throws -> NDArray {
    try NDArray((0..<shape.reduce(1, *)).map { Float($0) * 0.1 }, shape: shape)
  }

  static func read(_ bytes: [UInt8], binding: [String: NDArray] = [:]) throws(FirnError) -> ONNXModel {
    try ONNXModel(Bytes(copying: bytes), source: "model.onnx", path: nil, binding: binding)
  }

  static func error(_ bytes: [UInt8]) -> FirnError? {
    do {
      _ = try read(bytes)
      return nil
    } catch {
      return error
    }
  }
}
