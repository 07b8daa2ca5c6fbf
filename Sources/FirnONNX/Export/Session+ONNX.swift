import FirnFiles
public import FirnGraph
public import FirnRuntime

extension Session {
  /// Writes what computes tensors in inference as an ONNX model, with the values that variables have.
  ///
  ///     try session.writeONNX([logits], to: "trained.onnx")
  ///
  /// Variables are initialisers of the same names, whose metadata say what is trainable (`firn.trainable`), so that
  /// `ONNXModel` reads the same model again. Dropout is left out, batch norms use their averages, loops are `Scan`.
  ///
  /// - Parameters:
  ///   - outputs: what the model gives, by handle or by name; the model calls them so.
  ///   - path: the file; one that is there is replaced, whole or not at all.
  /// - Throws: `.unknownName` for a tensor that the graph has not or that is another graph's, `.duplicateName` for an
  ///   output that is asked for twice, `.invalidGraph` with all nodes that have no counterpart in ONNX, and for a model of
  ///   2 GiB or more, which no message of ONNX may have, `.file` where the file cannot be written.
  /// - Complexity: O(nodes and elements), the whole model in memory.
  public func writeONNX(_ outputs: [any TensorReference], to path: String) throws(FirnError) {
    let bytes = Bytes(copying: try model(of: outputs, limit: 1 << 31))
    try AtomicFile.write(to: path) { (file) throws(FirnError) in try file.write(bytes) }
  }

  /// - Parameter limit: the bytes that it must stay below.
  func model(of outputs: [any TensorReference], limit: Int) throws(FirnError) -> [UInt8] {
    try graph.validate()
    let definition = graph.definition
    var values: [(name: String, value: Value)] = []
    var names: Set<String> = []
    for (output, value) in zip(outputs, try self.values(outputs)) {
      // Inputs and variables have their names already.
      let isSource = definition.nodes[value.node].inputs.isEmpty
      let name = isSource ? output.tensorName + "_output" : output.tensorName
      guard names.insert(name).inserted else {
        throw FirnError(
          .duplicateName, "the model is to give `\(name)` twice", remedy: "name each output once", place: name
        )
      }
      values.append((name, value))
    }
    func require(_ size: Int) throws(FirnError) {
      guard size < limit else {
        throw FirnError(
          .invalidGraph, "the model takes \(size) bytes or more, and a message of ONNX stays below \(limit)",
          remedy: "export parts of the graph, or keep its weights with `save` as safetensors")
      }
    }
    var exporter = GraphExporter()
    var size = 0
    try exporter.export(definition, outputs: values) { (variable) throws(FirnError) in
      let value = try self.value(of: variable.name)
      size += value.elementCount * value.dtype.byteCount
      // Before copies are made of it.
      try require(size)
      return value
    }
    var model = ModelMessage()
    model.irVersion = 9
    model.producer = "firn"
    model.graph = exporter.message
    var set = OperatorSetMessage()
    set.version = GraphExporter.version
    model.operatorSets = [set]
    var writer = MessageWriter()
    model.write(to: &writer)
    try require(writer.bytes.count)
    return writer.bytes
  }
}
