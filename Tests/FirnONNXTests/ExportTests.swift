import FirnFormats
import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
import FirnRuntime
import FirnTraining
import Foundation
import Testing

@testable import FirnONNX

/// Models that PyTorch exported, by both of its exporters: `Fixtures/exports.py` writes them.
@Suite struct ExportTests {
  static let folder =
    ProcessInfo.processInfo.environment["FIRN_ONNX_EXPORTS"]
    ?? NodeTests.fixtures.appendingPathComponent("exports").path

  static var names: [String] {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return files.filter { $0.hasSuffix(".onnx") }.map { String($0.dropLast(5)) }.sorted()
  }

  @Test func thereAreExports() { #expect(Self.names.count >= 7) }

  @Test(arguments: names)
  func outputsArePyTorchs(_ name: String) throws {
    let path = Self.folder + "/" + name
    let model = try ONNXModel(contentsOfFile: path + ".onnx")
    let values = try Weights(contentsOf: path + ".npz")
    let session = try Session(model.graph)
    let program = try session.compile(fetching: model.outputs.map(\.tensor))
    let feeds = try model.inputs.enumerated().map { index, input in
      (input.tensor.name, try #require(try values["input_\(index)"]?.array()))
    }
    let results = try session.run(program, feeding: Feeds(feeds))
    for (index, output) in model.outputs.enumerated() {
      let wanted = try #require(try values["output_\(index)"]?.array())
      let result = try results[output.tensor]
      #expect(result.shape == wanted.shape)
      let distance = zip(result.doubles, wanted.doubles).map { abs($0 - $1) }.max() ?? 0
      #expect(distance < 1e-5, "\(name): \(distance)")
    }
  }

  /// Models that are convolutions, pools and a head.
  private static let pictures = names.filter { name in
    ["resnet", "vgg", "mobilenet", "densenet"].contains { name.hasPrefix($0) }
  }

  /// One before the first convolution, one before what is flattened.
  @Test(arguments: pictures)
  func imagesAreTransposedTwice(_ name: String) throws {
    let model = try ONNXModel(contentsOfFile: Self.folder + "/" + name + ".onnx")
    let output = model.outputs[0].tensor
    let target = model.graph.placeholder("labels", shape: [output.shape[0]], dtype: .i32)
    let loss = sparseSoftmaxCrossEntropy(logits: output, labels: target).mean()
    let nodes = model.graph.definition.nodes
    #expect(nodes.count { $0.mnemonic == "transpose" } <= 2)
    // Nor does training need more than the adjoints of these.
    let session = try Session(model.graph)
    let program = try session.compile(
      minimizing: loss, with: SGD(learningRate: 0.1), freezing: "role(bias)")
    #expect(program.graph.nodes.count { $0.mnemonic == "transpose" && $0.types[0].shape.rank == 4 } <= 3)
  }

  @Test(arguments: names)
  func whatFirnWritesIsTheSameModel(_ name: String) throws {
    let path = Self.folder + "/" + name
    let model = try ONNXModel(contentsOfFile: path + ".onnx")
    let session = try Session(model.graph)
    let written = FileManager.default.temporaryDirectory.appendingPathComponent(
      "firn-\(UUID().uuidString).onnx"
    ).path
    defer { try? FileManager.default.removeItem(atPath: written) }
    try session.writeONNX(model.outputs.map(\.tensor), to: written)
    let again = try ONNXModel(contentsOfFile: written)
    func described(_ graph: Graph) -> [String] {
      graph.variables.map { "\($0.name) \($0.type) \($0.role) \($0.isTrainable)" }.sorted()
    }
    #expect(described(again.graph) == described(model.graph))
    #expect(again.inputs.map(\.tensor.type) == model.inputs.map(\.tensor.type))
    let input = try #require(try Weights(contentsOf: path + ".npz")["input_0"]?.array())
    func output(_ model: ONNXModel) throws -> [Double] {
      let session = try Session(model.graph)
      let program = try session.compile(fetching: [model.outputs[0].tensor])
      return try session.run(program, feeding: [model.inputs[0].tensor: input])[model.outputs[0].tensor]
        .doubles
    }
    let distance = zip(try output(model), try output(again)).map { abs($0 - $1) }.max() ?? 0
    #expect(distance < 1e-6)
  }

  @Test func whatOnnxHasNotIsListedAtOnce() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 3])
    let noise = graph.randomUniform([3], low: 0, high: 1)
    let session = try Session(graph)
    #expect {
      try session.writeONNX([x * noise], to: "/dev/null")
    } throws: { error in
      "\(error)".contains("the op `random_uniform` has no counterpart in ONNX")
    }
    #expect(throws: FirnError.self) { try session.writeONNX(["nothing"], to: "/dev/null") }
  }

  @Test func outputsAreTheSessionsAndEachIsNamedOnce() throws {
    let graph = Graph()
    let y = relu(graph.placeholder("x", shape: [2]))
    let other = Graph()
    let foreign = relu(other.placeholder("x", shape: [2]))
    let session = try Session(graph)
    #expect {
      try session.writeONNX([foreign], to: "/dev/null")
    } throws: { error in
      "\(error)".contains("belongs to another graph")
    }
    #expect {
      try session.writeONNX([y, y.name], to: "/dev/null")
    } throws: { error in
      (error as? FirnError)?.code == .duplicateName
    }
  }

  @Test func whatNoOneMakesIsNoOutput() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: [4, 3])
    _ = BatchNorm()(x)
    let session = try Session(graph)
    let written = try #require(graph.definition.nodes.first { $0.mnemonic == "assign" })
    #expect {
      try session.writeONNX([written.name], to: "/dev/null")
    } throws: { error in
      "\(error)".contains("what the op `assign` gives has no counterpart in ONNX")
    }
  }

  @Test func noModelIsLargerThanAMessageMayBe() throws {
    let graph = Graph()
    let weight = graph.variable("w", shape: [100])
    let y = relu(weight)
    let session = try Session(graph)
    let size = try session.model(of: [y], limit: 1 << 20).count
    #expect(try session.model(of: [y], limit: size + 1).count == size)
    // Of the weights alone, and of the whole.
    for limit in [400, size] {
      #expect {
        _ = try session.model(of: [y], limit: limit)
      } throws: { error in
        "\(error)".contains("stays below \(limit)")
      }
    }
  }

  /// The first blocks of a MobileNetV2, and its classifier.
  private static func first(_ count: Int) -> Selection {
    (0..<count).reduce(Selection.path("classifier")) { $0 | .path("features/\($1)") }
  }

  /// What is frozen while a model trains; the batch norms of `resnet_dynamo` are folded away, so it trains otherwise.
  static let frozen: [(name: String, selection: Selection)] = [
    ("resnet_script", "conv1 | bn1 | layer1"), ("unet_script", "down1 | down2"),
    ("unet_dynamo", "down1 | down2"),
    ("lstm2_script", "fc"), ("lstm2_dynamo", "fc"), ("gru_script", "fc"), ("gru_dynamo", "fc"),
    ("classifier_script", "embedding"), ("classifier_dynamo", "embedding"),
    ("transformer_script", "embedding | encoder/layers/0"),
    ("vgg_script", "features/0 | classifier"), ("vgg_dynamo", "features/0 | classifier"),
    ("mobilenet_script", "features/3 | classifier"),
    ("norms_script", "a"), ("norms_dynamo", "a"),
    // Of full width.
    ("resnet18_script", "conv1 | bn1 | layer1 | layer2"),
    ("vgg11_script", "features/0 | features/3 | classifier"),
    ("vgg11_dynamo", "features/0 | features/3 | classifier"),
    ("mobilenetv2_script", first(18)), ("mobilenetv2d_script", first(10)),
    ("lstm128_script", "fc"), ("lstm128_dynamo", "fc"), ("gru128_script", "fc"), ("gru128_dynamo", "fc"),
  ]

  @Test(arguments: frozen.filter { names.contains($0.name) }.map(\.name))
  func trainsAsPyTorchWithPartFrozen(_ name: String) throws {
    let path = Self.folder + "/" + name
    let model = try ONNXModel(contentsOfFile: path + ".onnx")
    let values = try Weights(contentsOf: path + ".npz")
    let selection = try #require(Self.frozen.first { $0.name == name }).selection
    let loss = square(model.outputs[0].tensor).mean()
    let session = try Session(model.graph)
    let program = try session.compile(minimizing: loss, with: SGD(learningRate: 0.1), freezing: selection)
    let held = try program.frozen.map { variable in (variable.name, try session.value(of: variable.name)) }
    #expect(!held.isEmpty)
    let input = try #require(try values["input_0"]?.array())
    let wanted = try #require(try values["losses"]?.array())
    // In f64 as near as that: what differs is rounding.
    let bound = wanted.dtype == .f64 ? 1e-8 : 1e-4
    for (step, expected) in wanted.doubles.enumerated() {
      let result = try #require(
        try session.run(program, feeding: [model.inputs[0].tensor: input])[loss].scalar)
      #expect(abs(result - expected) <= bound * abs(expected), "step \(step): \(result), not \(expected)")
    }
    for (variable, before) in held { #expect(try session.value(of: variable).isBitwiseEqual(to: before)) }
  }
}
