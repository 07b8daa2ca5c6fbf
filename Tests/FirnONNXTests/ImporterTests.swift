import FirnFiles
import FirnFormats
import FirnGraph
import FirnRuntime
import Foundation
import Testing

@testable import FirnONNX

/// How models become graphs: names, scopes, layouts, what is known, and what is wrong with a file.
@Suite struct ImporterTests {
  // MARK: Models by hand

  private static func node(
    _ op: String, _ inputs: [String], _ outputs: [String], name: String = "",
    _ attributes: [AttributeMessage] = []
  ) -> NodeMessage {
    var node = NodeMessage()
    (node.op, node.inputs, node.outputs, node.name, node.attributes) = (op, inputs, outputs, name, attributes)
    return node
  }

  private static func attribute(_ name: String, _ value: Int) -> AttributeMessage {
    var attribute = AttributeMessage()
    (attribute.name, attribute.integer, attribute.type) = (name, value, 2)
    return attribute
  }

  private static func attribute(_ name: String, _ values: [Int]) -> AttributeMessage {
    var attribute = AttributeMessage()
    (attribute.name, attribute.integers, attribute.type) = (name, values, 7)
    return attribute
  }

  private static func value(_ name: String, _ shape: [String], _ type: DType = .f32) -> ValueMessage {
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

  private static func model(
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

  private static func array(_ shape: [Int]) throws -> NDArray {
    try NDArray((0..<shape.reduce(1, *)).map { Float($0) * 0.1 }, shape: shape)
  }

  private static func read(_ bytes: [UInt8], binding: [String: NDArray] = [:]) throws(FirnError) -> ONNXModel
  {
    try ONNXModel(Bytes(copying: bytes), source: "model.onnx", path: nil, binding: binding)
  }

  private static func error(_ bytes: [UInt8]) -> FirnError? {
    do {
      _ = try read(bytes)
      return nil
    } catch {
      return error
    }
  }

  // MARK: Names and variables

  @Test func modulesAreScopesAndWeightsLieAsFirns() throws {
    let bytes = Self.model(
      [
        Self.node(
          "Conv", ["x", "layer1.0.conv.weight", "layer1.0.conv.bias"], ["y"],
          name: "/layer1/layer1.0/conv/Conv",
          [Self.attribute("pads", [1, 1, 1, 1])]),
        Self.node("Flatten", ["y"], ["flat"]),
        Self.node(
          "Gemm", ["flat", "fc.weight", "onnx::Gemm_7"], ["z"], name: "/fc/Gemm",
          [Self.attribute("transB", 1)]),
      ],
      inputs: [Self.value("x", ["batch", "2", "5", "4"])], outputs: ["z"],
      initializers: [
        TensorMessage("layer1.0.conv.weight", try Self.array([3, 2, 3, 3])),
        TensorMessage("layer1.0.conv.bias", try Self.array([3])),
        TensorMessage("fc.weight", try Self.array([2, 60])),
        TensorMessage("onnx::Gemm_7", try Self.array([2])),
      ])
    let model = try Self.read(bytes)
    let variables = model.graph.variables
    #expect(
      variables.map { "\($0.name) \($0.type) \($0.role)" } == [
        "layer1/0/conv/kernel f32[3,3,2,3] kernel", "layer1/0/conv/bias f32[3] bias",
        "fc/kernel f32[60,2] kernel", "fc/bias f32[2] bias",
      ])
    #expect(variables.allSatisfy { $0.isTrainable })
    #expect(model.inputs[0].tensor.shape == ["batch", 2, 5, 4])
    #expect(model.outputs[0].tensor.type == TensorType(.f32, ["batch", 2]))
    let session = try Session(model.graph)
    let kernel = try session.value(of: "layer1/0/conv/kernel")
    #expect(try kernel.isBitwiseEqual(to: Self.array([3, 2, 3, 3]).transposed([2, 3, 1, 0])))
  }

  @Test func onlyTwoTransposesAroundAnImage() throws {
    var nodes = [Self.node("Conv", ["x", "a"], ["y0"])]
    nodes += (0..<3).flatMap { number in
      [
        Self.node("Relu", ["y\(number)"], ["r\(number)"]),
        Self.node("Conv", ["r\(number)", "b"], ["c\(number)"], [Self.attribute("pads", [1, 1, 1, 1])]),
        Self.node("Add", ["c\(number)", "r\(number)"], ["y\(number + 1)"]),
      ]
    }
    nodes += [
      Self.node("MaxPool", ["y3"], ["p"], [Self.attribute("kernel_shape", [2, 2])]),
      Self.node("Flatten", ["p"], ["z"]),
    ]
    let bytes = Self.model(
      nodes, inputs: [Self.value("x", ["batch", "2", "6", "6"])], outputs: ["z"],
      initializers: [
        TensorMessage("a", try Self.array([3, 2, 3, 3])), TensorMessage("b", try Self.array([3, 3, 3, 3])),
      ])
    let nodesRead = try Self.read(bytes).graph.definition.nodes
    #expect(nodesRead.count { $0.mnemonic == "transpose" } == 2)
  }

  @Test func metadataFreezesAndNumbersAreNoVariables() throws {
    var frozen = TensorMessage("w", try Self.array([2, 2]))
    var entry = EntryMessage()
    (entry.key, entry.value) = ("firn.trainable", "false")
    frozen.metadata = [entry]
    let bytes = Self.model(
      [Self.node("MatMul", ["x", "w"], ["h"]), Self.node("Mul", ["h", "scale"], ["y"])],
      inputs: [Self.value("x", ["2", "2"])], outputs: ["y"],
      initializers: [frozen, TensorMessage("scale", NDArray(scalar: Float(0.5)))])
    let variables = try Self.read(bytes).graph.variables
    #expect(variables.map(\.name) == ["w"] && !variables[0].isTrainable)
  }

  @Test func equalInitialisersSharedThroughIdentityAreTwoAgain() throws {
    let bytes = Self.model(
      [
        Self.node("Identity", ["a.weight"], ["b.weight"]), Self.node("Mul", ["x", "a.weight"], ["h"]),
        Self.node("Mul", ["h", "b.weight"], ["y"]),
      ],
      inputs: [Self.value("x", ["2"])], outputs: ["y"],
      initializers: [TensorMessage("a.weight", try Self.array([2]))])
    let model = try Self.read(bytes)
    #expect(model.graph.variables.map(\.name) == ["a/weight", "b/weight"])
    #expect(model.notes.count == 1 && model.notes[0].contains("`b.weight`"))
  }

  // MARK: What is known

  @Test func shapesOfNamedDimensionsFold() throws {
    let one = TensorMessage("one", integers: [1], shape: [])
    let bytes = Self.model(
      [
        Self.node("Shape", ["x"], ["s"]), Self.node("Gather", ["s", "zero"], ["n"]),
        Self.node("Gather", ["s", "one"], ["t"]), Self.node("Mul", ["n", "t"], ["nt"]),
        Self.node("Unsqueeze", ["nt", "axes"], ["v"]),
        Self.node("Concat", ["v", "four"], ["shape"], [Self.attribute("axis", 0)]),
        Self.node("Reshape", ["x", "shape"], ["y"]),
      ],
      inputs: [Self.value("x", ["batch", "time", "4"])], outputs: ["y"],
      initializers: [
        one, TensorMessage("zero", integers: [0], shape: []), TensorMessage("axes", integers: [0]),
        TensorMessage("four", integers: [4]),
      ])
    let model = try Self.read(bytes)
    #expect(model.outputs[0].tensor.shape == ["batch*time", 4])
    // Nothing of the arithmetic is left in the graph.
    #expect(model.graph.definition.nodes.map(\.mnemonic) == ["placeholder", "reshape", "identity"])
  }

  @Test func inputsThatDecideShapesAreBound() throws {
    let bytes = Self.model(
      [Self.node("Reshape", ["x", "shape"], ["y"])],
      inputs: [Self.value("x", ["6"]), Self.value("shape", ["2"], .i32)], outputs: ["y"])
    let error = try #require(Self.error(bytes))
    #expect(error.code == .missingFeed && error.place == "shape" && error.message.contains("`shape`"))
    let model = try Self.read(bytes, binding: ["shape": NDArray([Int32(2), 3])])
    #expect(model.outputs[0].tensor.shape == [2, 3] && model.inputs.map(\.name) == ["x"])
    #expect(throws: FirnError.self) { try Self.read(bytes, binding: ["shapes": NDArray([Int32(2), 3])]) }
  }

  // MARK: Faults

  @Test func allThatIsNotSupportedIsListedAtOnce() throws {
    let bytes = Self.model(
      [
        Self.node("NonZero", ["x"], ["a"], name: "first"), Self.node("Relu", ["a"], ["b"]),
        Self.node("Nonsense", ["x"], ["c"], name: "second"),
      ],
      inputs: [Self.value("x", ["2"])], outputs: ["b", "c"])
    let error = try #require(Self.error(bytes))
    #expect(error.causes.count == 2)
    #expect(error.causes[0].message == "NonZero `first`: NonZero of opset 20 has no counterpart in Firn")
    #expect(error.causes.allSatisfy { $0.remedy != nil })
  }

  private static let faults: [(String, [UInt8])] = {
    let x = value("x", ["2"])
    let relu = node("Relu", ["x"], ["y"])
    func tensor(_ name: String, _ change: (inout TensorMessage) -> Void) -> TensorMessage {
      var message = TensorMessage(name, NDArray([Float(1), 2]))
      change(&message)
      return message
    }
    func with(_ initializer: TensorMessage) -> [UInt8] {
      model(
        [node("Add", ["x", initializer.name], ["y"])], inputs: [x], outputs: ["y"],
        initializers: [initializer])
    }
    return [
      ("made by nothing", model([node("Relu", ["ghost"], ["y"])], inputs: [x], outputs: ["y"])),
      (
        "made by nothing",
        model([node("Relu", ["b"], ["a"]), node("Relu", ["a"], ["b"])], inputs: [x], outputs: ["b"])
      ),
      ("made twice", model([relu, relu], inputs: [x], outputs: ["y"])),
      ("two inputs", model([relu], inputs: [x, x], outputs: ["y"])),
      ("nothing makes", model([relu], inputs: [x], outputs: ["z"])),
      ("impossible shape", with(tensor("w") { $0.dimensions = [1 << 62, 4] })),
      ("impossible shape", with(tensor("w") { $0.dimensions = [-1] })),
      ("bytes", with(tensor("w") { $0.dimensions = [3] })),
      ("takes", with(tensor("w") { $0.dimensions = [1 << 40] })),
      ("type 99", with(tensor("w") { $0.elementType = ElementType(99) })),
      (
        "twice",
        model(
          [relu], inputs: [x], outputs: ["y"], initializers: [tensor("w") { _ in }, tensor("w") { _ in }])
      ),
      ("IR version", model([relu], inputs: [x], outputs: ["y"]) { $0.irVersion = 2 }),
      ("which operators", model([relu], inputs: [x], outputs: ["y"]) { $0.operatorSets = [] }),
      ("is no ONNX model", []),
      ("ends early", Array(model([relu], inputs: [x], outputs: ["y"]).dropLast(5))),
    ]
  }()

  @Test(arguments: faults.indices)
  func faultyModelsHaveAClearError(_ index: Int) throws {
    let (words, bytes) = Self.faults[index]
    let error = try #require(Self.error(bytes))
    #expect(error.description.contains(words), "\(error)")
    #expect(error.remedy != nil || error.causes.allSatisfy { $0.remedy != nil })
  }

  @Test func functionsThatCallThemselvesEnd() throws {
    var function = FunctionMessage()
    (function.name, function.domain, function.inputs, function.outputs) = ("F", "own", ["a"], ["b"])
    var call = Self.node("F", ["a"], ["b"])
    call.domain = "own"
    function.nodes = [call]
    var first = Self.node("F", ["x"], ["y"])
    first.domain = "own"
    let bytes = Self.model([first], inputs: [Self.value("x", ["2"])], outputs: ["y"]) {
      $0.functions = [function]
    }
    let error = try #require(Self.error(bytes))
    #expect(error.description.contains("without end"))
  }

  // MARK: Bounds

  private static func fault(
    _ bytes: [UInt8], nodeCount: Int = 1 << 20, byteCount: Int = 256 << 20
  ) throws -> FirnError? {
    let fault = FileFault("model.onnx")
    let importer = try Importer(
      ModelMessage(Bytes(copying: bytes), source: "model.onnx"),
      files: ExternalFiles(besides: nil, fault: fault),
      binding: [:], fault: fault, nodeCount: nodeCount, byteCount: byteCount)
    do throws(FirnError) {
      try importer.run()
      return nil
    } catch {
      return error
    }
  }

  @Test func tooManyNodesAreOneFault() throws {
    let nodes = (0..<5).map { Self.node("Relu", [$0 == 0 ? "x" : "y\($0)"], ["y\($0 + 1)"]) }
    let bytes = Self.model(nodes, inputs: [Self.value("x", ["2"])], outputs: ["y5"])
    #expect(try Self.fault(bytes, nodeCount: 5) == nil)
    let error = try #require(try Self.fault(bytes, nodeCount: 3))
    #expect(error.causes.isEmpty && error.message.contains("more than 3 nodes"))
  }

  @Test func aFunctionThatDoesNotMakeItsOutputIsAFault() throws {
    var function = FunctionMessage()
    (function.name, function.domain, function.inputs, function.outputs) = ("F", "own", ["a"], ["b"])
    var call = Self.node("F", ["x"], ["y"])
    call.domain = "own"
    let bytes = Self.model([call], inputs: [Self.value("x", ["2"])], outputs: ["y"]) {
      $0.functions = [function]
    }
    let error = try #require(Self.error(bytes))
    #expect(error.description.contains("nothing makes the function's output `b`"))
  }

  @Test func whatIsWorkedOutIsBounded() throws {
    var nodes = (0..<4).flatMap { number in
      [
        Self.node("ConstantOfShape", ["extent"], ["n\(number)"], [Self.zero]),
        Self.node("Add", ["n\(number)", "n\(number)"], ["m\(number)"]),
      ]
    }
    nodes.append(Self.node("Relu", ["x"], ["y"]))
    let folded = Self.model(
      nodes, inputs: [Self.value("x", ["2"])], outputs: ["y"],
      initializers: [TensorMessage("extent", integers: [10_000])])
    #expect(try Self.fault(folded) == nil)
    let one = 10_000 * MemoryLayout<Dim>.stride
    let error = try #require(try Self.fault(folded, byteCount: 3 * one))
    #expect(error.causes.isEmpty && error.message.contains("more memory than any model needs"))

    var mode = AttributeMessage()
    (mode.name, mode.text, mode.type) = ("mode", "reflect", 3)
    let padded = Self.model(
      [Self.node("Pad", ["x", "pads"], ["y"], [mode])], inputs: [Self.value("x", ["2"])], outputs: ["y"],
      initializers: [TensorMessage("pads", integers: [1 << 20, 1 << 20])])
    #expect(try Self.fault(padded, byteCount: 1 << 20)?.message.contains("more memory") == true)
  }

  private static let zero: AttributeMessage = {
    var attribute = AttributeMessage()
    (attribute.name, attribute.type) = ("value", 4)
    attribute.tensor = TensorMessage("", integers: [0])
    return attribute
  }()

  @Test func longRangesAreNoTables() throws {
    var cast = Self.node("Cast", ["r"], ["y"])
    cast.attributes = [Self.attribute("to", 1)]
    let bytes = Self.model(
      [Self.node("Range", ["from", "to", "by"], ["r"]), cast], inputs: [], outputs: ["y"],
      initializers: [
        TensorMessage("from", integers: [5], shape: []), TensorMessage("to", integers: [60_003], shape: []),
        TensorMessage("by", integers: [3], shape: []),
      ])
    let model = try Self.read(bytes)
    let held = model.graph.definition.nodes.flatMap { node -> [Int] in
      if case .holds(let array) = node.op.effect { return [array.elementCount] }
      return []
    }
    #expect(held.allSatisfy { $0 == 1 })
    let values = try Self.outputs(model)[0]
    #expect(values.count == 20_000 && values[1] == 8 && values[19_999] == 60_002)
  }

  /// What a model without inputs gives.
  private static func outputs(_ model: ONNXModel) throws -> [[Double]] {
    let session = try Session(model.graph)
    let program = try session.compile(fetching: model.outputs.map(\.tensor))
    let results = try session.run(program)
    return try model.outputs.map { try results[$0.tensor].doubles }
  }

  // MARK: Integers

  @Test func knownRemaindersHaveTheSignThatIsAskedFor() throws {
    let bytes = Self.model(
      [
        Self.node("Mod", ["a", "b"], ["floored"]),
        Self.node("Mod", ["a", "b"], ["truncated"], [Self.attribute("fmod", 1)]),
        Self.node("Div", ["a", "b"], ["quotient"]),
      ], inputs: [], outputs: ["floored", "truncated", "quotient"],
      initializers: [TensorMessage("a", integers: [-5, 5]), TensorMessage("b", integers: [3, -3])])
    #expect(try Self.outputs(Self.read(bytes)) == [[1, -1], [-2, 2], [-1, -1]])
  }

  @Test func integersBeyond32BitsAreAFault() throws {
    var wide = Self.zero
    wide.tensor = TensorMessage("", integers: [1 << 40])
    let bytes = Self.model(
      [Self.node("Shape", ["x"], ["s"]), Self.node("ConstantOfShape", ["s"], ["y"], [wide])],
      inputs: [Self.value("x", ["batch"])], outputs: ["y"])
    let error = try #require(Self.error(bytes))
    #expect(error.code == .indexOutOfRange && error.description.contains("\(1 << 40) is no i32"))
  }

  // MARK: Loops

  /// A loop of three steps whose body doubles what it carries, and makes its condition by these nodes.
  private static func loop(_ nodes: [NodeMessage], condition: String = "go") -> [UInt8] {
    var body = GraphMessage()
    body.nodes = nodes + [node("Add", ["h", "h"], ["next"])]
    body.inputs = [value("step", [], .i32), value("given", [], .bool), value("h", ["2"])]
    body.outputs = [condition, "next"].map { name in
      var message = ValueMessage()
      message.name = name
      return message
    }
    var attribute = AttributeMessage()
    (attribute.name, attribute.graph, attribute.type) = ("body", body, 5)
    return model(
      [node("Loop", ["trips", "", "x"], ["y"], [attribute])], inputs: [value("x", ["2"])], outputs: ["y"],
      initializers: [
        TensorMessage("trips", integers: [3], shape: []), TensorMessage("yes", NDArray(scalar: true)),
        TensorMessage("no", NDArray(scalar: false)),
      ])
  }

  private static func constant(_ value: Bool, _ output: String) -> NodeMessage {
    var attribute = AttributeMessage()
    (attribute.name, attribute.tensor, attribute.type) = (
      "value", TensorMessage("", NDArray(scalar: value)), 4
    )
    return node("Constant", [], [output], [attribute])
  }

  @Test func loopsWhoseConditionStaysTrueRun() throws {
    let bodies = [
      Self.loop([Self.constant(true, "go")]), Self.loop([Self.node("Identity", ["given"], ["go"])]),
      Self.loop([Self.node("Identity", ["yes"], ["go"])]), Self.loop([], condition: "given"),
    ]
    for bytes in bodies {
      let model = try Self.read(bytes)
      let session = try Session(model.graph)
      let program = try session.compile(fetching: [model.outputs[0].tensor])
      let result = try session.run(program, feeding: [model.inputs[0].tensor: NDArray([Float(1), 2])])
      #expect(try result[model.outputs[0].tensor].floats == [8, 16])
    }
  }

  @Test(.timeLimit(.minutes(1))) func loopsThatEndByThemselvesAreRefused() throws {
    let bodies = [
      (Self.loop([Self.constant(false, "go")]), "its condition ends"),
      (Self.loop([Self.node("Identity", ["no"], ["go"])]), "its condition ends"),
      (Self.loop([Self.node("Identity", ["step"], ["go"])]), "is computed"),
      (Self.loop([Self.node("Not", ["given"], ["go"])]), "is computed"),
      // A circle.
      (
        Self.loop([Self.node("Identity", ["a"], ["go"]), Self.node("Identity", ["go"], ["a"])]), "is computed"
      ),
    ]
    for (bytes, words) in bodies {
      let error = try #require(Self.error(bytes))
      #expect(error.description.contains(words), "\(error)")
    }
  }

  // MARK: Data beside the model

  @Test func dataBesideTheModelStaysInItsFolder() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "firn-onnx-\(UUID().uuidString)")
    try FileManager.default.createDirectory(
      at: folder.appendingPathComponent("inner"), withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let values = [Float(1), 2, 3]
    try values.withUnsafeBytes { Data($0) }.write(to: folder.appendingPathComponent("secret.bin"))
    try values.withUnsafeBytes { Data($0) }.write(to: folder.appendingPathComponent("inner/weights.bin"))
    try FileManager.default.createSymbolicLink(
      at: folder.appendingPathComponent("inner/link.bin"),
      withDestinationURL: folder.appendingPathComponent("secret.bin"))
    func load(_ location: String, offset: Int = 4) throws(FirnError) -> ONNXModel {
      var tensor = TensorMessage()
      (tensor.name, tensor.dimensions, tensor.elementType) = ("w", [2], ElementType(.f32))
      tensor.place(in: location, offset: offset, count: 8)
      let bytes = Self.model(
        [Self.node("Add", ["x", "w"], ["y"])], inputs: [Self.value("x", ["2"])], outputs: ["y"],
        initializers: [tensor])
      let path = folder.appendingPathComponent("inner/model.onnx").path
      return try ONNXModel(Bytes(copying: bytes), source: path, path: path)
    }
    let model = try load("weights.bin")
    #expect(try Session(model.graph).value(of: "w").floats == [2, 3])
    for outside in ["../secret.bin", "/etc/hostname", "link.bin", "a/../../secret.bin"] {
      #expect {
        try load(outside)
      } throws: { error in
        "\(error)".contains("outside of its folder")
      }
    }
    #expect(throws: FirnError.self) { try load("weights.bin", offset: 8) }
    #expect(throws: FirnError.self) { try load("missing.bin") }
  }
}
