import FirnFormats
import FirnGraph
import FirnNotation
import FirnONNX
import FirnOps
import FirnRuntime
import FirnTraining
import Foundation
import Testing

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

  /// What is frozen while a model trains; the batch norms of `resnet_dynamo` are folded away, so it trains otherwise.
  static let frozen: [(name: String, selection: Selection)] = [
    ("resnet_script", "conv1 | bn1 | layer1"), ("unet_script", "down1 | down2"),
    ("unet_dynamo", "down1 | down2"),
    ("lstm2_script", "fc"), ("lstm2_dynamo", "fc"), ("gru_script", "fc"), ("gru_dynamo", "fc"),
    ("classifier_script", "embedding"), ("classifier_dynamo", "embedding"),
    ("transformer_script", "embedding | encoder/layers/0"),
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
    let wanted = try #require(try values["losses"]?.array()).doubles
    for (step, expected) in wanted.enumerated() {
      let result = try #require(
        try session.run(program, feeding: [model.inputs[0].tensor: input])[loss].scalar)
      #expect(
        abs(result - expected) <= 1e-4 * max(1, abs(expected)), "step \(step): \(result), not \(expected)")
    }
    for (variable, before) in held { #expect(try session.value(of: variable).isBitwiseEqual(to: before)) }
  }
}
