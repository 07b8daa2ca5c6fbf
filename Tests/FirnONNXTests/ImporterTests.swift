import FirnFiles
import FirnFormats
import FirnGraph
import FirnRuntime
import Foundation
import Testing

@testable import FirnONNX

/// How models become graphs: names, scopes, layouts, what is known, and what is wrong with a file.
@Suite struct ImporterTests {
  // MARK: Names and variables

  @Test func modulesAreScopesAndWeightsLieAsFirns() throws {
    let bytes = HandModel.model(
      [
        HandModel.node(
          "Conv", ["x", "layer1.0.conv.weight", "layer1.0.conv.bias"], ["y"],
          name: "/layer1/layer1.0/conv/Conv",
          [HandModel.attribute("pads", [1, 1, 1, 1])]),
        HandModel.node("Flatten", ["y"], ["flat"]),
        HandModel.node(
          "Gemm", ["flat", "fc.weight", "onnx::Gemm_7"], ["z"], name: "/fc/Gemm",
          [HandModel.attribute("transB", 1)]),
      ],
      inputs: [HandModel.value("x", ["batch", "2", "5", "4"])], outputs: ["z"],
      initializers: [
        TensorMessage("layer1.0.conv.weight", try HandModel.array([3, 2, 3, 3])),
        TensorMessage("layer1.0.conv.bias", try HandModel.array([3])),
        TensorMessage("fc.weight", try HandModel.array([2, 60])),
        TensorMessage("onnx::Gemm_7", try HandModel.array([2])),
      ])
    let model = try HandModel.read(bytes)
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
    #expect(try kernel.isBitwiseEqual(to: HandModel.array([3, 2, 3, 3]).transposed([2, 3, 1, 0])))
  }

  @Test func onlyTwoTransposesAroundAnImage() throws {
    var nodes = [HandModel.node("Conv", ["x", "a"], ["y0"])]
    nodes += (0..<3).flatMap { number in
      [
        HandModel.node("Relu", ["y\(number)"], ["r\(number)"]),
        HandModel.node(
          "Conv", ["r\(number)", "b"], ["c\(number)"], [HandModel.attribute("pads", [1, 1, 1, 1])]),
        HandModel.node("Add", ["c\(number)", "r\(number)"], ["y\(number + 1)"]),
      ]
    }
    nodes += [
      HandModel.node("MaxPool", ["y3"], ["p"], [HandModel.attribute("kernel_shape", [2, 2])]),
      HandModel.node("Flatten", ["p"], ["z"]),
    ]
    let bytes = HandModel.model(
      nodes, inputs: [HandModel.value("x", ["batch", "2", "6", "6"])], outputs: ["z"],
      initializers: [
        TensorMessage("a", try HandModel.array([3, 2, 3, 3])),
        TensorMessage("b", try HandModel.array([3, 3, 3, 3])),
      ])
    let nodesRead = try HandModel.read(bytes).graph.definition.nodes
    #expect(nodesRead.count { $0.mnemonic == "transpose" } == 2)
  }

  @Test func metadataFreezesAndNumbersAreNoVariables() throws {
    var frozen = TensorMessage("w", try HandModel.array([2, 2]))
    var entry = EntryMessage()
    (entry.key, entry.value) = ("firn.trainable", "false")
    frozen.metadata = [entry]
    let bytes = HandModel.model(
      [HandModel.node("MatMul", ["x", "w"], ["h"]), HandModel.node("Mul", ["h", "scale"], ["y"])],
      inputs: [HandModel.value("x", ["2", "2"])], outputs: ["y"],
      initializers: [frozen, TensorMessage("scale", NDArray(scalar: Float(0.5)))])
    let variables = try HandModel.read(bytes).graph.variables
    #expect(variables.map(\.name) == ["w"] && !variables[0].isTrainable)
  }

  /// A node of Firn's that happens to be called as an output gives way.
  @Test func outputsHaveTheirNames() throws {
    let bytes = HandModel.model(
      [
        HandModel.node("Add", ["x", "x"], ["h"]), HandModel.node("Transpose", ["h"], ["add"]),
        HandModel.node("Relu", ["h"], ["relu_1"]),
      ],
      inputs: [HandModel.value("x", ["2", "3"])], outputs: ["add", "relu_1"])
    let model = try HandModel.read(bytes)
    #expect(model.outputs.map(\.tensor.name) == ["add", "relu_1"])
    #expect(model.graph.tensor(named: "add")?.shape == [3, 2])
    let session = try Session(model.graph, threads: 1)
    let feed = try NDArray((0..<6).map { Float($0) }, shape: [2, 3])
    let results = try session.run(
      session.compile(fetching: ["add", "relu_1"]), feeding: [model.inputs[0].tensor: feed])
    #expect(try results["add"].doubles == [0, 6, 2, 8, 4, 10])
    #expect(try results["relu_1"].doubles == [0, 2, 4, 6, 8, 10])
  }

  /// What an exporter has made two of, one lying the other way, is named.
  @Test func tablesWhoseHeadWasTiedAreNamed() throws {
    let values = (0..<6).map { Float($0) + 1 }
    for isTied in [true, false] {
      let other: [Float] = [1, 3, 5, 2, 4, isTied ? 6 : 7]
      let bytes = HandModel.model(
        [
          HandModel.node("Gather", ["tok.weight", "x"], ["h"]),
          HandModel.node("MatMul", ["h", "lm.weight"], ["y"]),
        ],
        inputs: [HandModel.value("x", ["4"], .i32)], outputs: ["y"],
        initializers: [
          TensorMessage("tok.weight", try NDArray(values, shape: [3, 2])),
          TensorMessage("lm.weight", try NDArray(other, shape: [2, 3])),
        ])
      let notes = try HandModel.read(bytes).notes
      #expect(notes.count == (isTied ? 1 : 0), "\(notes)")
      #expect(!isTied || notes[0].hasPrefix("`lm/kernel` holds the values of `tok/table`"), "\(notes)")
    }
  }

  /// What looks like a group norm that an exporter has taken apart, and in one place is none, stays as it stands.
  ///
  /// `shape` is none: it gives the same with other spatial axes.
  @Test(arguments: ["", "gain", "sizes", "shape", "named", "weights"])
  func groupNormsArePutTogether(_ fault: String) throws {
    let ones = fault == "named" ? "ones" : "val_1"
    var nodes = [
      HandModel.node("Shape", ["x"], ["s"], [HandModel.attribute("start", 0)]),
      HandModel.node("Reshape", ["x", "sizes"], ["r"]),
      HandModel.node("InstanceNormalization", ["r", ones, "val_2"], ["n"]),
      HandModel.node("Reshape", ["n", fault == "shape" ? "fixed" : "s"], ["m"]),
      HandModel.node("Mul", ["m", "val_3"], ["p"], name: "/g/Mul"),
      HandModel.node("Add", ["p", "val_4"], ["y"], name: "/g/Add"),
    ]
    if fault == "gain" { nodes.append(HandModel.node("Relu", ["val_3"], ["z"])) }
    let bytes = HandModel.model(
      nodes, inputs: [HandModel.value("x", ["2", "4", "3", "2"])],
      outputs: fault == "gain" ? ["y", "z"] : ["y"],
      initializers: [
        TensorMessage("sizes", integers: fault == "sizes" ? [0, 4, 2, 3] : [0, 2, -1]),
        TensorMessage("fixed", integers: [2, 4, 2, 3]),
        TensorMessage(
          ones, NDArray([Float](repeating: fault == "weights" ? 2 : 1, count: fault == "sizes" ? 4 : 2))),
        TensorMessage("val_2", NDArray([Float](repeating: 0, count: fault == "sizes" ? 4 : 2))),
        TensorMessage("val_3", try NDArray([Float(1), 2, 3, 4], shape: [4, 1, 1])),
        TensorMessage("val_4", try NDArray([Float(0), 1, 2, 3], shape: [4, 1, 1])),
      ])
    let model = try HandModel.read(bytes)
    let names = model.graph.variables.map { "\($0.name) \($0.type.shape)" }
    #expect((names == ["g/gamma [4]", "g/beta [4]"]) == ["", "shape"].contains(fault), "\(names)")
    if fault == "shape" { #expect(model.outputs[0].tensor.shape == [2, 4, 2, 3]) }
    let session = try Session(model.graph, threads: 1)
    let feed = try HandModel.array([2, 4, 3, 2])
    let result = try session.run(
      session.compile(fetching: [model.outputs[0].tensor]), feeding: [model.inputs[0].tensor: feed])
    let values = try result[model.outputs[0].tensor].doubles
    // Of one channel's pixels by the statistics of its group: x is 0, 0.1, ..., a group's twelve of variance 143/1200.
    let own = { (place: Int) in (Double(place) - 5.5) * 0.1 / (143.0 / 1200 + 1e-5).squareRoot() }
    guard fault != "sizes" else { return }
    let scale = fault == "weights" ? 2.0 : 1
    for (place, channel) in [(0, 0), (7, 1), (11, 1)] {
      #expect(abs(values[place] - (own(place) * scale * Double(channel + 1) + Double(channel))) < 1e-4)
    }
  }

  /// A norm as an exporter takes a group norm apart: of x by these sizes, back to a shape or to that of x.
  private static func norm(
    _ x: [Int], sizes: [Int], rows: Int, back: [Int]? = nil, weights: [Int] = [4, 1, 1], domain: String = ""
  ) throws -> [UInt8] {
    var first = HandModel.node("Reshape", ["x", "sizes"], ["r"])
    first.domain = domain
    let count = weights.reduce(1, *)
    var initializers = [
      TensorMessage("sizes", integers: sizes),
      TensorMessage("val_1", NDArray([Float](repeating: 1, count: rows))),
      TensorMessage("val_2", NDArray([Float](repeating: 0, count: rows))),
      TensorMessage("val_3", try NDArray([Float](repeating: 1, count: count), shape: weights)),
      TensorMessage("val_4", try NDArray([Float](repeating: 0, count: count), shape: weights)),
    ]
    if let back { initializers.append(TensorMessage("back", integers: back)) }
    return HandModel.model(
      [
        HandModel.node("Shape", ["x"], ["s"]), first,
        HandModel.node("InstanceNormalization", ["r", "val_1", "val_2"], ["n"]),
        HandModel.node("Reshape", ["n", back == nil ? "s" : "back"], ["m"]),
        HandModel.node("Mul", ["m", "val_3"], ["p"], name: "/g/Mul"),
        HandModel.node("Add", ["p", "val_4"], ["y"], name: "/g/Add"),
      ], inputs: [HandModel.value("x", x.map { "\($0)" })], outputs: ["y"], initializers: initializers)
  }

  /// Sizes that mix samples, or take a part of a group for one, are other norms: the numbers are those of their rows.
  @Test(arguments: [([-1, 2, 6], 2, 6), ([1, 4, -1], 4, 12), ([0, 2, -1], 2, 12)])
  func normsOfOtherSizesAreNoGroupNorms(_ sizes: [Int], _ rows: Int, _ length: Int) throws {
    let model = try HandModel.read(Self.norm([2, 4, 3, 2], sizes: sizes, rows: rows))
    let session = try Session(model.graph, threads: 1)
    let result = try session.run(
      session.compile(fetching: [model.outputs[0].tensor]),
      feeding: [model.inputs[0].tensor: HandModel.array([2, 4, 3, 2])])
    let variance = Double(length * length - 1) / 1200
    for (place, value) in try result[model.outputs[0].tensor].doubles.enumerated() {
      let centred = (Double(place % length) - Double(length - 1) / 2) * 0.1
      #expect(abs(value - centred / (variance + 1e-5).squareRoot()) < 1e-4, "\(place)")
    }
  }

  @Test func groupNormsWhoseWeightsFitNothingAreRefused() throws {
    func words(_ bytes: [UInt8]) throws -> String { try #require(HandModel.error(bytes)).description }
    // Weights along another axis, of too few channels, and another batch.
    #expect(
      try words(Self.norm([2, 4, 4, 3], sizes: [0, 2, -1], rows: 2, weights: [4, 1])).contains(
        "with weights of"))
    #expect(try words(Self.norm([2, 8, 4, 3], sizes: [0, 2, -1], rows: 2)).contains("with weights of"))
    #expect(
      try words(Self.norm([2, 4, 3, 2], sizes: [0, 2, -1], rows: 2, back: [4, 4, 3, 1])).contains(
        "that gives"))
    #expect(
      try words(Self.norm([2, 4, 3, 2], sizes: [0, 2, -1], rows: 2, domain: "own")).contains("`own`"))
  }

  @Test func equalInitialisersSharedThroughIdentityAreTwoAgain() throws {
    let bytes = HandModel.model(
      [
        HandModel.node("Identity", ["a.weight"], ["b.weight"]),
        HandModel.node("Mul", ["x", "a.weight"], ["h"]),
        HandModel.node("Mul", ["h", "b.weight"], ["y"]),
      ],
      inputs: [HandModel.value("x", ["2"])], outputs: ["y"],
      initializers: [TensorMessage("a.weight", try HandModel.array([2]))])
    let model = try HandModel.read(bytes)
    #expect(model.graph.variables.map(\.name) == ["a/gamma", "b/gamma"])
    #expect(model.notes.count == 1 && model.notes[0].contains("`b.weight`"))
  }

  // MARK: What is known

  @Test func shapesOfNamedDimensionsFold() throws {
    let one = TensorMessage("one", integers: [1], shape: [])
    let bytes = HandModel.model(
      [
        HandModel.node("Shape", ["x"], ["s"]), HandModel.node("Gather", ["s", "zero"], ["n"]),
        HandModel.node("Gather", ["s", "one"], ["t"]), HandModel.node("Mul", ["n", "t"], ["nt"]),
        HandModel.node("Unsqueeze", ["nt", "axes"], ["v"]),
        HandModel.node("Concat", ["v", "four"], ["shape"], [HandModel.attribute("axis", 0)]),
        HandModel.node("Reshape", ["x", "shape"], ["y"]),
      ],
      inputs: [HandModel.value("x", ["batch", "time", "4"])], outputs: ["y"],
      initializers: [
        one, TensorMessage("zero", integers: [0], shape: []), TensorMessage("axes", integers: [0]),
        TensorMessage("four", integers: [4]),
      ])
    let model = try HandModel.read(bytes)
    #expect(model.outputs[0].tensor.shape == ["batch*time", 4])
    // Nothing of the arithmetic is left in the graph.
    #expect(model.graph.definition.nodes.map(\.mnemonic) == ["placeholder", "reshape", "identity"])
  }

  @Test func inputsThatDecideShapesAreBound() throws {
    let bytes = HandModel.model(
      [HandModel.node("Reshape", ["x", "shape"], ["y"])],
      inputs: [HandModel.value("x", ["6"]), HandModel.value("shape", ["2"], .i32)], outputs: ["y"])
    let error = try #require(HandModel.error(bytes))
    #expect(error.code == .missingFeed && error.place == "shape" && error.message.contains("`shape`"))
    let model = try HandModel.read(bytes, binding: ["shape": NDArray([Int32(2), 3])])
    #expect(model.outputs[0].tensor.shape == [2, 3] && model.inputs.map(\.name) == ["x"])
    #expect(throws: FirnError.self) {
      try HandModel.read(bytes, binding: ["shapes": NDArray([Int32(2), 3])])
    }
  }

  // MARK: Faults

  @Test func allThatIsNotSupportedIsListedAtOnce() throws {
    let bytes = HandModel.model(
      [
        HandModel.node("Unique", ["x"], ["a"], name: "first"), HandModel.node("Relu", ["a"], ["b"]),
        HandModel.node("Nonsense", ["x"], ["c"], name: "second"),
      ],
      inputs: [HandModel.value("x", ["2"])], outputs: ["b", "c"])
    let error = try #require(HandModel.error(bytes))
    #expect(error.causes.count == 2)
    #expect(error.causes[0].message == "Unique `first`: Unique of opset 20 has no counterpart in Firn")
    #expect(error.causes.allSatisfy { $0.remedy != nil })
  }

  private static let faults: [(String, [UInt8])] = {
    let x = HandModel.value("x", ["2"])
    let relu = HandModel.node("Relu", ["x"], ["y"])
    func tensor(_ name: String, _ change: (inout TensorMessage) -> Void) -> TensorMessage {
      var message = TensorMessage(name, NDArray([Float(1), 2]))
      change(&message)
      return message
    }
    func with(_ initializer: TensorMessage) -> [UInt8] {
      HandModel.model(
        [HandModel.node("Add", ["x", initializer.name], ["y"])], inputs: [x], outputs: ["y"],
        initializers: [initializer])
    }
    return [
      (
        "made by nothing",
        HandModel.model([HandModel.node("Relu", ["ghost"], ["y"])], inputs: [x], outputs: ["y"])
      ),
      (
        "made by nothing",
        HandModel.model(
          [HandModel.node("Relu", ["b"], ["a"]), HandModel.node("Relu", ["a"], ["b"])], inputs: [x],
          outputs: ["b"])
      ),
      ("made twice", HandModel.model([relu, relu], inputs: [x], outputs: ["y"])),
      ("two inputs", HandModel.model([relu], inputs: [x, x], outputs: ["y"])),
      ("nothing makes", HandModel.model([relu], inputs: [x], outputs: ["z"])),
      ("impossible shape", with(tensor("w") { $0.dimensions = [1 << 62, 4] })),
      ("impossible shape", with(tensor("w") { $0.dimensions = [-1] })),
      ("bytes", with(tensor("w") { $0.dimensions = [3] })),
      ("takes", with(tensor("w") { $0.dimensions = [1 << 40] })),
      ("type 99", with(tensor("w") { $0.elementType = ElementType(99) })),
      (
        "twice",
        HandModel.model(
          [relu], inputs: [x], outputs: ["y"], initializers: [tensor("w") { _ in }, tensor("w") { _ in }])
      ),
      ("IR version", HandModel.model([relu], inputs: [x], outputs: ["y"]) { $0.irVersion = 2 }),
      ("which operators", HandModel.model([relu], inputs: [x], outputs: ["y"]) { $0.operatorSets = [] }),
      (
        "the function `F` twice",
        HandModel.model([relu], inputs: [x], outputs: ["y"]) { model in
          var function = FunctionMessage()
          (function.name, function.domain) = ("F", "own")
          model.functions = [function, function]
        }
      ),
      (
        "two versions",
        HandModel.model([relu], inputs: [x], outputs: ["y"]) {
          $0.operatorSets += [OperatorSetMessage(domain: "ai.onnx", version: 13)]
        }
      ),
      ("sparse initialisers", withSparseInitializer(relu, x)),
      (
        "`extra` is not supported",
        HandModel.model([HandModel.node("Relu", ["x"], ["y", "extra"])], inputs: [x], outputs: ["y"])
      ),
      ("has only tensors", HandModel.model([relu], inputs: [typed("x") { _ in nil }], outputs: ["y"])),
      (
        "it lacks its input 1",
        HandModel.model([HandModel.node("MatMul", ["x"], ["y"])], inputs: [x], outputs: ["y"])
      ),
      (
        "its shape is 2.5",
        HandModel.model(
          [HandModel.node("Reshape", ["x", "s"], ["y"])], inputs: [x], outputs: ["y"],
          initializers: [TensorMessage("s", NDArray([Float(2.5)]))])
      ),
      (
        "an extent that is cropped is \(1 << 40)",
        HandModel.model(
          [HandModel.node("CenterCropPad", ["x", "s"], ["y"])],
          inputs: [HandModel.value("x", ["\(1 << 40)"])],
          outputs: ["y"], initializers: [TensorMessage("s", integers: [4])])
      ),
      (
        "its input has 2 axes, not 3 or more",
        HandModel.model(
          [HandModel.node("InstanceNormalization", ["x", "w", "w"], ["y"])],
          inputs: [HandModel.value("x", ["2", "2"])], outputs: ["y"], initializers: [tensor("w") { _ in }])
      ),
      (
        "is not known before the model runs",
        HandModel.model(
          [
            HandModel.node("Cast", ["w"], ["s"], [HandModel.attribute("to", 7)]),
            HandModel.node("Reshape", ["x", "s"], ["y"]),
          ], inputs: [x], outputs: ["y"], initializers: [tensor("w") { _ in }])
      ),
      ("is no ONNX model", []),
      ("ends early", Array(HandModel.model([relu], inputs: [x], outputs: ["y"]).dropLast(5))),
    ]
  }()

  /// A value whose type is changed.
  private static func typed(_ name: String, _ change: (inout TypeMessage) -> TypeMessage?) -> ValueMessage {
    var value = HandModel.value(name, ["2"])
    value.type = value.type.flatMap { type in
      var type = type
      return change(&type)
    }
    return value
  }

  /// A model with an initialiser of a kind that is not written here.
  private static func withSparseInitializer(_ node: NodeMessage, _ input: ValueMessage) -> [UInt8] {
    var graph = GraphMessage()
    (graph.nodes, graph.inputs, graph.outputs) = ([node], [input], [HandModel.value("y", ["2"])])
    var (inner, writer) = (MessageWriter(), MessageWriter())
    graph.write(to: &inner)
    inner.bytes(15, [])
    writer.integer(1, 8)
    writer.bytes(7, inner.bytes)
    writer.message(8, OperatorSetMessage(domain: "", version: 20))
    return writer.bytes
  }

  @Test(arguments: faults.indices)
  func faultyModelsHaveAClearError(_ index: Int) throws {
    let (words, bytes) = Self.faults[index]
    let error = try #require(HandModel.error(bytes))
    #expect(error.description.contains(words), "\(error)")
    #expect(error.remedy != nil || error.causes.allSatisfy { $0.remedy != nil })
  }

  @Test func functionsThatCallThemselvesEnd() throws {
    var function = FunctionMessage()
    (function.name, function.domain, function.inputs, function.outputs) = ("F", "own", ["a"], ["b"])
    var call = HandModel.node("F", ["a"], ["b"])
    call.domain = "own"
    function.nodes = [call]
    var first = HandModel.node("F", ["x"], ["y"])
    first.domain = "own"
    let bytes = HandModel.model([first], inputs: [HandModel.value("x", ["2"])], outputs: ["y"]) {
      $0.functions = [function]
    }
    let error = try #require(HandModel.error(bytes))
    #expect(error.description.contains("without end"))
  }
}
