import FirnFiles
import FirnFormats
import FirnGraph
import FirnRuntime
import Foundation
import Testing

@testable import FirnONNX

/// What a file may ask for, and what ends where it asks for more.
@Suite struct ImporterBoundsTests {
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
    let nodes = (0..<5).map { HandModel.node("Relu", [$0 == 0 ? "x" : "y\($0)"], ["y\($0 + 1)"]) }
    let bytes = HandModel.model(nodes, inputs: [HandModel.value("x", ["2"])], outputs: ["y5"])
    #expect(try Self.fault(bytes, nodeCount: 5) == nil)
    let error = try #require(try Self.fault(bytes, nodeCount: 3))
    #expect(error.causes.isEmpty && error.message.contains("more than 3 nodes"))
  }

  @Test func aFunctionThatDoesNotMakeItsOutputIsAFault() throws {
    var function = FunctionMessage()
    (function.name, function.domain, function.inputs, function.outputs) = ("F", "own", ["a"], ["b"])
    var call = HandModel.node("F", ["x"], ["y"])
    call.domain = "own"
    let bytes = HandModel.model([call], inputs: [HandModel.value("x", ["2"])], outputs: ["y"]) {
      $0.functions = [function]
    }
    let error = try #require(HandModel.error(bytes))
    #expect(error.description.contains("nothing makes the function's output `b`"))
  }

  @Test func whatIsWorkedOutIsBounded() throws {
    var nodes = (0..<4).flatMap { number in
      [
        HandModel.node("ConstantOfShape", ["extent"], ["n\(number)"], [Self.zero]),
        HandModel.node("Add", ["n\(number)", "n\(number)"], ["m\(number)"]),
      ]
    }
    nodes.append(HandModel.node("Relu", ["x"], ["y"]))
    let folded = HandModel.model(
      nodes, inputs: [HandModel.value("x", ["2"])], outputs: ["y"],
      initializers: [TensorMessage("extent", integers: [10_000])])
    #expect(try Self.fault(folded) == nil)
    let one = 10_000 * MemoryLayout<Dim>.stride
    let error = try #require(try Self.fault(folded, byteCount: 3 * one))
    #expect(error.causes.isEmpty && error.message.contains("more memory than any model needs"))

    var mode = AttributeMessage()
    (mode.name, mode.text, mode.type) = ("mode", "reflect", 3)
    let padded = HandModel.model(
      [HandModel.node("Pad", ["x", "pads"], ["y"], [mode])], inputs: [HandModel.value("x", ["2"])],
      outputs: ["y"],
      initializers: [TensorMessage("pads", integers: [1 << 20, 1 << 20])])
    #expect(try Self.fault(padded, byteCount: 1 << 20)?.message.contains("so wide a padding") == true)
  }

  private static let zero: AttributeMessage = {
    var attribute = AttributeMessage()
    (attribute.name, attribute.type) = ("value", 4)
    attribute.tensor = TensorMessage("", integers: [0])
    return attribute
  }()

  @Test func longRangesAreNoTables() throws {
    var cast = HandModel.node("Cast", ["r"], ["y"])
    cast.attributes = [HandModel.attribute("to", 1)]
    let bytes = HandModel.model(
      [HandModel.node("Range", ["from", "to", "by"], ["r"]), cast], inputs: [], outputs: ["y"],
      initializers: [
        TensorMessage("from", integers: [5], shape: []), TensorMessage("to", integers: [60_003], shape: []),
        TensorMessage("by", integers: [3], shape: []),
      ])
    let model = try HandModel.read(bytes)
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
    let bytes = HandModel.model(
      [
        HandModel.node("Mod", ["a", "b"], ["floored"]),
        HandModel.node("Mod", ["a", "b"], ["truncated"], [HandModel.attribute("fmod", 1)]),
        HandModel.node("Div", ["a", "b"], ["quotient"]),
      ], inputs: [], outputs: ["floored", "truncated", "quotient"],
      initializers: [TensorMessage("a", integers: [-5, 5]), TensorMessage("b", integers: [3, -3])])
    #expect(try Self.outputs(HandModel.read(bytes)) == [[1, -1], [-2, 2], [-1, -1]])
  }

  @Test func integersBeyond32BitsAreAFault() throws {
    var wide = Self.zero
    wide.tensor = TensorMessage("", integers: [1 << 40])
    let bytes = HandModel.model(
      [HandModel.node("Shape", ["x"], ["s"]), HandModel.node("ConstantOfShape", ["s"], ["y"], [wide])],
      inputs: [HandModel.value("x", ["batch"])], outputs: ["y"])
    let error = try #require(HandModel.error(bytes))
    #expect(error.code == .indexOutOfRange && error.description.contains("\(1 << 40) is no i32"))
  }

  // MARK: Loops

  /// A loop of three steps whose body doubles what it carries, and makes its condition by these nodes.
  private static func loop(_ nodes: [NodeMessage], condition: String = "go") -> [UInt8] {
    var body = GraphMessage()
    body.nodes = nodes + [HandModel.node("Add", ["h", "h"], ["next"])]
    body.inputs = [
      HandModel.value("step", [], .i32), HandModel.value("given", [], .bool), HandModel.value("h", ["2"]),
    ]
    body.outputs = [condition, "next"].map { name in
      var message = ValueMessage()
      message.name = name
      return message
    }
    var attribute = AttributeMessage()
    (attribute.name, attribute.graph, attribute.type) = ("body", body, 5)
    return HandModel.model(
      [HandModel.node("Loop", ["trips", "", "x"], ["y"], [attribute])], inputs: [HandModel.value("x", ["2"])],
      outputs: ["y"],
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
    return HandModel.node("Constant", [], [output], [attribute])
  }

  @Test func loopsWhoseConditionStaysTrueRun() throws {
    let bodies = [
      Self.loop([Self.constant(true, "go")]), Self.loop([HandModel.node("Identity", ["given"], ["go"])]),
      Self.loop([HandModel.node("Identity", ["yes"], ["go"])]), Self.loop([], condition: "given"),
    ]
    for bytes in bodies {
      let model = try HandModel.read(bytes)
      let session = try Session(model.graph)
      let program = try session.compile(fetching: [model.outputs[0].tensor])
      let result = try session.run(program, feeding: [model.inputs[0].tensor: NDArray([Float(1), 2])])
      #expect(try result[model.outputs[0].tensor].floats == [8, 16])
    }
  }

  /// What a step takes of a vector follows from its number: each is written out.
  @Test(arguments: [3, 0, 2000]) func loopsWhoseIndexDecidesShapesAreWrittenOut(_ trips: Int) throws {
    var body = GraphMessage()
    body.nodes = [
      HandModel.node("Add", ["step", "one"], ["end"]),
      HandModel.node("Unsqueeze", ["end", "axes"], ["ends"]),
      HandModel.node("Slice", ["v", "starts", "ends"], ["part"]),
      HandModel.node("ReduceSum", ["part"], ["sum"], [HandModel.attribute("keepdims", 0)]),
      HandModel.node("Add", ["h", "sum"], ["next"]), HandModel.node("Identity", ["given"], ["go"]),
    ]
    body.inputs = [
      HandModel.value("step", [], .i32), HandModel.value("given", [], .bool), HandModel.value("h", []),
    ]
    body.outputs = ["go", "next", "sum"].map { name in
      var message = ValueMessage()
      message.name = name
      return message
    }
    var attribute = AttributeMessage()
    (attribute.name, attribute.graph, attribute.type) = ("body", body, 5)
    let bytes = HandModel.model(
      [HandModel.node("Loop", ["trips", "", "x"], ["y", "sums"], [attribute])],
      inputs: [HandModel.value("x", []), HandModel.value("v", ["4"])], outputs: ["y", "sums"],
      initializers: [
        TensorMessage("trips", integers: [trips], shape: []), TensorMessage("one", integers: [1], shape: []),
        TensorMessage("axes", integers: [0]), TensorMessage("starts", integers: [0]),
      ])
    guard trips == 3 else {
      // None is written out, and so many would be no graph: what decides is said.
      #expect(try #require(HandModel.error(bytes)).description.contains("is not known before the model runs"))
      return
    }
    let model = try HandModel.read(bytes)
    #expect(!model.graph.definition.nodes.contains { $0.mnemonic == "scan" })
    let session = try Session(model.graph)
    let results = try session.run(
      session.compile(fetching: model.outputs.map(\.tensor)),
      feeding: ["x": NDArray(scalar: Float(1)), "v": NDArray([Float(1), 10, 100, 1000])])
    #expect(try results[model.outputs[0].tensor].floats == [1 + 1 + 11 + 111])
    #expect(try results[model.outputs[1].tensor].floats == [1, 11, 111])
  }

  /// A loop whose body has these nodes, and floats as an initialiser or as a constant that each step adds; where its
  /// index decides a shape, it is written out.
  private static func loop(
    _ trips: Int, constant: Int = 0, initializer: Int = 0, nodes: [NodeMessage]
  ) throws -> [UInt8] {
    var body = GraphMessage()
    body.nodes = nodes + [HandModel.node("Identity", ["given"], ["go"])]
    if constant > 0 {
      var value = AttributeMessage()
      (value.name, value.tensor, value.type) = (
        "value", TensorMessage("", try HandModel.array([constant])), 4
      )
      body.nodes.insert(HandModel.node("Constant", [], ["table"], [value]), at: 0)
    }
    if initializer > 0 { body.initializers = [TensorMessage("table", try HandModel.array([initializer]))] }
    body.inputs = [
      HandModel.value("step", [], .i32), HandModel.value("given", [], .bool), HandModel.value("h", ["100"]),
    ]
    body.outputs = ["go", "next"].map { HandModel.value($0, []) }
    var attribute = AttributeMessage()
    (attribute.name, attribute.graph, attribute.type) = ("body", body, 5)
    return HandModel.model(
      [HandModel.node("Loop", ["trips", "", "x"], ["y"], [attribute])],
      inputs: [HandModel.value("x", ["100"])], outputs: ["y"],
      initializers: [
        TensorMessage("trips", integers: [trips], shape: []), TensorMessage("one", integers: [1], shape: []),
        TensorMessage("axes", integers: [0]), TensorMessage("starts", integers: [0]),
        TensorMessage("ones", NDArray([Float(1)])),
      ])
  }

  /// A thousand steps written out hold an initialiser of the body once; what a node holds is counted for each.
  @Test func loopsWrittenOutHoldWhatTheirBodyHoldsOnce() throws {
    let nodes = [
      HandModel.node("Add", ["step", "one"], ["end"]),
      HandModel.node("Unsqueeze", ["end", "axes"], ["ends"]),
      HandModel.node("Slice", ["table", "starts", "ends"], ["part"]),
      HandModel.node("ReduceSum", ["part"], ["sum"], [HandModel.attribute("keepdims", 0)]),
      HandModel.node("Add", ["h", "sum"], ["next"]),
    ]
    let model = try HandModel.read(Self.loop(20, initializer: 100, nodes: nodes))
    let held = model.graph.definition.nodes.count { node in
      if case .holds(let array) = node.op.effect { return array.elementCount == 100 }
      return false
    }
    #expect(held == 1)
    let limit = 40 * 100 * MemoryLayout<Double>.stride
    #expect(try Self.fault(Self.loop(20, initializer: 100, nodes: nodes), byteCount: limit / 2) == nil)
    #expect(try Self.fault(Self.loop(20, constant: 100, nodes: nodes), byteCount: limit) == nil)
    let error = try #require(try Self.fault(Self.loop(90, constant: 100, nodes: nodes), byteCount: limit))
    #expect(error.description.contains("more memory than any model needs"))
  }

  /// The shape of what the step is added to is that of any step.
  @Test func loopsWhoseIndexIsOnlyCountedStayLoops() throws {
    let bytes = try Self.loop(
      5,
      nodes: [
        HandModel.node("Cast", ["step"], ["f"], [HandModel.attribute("to", 1)]),
        HandModel.node("Add", ["h", "f"], ["sum"]), HandModel.node("Shape", ["sum"], ["s"]),
        HandModel.node("Expand", ["ones", "s"], ["e"]), HandModel.node("Add", ["sum", "e"], ["next"]),
      ])
    let model = try HandModel.read(bytes)
    #expect(model.graph.definition.nodes.contains { $0.mnemonic == "scan" })
    let session = try Session(model.graph)
    let results = try session.run(
      session.compile(fetching: model.outputs.map(\.tensor)),
      feeding: [model.inputs[0].tensor: NDArray([Float](repeating: 0, count: 100))])
    // 0 to 4, and five ones.
    #expect(try results[model.outputs[0].tensor].floats == [Float](repeating: 15, count: 100))
  }

  @Test func scansOfOpset8HaveSequences() throws {
    var attribute = AttributeMessage()
    (attribute.name, attribute.graph, attribute.type) = ("body", GraphMessage(), 5)
    let bytes = HandModel.model(
      [HandModel.node("Scan", [""], ["y"], [attribute, HandModel.attribute("num_scan_inputs", 1)])],
      inputs: [], outputs: ["y"], version: 8)
    #expect(try #require(HandModel.error(bytes)).description.contains("its body does not fit it"))
  }

  /// Before opset 9 a batch of sequences is looped over one by one, behind their lengths.
  @Test(arguments: [0, 1]) func scansOfOpset8HaveABatch(_ direction: Int) throws {
    var body = GraphMessage()
    body.nodes = [
      HandModel.node("Add", ["h", "s"], ["next"]), HandModel.node("Identity", ["next"], ["out"]),
    ]
    body.inputs = [HandModel.value("h", ["2"]), HandModel.value("s", ["2"])]
    body.outputs = [HandModel.value("next", ["2"]), HandModel.value("out", ["2"])]
    var attribute = AttributeMessage()
    (attribute.name, attribute.graph, attribute.type) = ("body", body, 5)
    func bytes(_ lengths: String, _ batch: String = "2") -> [UInt8] {
      HandModel.model(
        [
          HandModel.node(
            "Scan", [lengths, "a", "x"], ["y", "z"],
            [
              attribute, HandModel.attribute("num_scan_inputs", 1),
              HandModel.attribute("directions", [direction]),
            ])
        ],
        inputs: [HandModel.value("a", [batch, "2"]), HandModel.value("x", [batch, "3", "2"])],
        outputs: ["y", "z"], initializers: [TensorMessage("lengths", integers: [3, 2])], version: 8)
    }
    let model = try HandModel.read(bytes(""))
    let session = try Session(model.graph)
    let results = try session.run(
      session.compile(fetching: model.outputs.map(\.tensor)),
      feeding: [
        "a": NDArray([Float(0), 0, 100, 100], shape: [2, 2]),
        "x": NDArray((1...12).map { Float($0) }, shape: [2, 3, 2]),
      ])
    #expect(try results[model.outputs[0].tensor].floats == [9, 12, 127, 130])
    let first: [Float] = direction == 0 ? [1, 2, 4, 6, 9, 12] : [5, 6, 8, 10, 9, 12]
    #expect(try Array(results[model.outputs[1].tensor].floats.prefix(6)) == first)
    #expect(try #require(HandModel.error(bytes("lengths"))).description.contains("with lengths"))
    #expect(try #require(HandModel.error(bytes("", "batch"))).description.contains("sequences"))
  }

  @Test(.timeLimit(.minutes(1))) func loopsThatEndByThemselvesAreRefused() throws {
    let bodies = [
      (Self.loop([Self.constant(false, "go")]), "its condition ends"),
      (Self.loop([HandModel.node("Identity", ["no"], ["go"])]), "its condition ends"),
      (Self.loop([HandModel.node("Identity", ["step"], ["go"])]), "is computed"),
      (Self.loop([HandModel.node("Not", ["given"], ["go"])]), "is computed"),
      // A circle.
      (
        Self.loop([HandModel.node("Identity", ["a"], ["go"]), HandModel.node("Identity", ["go"], ["a"])]),
        "is computed"
      ),
    ]
    for (bytes, words) in bodies {
      let error = try #require(HandModel.error(bytes))
      #expect(error.description.contains(words), "\(error)")
    }
  }

  /// What a node has beside a body of one input for each of its own.
  @Test func bodiesFitTheirNodes() throws {
    func model(
      _ op: String, _ inputs: [String], body count: Int, _ attributes: [AttributeMessage] = []
    ) -> [UInt8] {
      var body = GraphMessage()
      body.inputs = (0..<count).map { HandModel.value("i\($0)", []) }
      body.nodes = [HandModel.node("Identity", ["yes"], ["go"]), HandModel.node("Identity", ["x"], ["next"])]
      body.outputs = ["go", "next"].map { HandModel.value($0, []) }
      var attribute = AttributeMessage()
      (attribute.name, attribute.graph, attribute.type) = ("body", body, 5)
      return HandModel.model(
        [HandModel.node(op, inputs, ["y"], [attribute] + attributes)], inputs: [HandModel.value("x", ["2"])],
        outputs: ["y"],
        initializers: [
          TensorMessage("trips", integers: [3], shape: []), TensorMessage("yes", NDArray(scalar: true)),
          TensorMessage("no", NDArray(scalar: false)),
        ])
    }
    let one = HandModel.attribute("num_scan_inputs", 1)
    let rows: [([UInt8], String)] = [
      (model("Loop", ["trips", "", "x"], body: 2), "its body does not fit it"),
      (model("Loop", ["trips", "", "x"], body: 4), "its body does not fit it"),
      (model("Loop", ["trips"], body: 1), "its body does not fit it"),
      (model("Loop", ["trips", "no", "x"], body: 3), "a loop that never runs"),
      (model("Scan", ["x"], body: 2, [one]), "its body does not fit it"),
      (
        model("Scan", ["x"], body: 1, [HandModel.attribute("num_scan_inputs", 2)]), "its body does not fit it"
      ),
      (
        model("Scan", ["x"], body: 1, [one, HandModel.attribute("scan_input_axes", [0, 0])]),
        "its axes or directions are not 1"
      ),
      (
        model("Scan", ["x"], body: 1, [one, HandModel.attribute("scan_input_directions", [0, 1])]),
        "its axes or directions are not 1"
      ),
    ]
    for (number, (bytes, words)) in rows.enumerated() {
      let error = HandModel.error(bytes)
      #expect(error?.description.contains(words) == true, "\(number): \(String(describing: error))")
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
    func load(_ location: String, offset: Int = 4, count: Int = 8) throws(FirnError) -> ONNXModel {
      var tensor = TensorMessage()
      (tensor.name, tensor.dimensions, tensor.elementType) = ("w", [2], ElementType(.f32))
      tensor.place(in: location, offset: offset, count: count)
      let bytes = HandModel.model(
        [HandModel.node("Add", ["x", "w"], ["y"])], inputs: [HandModel.value("x", ["2"])], outputs: ["y"],
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
    for count in [7, 9] {
      #expect {
        try load("weights.bin", offset: 0, count: count)
      } throws: { error in
        "\(error)".contains("keeps \(count) bytes for `w`")
      }
    }
    #expect(throws: FirnError.self) { try load("missing.bin") }
  }
}
