import FirnCompiler
import FirnGraph
import FirnNotation
import FirnOps
import FirnRuntime
import FirnTraining
import Testing

@testable import FirnONNX

/// Weights that exporters merge, fold or count up are each module's own again, and what is no parameter does not learn.
@Suite struct WeightSeparationTests {
  /// A node of a module, as the newer exporter writes it.
  private static func node(
    _ op: String, _ inputs: [String], _ output: String, in module: String,
    _ attributes: [AttributeMessage] = []
  ) -> NodeMessage {
    var node = HandModel.node(op, inputs, [output], name: "node_\(output)", attributes)
    let parts = module.split(separator: ".")
    let scopes = [""] + parts.indices.map { parts[...$0].joined(separator: ".") } + [output]
    node.metadata = [
      EntryMessage("pkg.torch.onnx.name_scopes", "[" + scopes.map { "'\($0)'" }.joined(separator: ", ") + "]")
    ]
    return node
  }

  private static func filled(_ name: String, _ number: Float, _ shape: [Int]) throws -> TensorMessage {
    TensorMessage(name, try NDArray([Float](repeating: number, count: shape.reduce(1, *)), shape: shape))
  }

  private static func uniform(_ name: String, _ shape: [Int]) throws -> TensorMessage {
    TensorMessage(name, try Initializer.uniform(-1, 1).values(shape: shape, name: name))
  }

  /// - Parameters:
  ///   - parameters: what the module has by the exporter's word, and `buffers`.
  private static func model(
    _ nodes: [NodeMessage], _ initializers: [TensorMessage], parameters: [String]?, buffers: [String] = [],
    inputs: [ValueMessage] = [HandModel.value("x", ["batch", "4"])], producer: String = "pytorch"
  ) throws -> ONNXModel {
    let bytes = HandModel.model(
      nodes, inputs: inputs, outputs: [nodes[nodes.count - 1].outputs[0]], initializers: initializers
    ) { model in
      model.producer = producer
      guard let parameters else { return }
      let lines =
        parameters.map { "p_\($0): PARAMETER target='\($0)'" }
        + buffers.map { "b_\($0): BUFFER target='\($0)' persistent=True" }
      model.graph?.metadata = [
        EntryMessage(
          "pkg.torch.export.ExportedProgram.graph_signature",
          "\n# inputs\n" + lines.joined(separator: "\n") + "\nx: USER_INPUT\n")
      ]
    }
    return try HandModel.read(bytes)
  }

  private static func names(_ model: ONNXModel) -> [String] { model.graph.variables.map(\.name).sorted() }

  /// What a step moves of each variable.
  private static func moved(_ model: ONNXModel, freezing: Selection? = nil) throws -> Set<String> {
    let session = try Session(model.graph, threads: 1)
    session.onWarning = { _ in }
    let program = try session.compile(
      minimizing: square(model.outputs[0].tensor).mean(), with: SGD(learningRate: 0.1), freezing: freezing)
    let before = try model.graph.variables.map { try session.value(of: $0.name) }
    let x = try Initializer.uniform(-1, 1).values(shape: [5, 4], name: "x")
    try session.run(program, feeding: [model.inputs[0].tensor: x])
    var moved: Set<String> = []
    for (variable, old) in zip(model.graph.variables, before)
    where try !session.value(of: variable.name).isBitwiseEqual(to: old) {
      moved.insert(variable.name)
    }
    return moved
  }

  /// Two norms of which the exporter keeps one's weights: a freeze of one is not one of the other.
  private static func norms(tail: [NodeMessage] = []) throws -> ONNXModel {
    try model(
      [
        node("Gemm", ["x", "encoder.0.weight", "encoder.0.bias"], "a", in: "encoder.0"),
        node("LayerNormalization", ["a", "encoder.1.weight", "encoder.1.bias"], "b", in: "encoder.1"),
        node("Gemm", ["b", "decoder.0.weight", "encoder.0.bias"], "c", in: "decoder.0"),
        node("LayerNormalization", ["c", "encoder.1.weight", "encoder.1.bias"], "d", in: "decoder.1"),
      ] + tail + [node("Mul", [tail.last?.outputs[0] ?? "d", "scale"], "y", in: "")],
      [
        uniform("encoder.0.weight", [4, 4]), uniform("encoder.0.bias", [4]),
        filled("encoder.1.weight", 1, [4]),
        filled("encoder.1.bias", 0, [4]), uniform("decoder.0.weight", [4, 4]), filled("scale", 2, []),
      ],
      parameters: [
        "encoder.0.weight", "encoder.0.bias", "encoder.1.weight", "encoder.1.bias", "decoder.0.weight",
        "decoder.0.bias", "decoder.1.weight", "decoder.1.bias", "scale",
      ])
  }

  @Test func mergedWeightsAreEachModulesOwn() throws {
    let model = try Self.norms()
    #expect(
      Self.names(model) == [
        "decoder/0/bias", "decoder/0/kernel", "decoder/1/beta", "decoder/1/gamma", "encoder/0/bias",
        "encoder/0/kernel", "encoder/1/beta", "encoder/1/gamma", "scale",
      ])
    #expect(model.notes.count { $0.contains("were exported as one") } == 3, "\(model.notes)")
    let moved = try Self.moved(model, freezing: "encoder")
    #expect(moved == ["decoder/0/bias", "decoder/0/kernel", "decoder/1/beta", "decoder/1/gamma", "scale"])
  }

  /// The exporter merges after it has made initialisers of all constants: where there are some, what is shared is tied.
  @Test func whatAFileKeepsApartStaysShared() throws {
    var constant = HandModel.node("Constant", [], ["k"])
    var value = AttributeMessage()
    (value.name, value.tensor, value.type) = ("value", TensorMessage("", try HandModel.array([4])), 4)
    constant.attributes = [value]
    let model = try Self.norms(tail: [constant, Self.node("Add", ["d", "k"], "e", in: "")])
    #expect(!Self.names(model).contains("decoder/1/gamma"))
    #expect(!model.notes.contains { $0.contains("were exported as one") })
    #expect(model.notes.contains { $0.contains("`decoder.0.bias`, `decoder.1.weight`, `decoder.1.bias`") })
  }

  /// A table that is multiplied with as well is tied by the model, not merged by the exporter.
  @Test func tiedTablesStayTied() throws {
    let model = try Self.model(
      [
        Self.node("Gather", ["head.weight", "ids"], "rows", in: "embed"),
        Self.node("Gemm", ["rows", "head.weight"], "y", in: "head", [HandModel.attribute("transB", 1)]),
      ], [Self.uniform("head.weight", [6, 4])], parameters: ["embed.weight", "head.weight"],
      inputs: [HandModel.value("ids", ["batch"], .i32)])
    #expect(Self.names(model).count == 1)
    #expect(model.notes.contains { $0.contains("`embed.weight`") && $0.contains("tied") }, "\(model.notes)")
  }

  @Test func buffersAndConstantsDoNotLearn() throws {
    let model = try Self.model(
      [
        Self.node("Sub", ["x", "mean"], "a", in: ""), Self.node("Add", ["a", "unsqueeze_1"], "b", in: ""),
        Self.node("MatMul", ["b", "val_0"], "c", in: "q"), Self.node("Add", ["c", "q.bias"], "d", in: "q"),
        Self.node("PRelu", ["d", "val_1"], "y", in: "act"),
      ],
      [
        Self.uniform("mean", [4]), Self.uniform("unsqueeze_1", [1, 4]), Self.uniform("val_0", [4, 3]),
        Self.uniform("q.bias", [3]), Self.filled("val_1", 0.25, [1, 1]),
      ], parameters: ["q.weight", "q.bias", "act.weight"], buffers: ["mean"])
    #expect(Self.names(model) == ["act/slope", "mean", "q/bias", "q/kernel"])
    #expect(model.graph.variables.first { $0.name == "mean" }?.kind == .state)
    #expect(try Self.moved(model) == ["act/slope", "q/bias", "q/kernel"])
  }

  /// Infinities leave elements out; the older exporter does not say what they are.
  @Test func masksDoNotLearn() throws {
    let mask = TensorMessage("mask", try NDArray([0, -Float.infinity, 0, 0], shape: [4]))
    let model = try Self.model(
      [
        HandModel.node("Add", ["x", "mask"], ["a"]), HandModel.node("Softmax", ["a"], ["s"]),
        HandModel.node("Mul", ["s", "scale"], ["y"]),
      ],
      [mask, Self.filled("scale", 1, [])], parameters: nil)
    #expect(Self.names(model) == ["scale"])
    #expect(model.notes.contains { $0.contains("`mask` holds infinities") })
  }

  /// The older exporter writes `Identity` for equal initialisers, also where it has counted them up.
  @Test func identitiesOfNumberedWeightsAreUndone() throws {
    let model = try Self.model(
      [
        HandModel.node("Identity", ["onnx::Mul_7"], ["onnx::Mul_9"]),
        HandModel.node("Mul", ["x", "onnx::Mul_7"], ["a"], name: "/encoder/norm/Mul"),
        HandModel.node("Mul", ["a", "onnx::Mul_9"], ["y"], name: "/decoder/norm/Mul"),
      ], [Self.filled("onnx::Mul_7", 1, [4])], parameters: nil)
    #expect(Self.names(model) == ["decoder/norm/weight", "encoder/norm/weight"])
    #expect(try Self.moved(model, freezing: "encoder") == ["decoder/norm/weight"])
  }

  /// Numbers with a name of the module's are its parameters; those that an exporter has counted up are not.
  @Test func namedNumbersLearn() throws {
    for (producer, names) in [("pytorch", ["logit_scale"]), ("keras", [])] {
      let model = try Self.model(
        [
          HandModel.node("Mul", ["x", "logit_scale"], ["a"]),
          HandModel.node("Mul", ["a", "onnx::Mul_3"], ["y"]),
        ], [Self.filled("logit_scale", 2, []), Self.filled("onnx::Mul_3", 3, [])], parameters: nil,
        producer: producer)
      #expect(Self.names(model) == names)
    }
  }

  /// Batch norms that were folded are known by what the module has and the file has not.
  @Test func foldedNormsAreNamed() throws {
    let model = try Self.model(
      [Self.node("Gemm", ["x", "fc.weight", "fc.bias"], "y", in: "fc")],
      [Self.uniform("fc.weight", [4, 4]), Self.uniform("fc.bias", [4])],
      parameters: ["fc.weight", "fc.bias", "bn.weight", "bn.bias", "lost"],
      buffers: ["bn.running_mean", "bn.running_var"])
    #expect(model.notes.contains { $0.hasPrefix("`bn`: batch norms are folded") }, "\(model.notes)")
    #expect(model.notes.contains { $0.hasPrefix("`lost`: the module has these") }, "\(model.notes)")
  }

  /// A batch that keeps its extent needs none that is known.
  @Test(arguments: [false, true]) func resizingLeavesNamedAxes(_ isComputed: Bool) throws {
    let slice: [NodeMessage] = [
      HandModel.node("Shape", ["x"], ["shape"]),
      HandModel.node("Slice", ["shape", "zero", "two"], ["kept"]),
      HandModel.node("Concat", ["kept", "spatial"], ["sizes"], [HandModel.attribute("axis", 0)]),
    ]
    let bytes = HandModel.model(
      slice + [HandModel.node("Resize", ["x", "", "", "sizes"], ["y"])],
      inputs: [HandModel.value("x", ["batch", "2", "4", isComputed ? "4" : "5"])], outputs: ["y"],
      initializers: [
        TensorMessage("zero", integers: [0]), TensorMessage("two", integers: [2]),
        TensorMessage("spatial", integers: [8, 10]),
      ])
    let model = try HandModel.read(bytes)
    #expect(model.outputs[0].tensor.shape.description == "[batch,2,8,10]")
  }

  /// A copy of a module has its own weights where the first has its; what one reads of a module within it is not another's.
  @Test func copiesOfModulesAreToldApart() throws {
    func layer(_ name: String, _ x: String, _ y: String) -> [NodeMessage] {
      [
        Self.node("MatMul", [x, "val_2"], "\(name)p", in: "layers.\(name).attn"),
        Self.node("Add", ["\(name)p", "layers.0.attn.in_proj_bias"], "\(name)q", in: "layers.\(name).attn"),
        Self.node(
          "Gemm", ["\(name)q", "layers.0.attn.out_proj.weight", "layers.0.norm.bias"], "\(name)r",
          in: "layers.\(name).attn"),
        Self.node(
          "LayerNormalization", ["\(name)r", "layers.0.norm.weight", "layers.0.norm.bias"], y,
          in: "layers.\(name).norm"),
      ]
    }
    let own = [
      "attn.in_proj_weight", "attn.in_proj_bias", "attn.out_proj.weight", "attn.out_proj.bias", "norm.weight",
      "norm.bias",
    ]
    let model = try Self.model(
      layer("0", "x", "h") + layer("1", "h", "y"),
      [
        Self.uniform("val_2", [4, 4]), Self.uniform("layers.0.attn.in_proj_bias", [4]),
        Self.uniform("layers.0.attn.out_proj.weight", [4, 4]), Self.filled("layers.0.norm.weight", 1, [4]),
        Self.filled("layers.0.norm.bias", 0, [4]),
      ], parameters: ["0", "1"].flatMap { number in own.map { "layers.\(number).\($0)" } })
    let kinds = [
      "attn/in_proj_bias", "attn/in_proj_weight", "attn/out_proj/bias", "attn/out_proj/kernel", "norm/beta",
      "norm/gamma",
    ]
    #expect(Self.names(model) == ["0", "1"].flatMap { number in kinds.map { "layers/\(number)/\($0)" } })
    #expect(
      try Self.moved(model, freezing: "layers/0") == Set(kinds.map { "layers/1/\($0)" }), "\(model.notes)")
  }

  /// What was folded takes the place of a batch norm among the modules; it is the convolution's.
  @Test func foldedConvolutionsKeepTheirNames() throws {
    let model = try Self.model(
      [Self.node("Conv", ["x", "c.weight", "c.weight_bias"], "y", in: "bn")],
      [Self.uniform("c.weight", [2, 3, 3, 3]), Self.uniform("c.weight_bias", [2])],
      parameters: ["c.weight", "bn.weight", "bn.bias"], buffers: ["bn.running_mean", "bn.running_var"],
      inputs: [HandModel.value("x", ["batch", "3", "8", "8"])])
    #expect(Self.names(model) == ["c/bias", "c/kernel"], "\(model.notes)")
  }

  /// What a module has by its own name stays its, whatever else it lacks, and copies are told apart whatever weights are called.
  @Test func ownParametersKeepTheirNames() throws {
    let model = try Self.model(
      [
        Self.node("Gemm", ["x", "fc.weight", "fc.bias"], "a", in: "fc"),
        Self.node("Add", ["a", "shift"], "b", in: ""),
        Self.node("Mul", ["b", "blocks.0.gamma"], "c", in: "blocks.0"),
        Self.node("Mul", ["c", "blocks.0.gamma"], "y", in: "blocks.1"),
      ],
      [
        Self.uniform("fc.weight", [4, 4]), Self.uniform("fc.bias", [4]), Self.uniform("shift", [4]),
        Self.filled("blocks.0.gamma", 0.5, [4]),
      ],
      parameters: [
        "fc.weight", "fc.bias", "aux.weight", "aux.bias", "shift", "blocks.0.gamma", "blocks.1.gamma",
      ])
    #expect(
      Self.names(model) == ["blocks/0/gamma", "blocks/1/gamma", "fc/bias", "fc/kernel", "shift"],
      "\(model.notes)")
    #expect(
      model.notes.contains { $0.hasPrefix("`aux.weight`, `aux.bias`: the module has these") },
      "\(model.notes)")
  }

  /// A parameter that holds an infinity is one where the file says so.
  @Test func listedParametersLearnWhateverTheyHold() throws {
    let logits = TensorMessage("logits", try NDArray([0, -Float.infinity, 1, 0], shape: [4]))
    let model = try Self.model(
      [Self.node("Add", ["x", "logits"], "a", in: ""), Self.node("Softmax", ["a"], "y", in: "")],
      [logits], parameters: ["logits"])
    #expect(Self.names(model) == ["logits"])
  }
}
