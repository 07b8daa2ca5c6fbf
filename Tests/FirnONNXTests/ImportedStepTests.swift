import FirnCompiler
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

/// A step of an imported network beside that of the same network written by hand: times follow from what is run.
@Suite struct ImportedStepTests {
  /// The network of `Fixtures/exports.py`, of stages of two blocks.
  static func resNet(_ images: Tensor, widths: [Int], classes: Int) -> Tensor {
    func norm(_ x: Tensor, _ name: String) -> Tensor { BatchNorm(name: name)(x) }
    func convolution(_ x: Tensor, _ width: Int, _ size: Int, _ stride: Int, _ name: String) -> Tensor {
      Conv2D(
        width, kernel: size, stride: stride, padding: .symmetric(size / 2, size / 2), usesBias: false,
        name: name)(x)
    }
    func block(_ x: Tensor, _ width: Int, _ stride: Int) -> Tensor {
      let inner = relu(norm(convolution(x, width, 3, stride, "conv1"), "bn1"))
      let made = norm(convolution(inner, width, 3, 1, "conv2"), "bn2")
      guard stride > 1 || x.shape[3] != Dim(width) else { return relu(made + x) }
      let shortcut = x.graph.scope("downsample") { norm(convolution(x, width, 1, stride, "0"), "1") }
      return relu(made + shortcut)
    }
    let graph = images.graph
    var x = relu(norm(convolution(images, widths[0], 7, 2, "conv1"), "bn1"))
    x = MaxPool2D(3, stride: 2, padding: .symmetric(1, 1), name: "maxpool")(x)
    for (number, width) in widths.enumerated() {
      for place in 0..<2 {
        x = graph.scope("layer\(number + 1)/\(place)") {
          block(x, width, number > 0 && place == 0 ? 2 : 1)
        }
      }
    }
    return Dense(classes, name: "fc")(x.mean(axes: [1, 2]))
  }

  private struct Step {
    var counts: [String: Int]
    var flops: Int
    var arena: Int
  }

  private static func step(
    _ graph: Graph, _ output: Tensor, batch: Int, freezing: Selection
  ) throws -> Step {
    let labels = graph.placeholder("labels", shape: [output.shape[0]], dtype: .i32)
    let loss = sparseSoftmaxCrossEntropy(logits: output, labels: labels).mean()
    let session = try Session(graph, threads: 1)
    session.onWarning = { _ in }
    let program = try session.compile(
      minimizing: loss, with: SGD(learningRate: 0.1), freezing: freezing)
    var binding = DimBinding()
    for dimension in program.graph.placeholders.flatMap(\.type.shape.dimensions) {
      for name in dimension.names { binding[name] = batch }
    }
    let cost = program.cost
    let (forward, backward) = (
      cost.flops(.forward, binding: binding), cost.flops(.backward, binding: binding)
    )
    return Step(
      counts: Dictionary(grouping: program.graph.nodes, by: \.mnemonic).mapValues(\.count),
      flops: try #require(forward) + #require(backward),
      arena: try session.arenaBytes(of: program, binding: binding))
  }

  @Test func anImportedNetworkRunsWhatTheHandWrittenDoes() throws {
    let path = ExportTests.folder + "/resnet_script.onnx"
    let model = try ONNXModel(contentsOfFile: path)
    let freezing: Selection = "conv1 | bn1 | layer1"
    let imported = try Self.step(model.graph, model.outputs[0].tensor, batch: 2, freezing: freezing)
    let graph = Graph()
    let images = graph.placeholder("images", shape: ["batch", 32, 32, 3])
    let written = try Self.step(
      graph, Self.resNet(images, widths: [4, 8], classes: 5), batch: 2, freezing: freezing)
    let (all, own) = (written.counts.values.reduce(0, +), imported.counts.values.reduce(0, +))
    #expect(all > 60 && Double(own) <= 1.1 * Double(all), "\(own), \(all)")
    // What takes the time.
    let kinds = Set(written.counts.keys).union(imported.counts.keys).sorted().filter { name in
      ["conv", "matmul", "pool"].contains { name.contains($0) }
    }
    #expect(kinds.count >= 4)
    for kind in kinds { #expect(imported.counts[kind] == written.counts[kind], "\(kind)") }
    #expect((imported.counts["transpose"] ?? 0) <= (written.counts["transpose"] ?? 0) + 3)
    #expect(
      abs(Double(imported.flops) / Double(written.flops) - 1) < 0.01, "\(imported.flops), \(written.flops)")
    // Two images are turned to channels last first, and are there twice meanwhile.
    let turned = 2 * 3 * 32 * 32 * 4
    #expect(
      Double(imported.arena - turned) <= 1.05 * Double(written.arena), "\(imported.arena), \(written.arena)")
  }
}
