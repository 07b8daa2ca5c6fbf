import FirnFiles
public import FirnGraph
public import FirnRuntime

extension Session {
  /// Writes what computes tensors in inference as an ONNX model, with the values that variables have.
  ///
  ///     try session.writeONNX([logits], to: "trained.onnx")
  ///
  /// Variables are initialisers of the same names, whose metadata say what is trainable (`firn.trainable`), so that
  /// `ONNXModel` reads a model of the same variables again. It is that of inference: dropout is left out, batch norms use
  /// their averages, which nothing moves any more in what is read back; loops are `Scan`.
  ///
  /// - Parameters:
  ///   - outputs: what the model gives, by handle or by name; the model calls them so.
  ///   - path: the file; one that is there is replaced, whole or not at all.
  ///   - training: what of it learns, as `training_info`; its loss is added to the outputs where it is none.
  ///   - weightsBeside: puts the values into `path` with `.data` behind it, where the model finds them as long as both lie
  ///     together; nil does so where the values take 2 GiB or more, which no message of ONNX may hold. Both are on the
  ///     disk before either takes the place of an older one, first the model: a crash between the two would leave it
  ///     beside the older values.
  /// - Throws: `.unknownName` for a tensor that the graph has not or that is another graph's, `.duplicateName` for an
  ///   output that is asked for twice, `.invalidArgument` for none at all, what is wrong with `training`,
  ///   `.invalidGraph` with all nodes that have no counterpart in ONNX, and for a model of 2 GiB or more without such
  ///   values, `.file` where a file cannot be written, or values cannot lie beside it.
  /// - Complexity: O(nodes and elements), the whole model in memory but for what is put beside it.
  public func writeONNX(
    _ outputs: [any TensorReference], to path: String, training: ONNXTraining? = nil,
    weightsBeside: Bool? = nil
  ) throws(FirnError) {
    let limit = 1 << 31
    let size = graph.definition.variables.reduce(0) { sum, variable in
      sum + (variable.type.shape.elementCount.value ?? 0) * variable.type.dtype.byteCount
    }
    guard weightsBeside ?? (size >= limit) else {
      let bytes = Bytes(copying: try model(of: outputs, training: training, limit: limit))
      return try AtomicFile.write(to: path) { (file) throws(FirnError) in try file.write(bytes) }
    }
    let name = path.split(separator: "/").last.map(String.init) ?? path
    try AtomicFile.requireFile(at: path, since: "beside which no values can lie")
    var model: [UInt8] = []
    // Both are whole and on the disk before either takes the place of an older one.
    try AtomicFile.write(
      to: path + ".data",
      checking: { (_) throws(FirnError) in
        try AtomicFile.write(to: path) { (file) throws(FirnError) in
          try file.write(Bytes(copying: model))
        }
      }
    ) { (data) throws(FirnError) in
      var offset = 0
      model = try self.model(of: outputs, training: training, limit: limit) { (tensor) throws(FirnError) in
        guard let raw = tensor.raw, raw.count >= 1024 else { return }
        // Mapped elements are read in place where they lie at whole vectors.
        let gap = (64 - offset % 64) % 64
        try data.write([UInt8](repeating: 0, count: gap))
        try data.write(raw)
        tensor.place(in: name + ".data", offset: offset + gap, count: raw.count)
        tensor.raw = nil
        offset += gap + raw.count
      }
    }
  }

  /// - Parameters:
  ///   - limit: the bytes that it must stay below.
  ///   - place: puts a variable's elements elsewhere.
  func model(
    of outputs: [any TensorReference], training: ONNXTraining? = nil, limit: Int,
    place: (inout TensorMessage) throws(FirnError) -> Void = { _ in }
  ) throws(FirnError) -> [UInt8] {
    try graph.validate()
    let definition = graph.definition
    var outputs = outputs
    if let training, !outputs.contains(where: { $0.tensorName == training.loss }) {
      outputs.append(training.loss)
    }
    guard !outputs.isEmpty else {
      throw FirnError(
        .invalidArgument, "a model that gives nothing is none", remedy: "name the tensors that it is to give")
    }
    try training?.check(against: definition)
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
          remedy: "write it with `weightsBeside: true`, or parts of the graph")
      }
    }
    var exporter = GraphExporter()
    var size = 0
    try exporter.export(definition, outputs: values, trained: training.map { Set($0.trained) }) {
      (variable) throws(FirnError) in
      var tensor = TensorMessage(variable.name, try self.value(of: variable.name))
      try place(&tensor)
      size += tensor.raw?.count ?? 0
      // Before copies are made of it.
      try require(size)
      return tensor
    }
    var model = ModelMessage()
    model.irVersion = 9
    model.producer = "firn"
    model.graph = exporter.message
    model.operatorSets = [OperatorSetMessage(domain: "", version: GraphExporter.version)]
    if let training {
      let learning = training.trained.filter { name in
        exporter.message.initializers.contains { $0.name == name }
      }
      model.training = [
        TrainingMessage(
          trained: learning, loss: training.loss, inputs: exporter.message.inputs.map(\.name),
          learningRate: training.learningRate
        ) { name in definition.variable(named: name)?.type.dtype ?? .f32 }
      ]
      model.operatorSets.append(OperatorSetMessage(domain: TrainingMessage.domain, version: 1))
    }
    var writer = MessageWriter()
    model.write(to: &writer)
    try require(writer.bytes.count)
    return writer.bytes
  }
}
