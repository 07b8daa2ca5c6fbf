import FirnCompiler
import FirnFormats
import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
import FirnRuntime
import Foundation
import Testing

@testable import FirnONNX

/// What selections name in an imported model, they name in the same model written by hand, and freezing it does the same.
@Suite struct ImportedScopesTests {
  private struct Model: Sendable, CustomTestStringConvertible {
    var name: String
    var written: @Sendable (Graph) -> Tensor
    var queries: [Selection]
    var testDescription: String { name }
  }

  /// As in `Fixtures/exports.py`.
  private static let models = [
    Model(
      name: "resnet_script",
      written: { graph in
        ImportedStepTests.resNet(
          graph.placeholder("images", shape: ["batch", 32, 32, 3]), widths: [4, 8], classes: 5)
      },
      queries: [
        "conv1 | bn1 | layer1", "layer2", "layer*/0", "layer2/0/downsample", "**/conv2", "layer1/1/bn2/gamma",
        "role(kernel)", "role(bias) & layer2", "role(gain)", "!fc", "layer1/*/conv*/kernel",
      ]),
    Model(
      name: "lstm2_script",
      written: { graph in
        let x = graph.placeholder("x", shape: ["batch", 7, 6])
        let sequence = LSTM(5, biases: .separate, layers: 2, isBidirectional: true, name: "rnn").run(x)
          .sequence
        return Dense(3, name: "fc")(sequence.sliced(axis: 1, from: 6, to: 7).squeezed(axes: [1]))
      },
      queries: [
        "fc", "rnn", "rnn/layer_0", "rnn/*/backward", "role(recurrent_kernel)", "role(bias)",
        "rnn/layer_1/forward/kernel[gate: forget]", "(rnn & role(kernel))[gate: input]",
      ]),
    Model(
      name: "gru_dynamo",
      written: { graph in
        let x = graph.placeholder("x", shape: ["batch", 7, 6])
        return Dense(3, name: "fc")(GRU(5, name: "rnn")(x))
      }, queries: ["rnn", "fc/kernel", "rnn/recurrent_kernel[gate: new]", "role(bias)", "!rnn"]),
    Model(
      name: "classifier_dynamo",
      written: { graph in
        let x = graph.placeholder("x", shape: ["batch", 7], dtype: .i32)
        let words = Embedding(count: 20, width: 6, name: "embedding")(x)
        return Dense(3, name: "fc")(LSTM(5, biases: .separate, name: "lstm")(words))
      },
      queries: ["embedding", "role(table)", "lstm/kernel", "lstm/*[gate: output]", "embedding | lstm", "!fc"]),
  ]

  /// Two exporters; a norm without weights has none in the imported model either.
  private static let norms = ["norms_script", "norms_dynamo"].map { name in
    Model(
      name: name,
      written: { graph in
        let x = graph.placeholder("x", shape: ["batch", 8, 8, 3])
        let convolved = Conv2D(8, kernel: 3, stride: 2, padding: .symmetric(1, 1), name: "a")(x)
        let grouped = relu(GroupNorm(groups: 2, name: "g")(convolved))
        let bare = standardized(grouped, axes: [1, 2], epsilon: 1e-5)
        let y = relu(GroupNorm(groups: 8, name: "i")(bare + grouped))
        return Dense(5, name: "fc")(y.mean(axes: [1, 2]))
      }, queries: ["a", "g", "g/gamma | i/beta", "role(gain)", "role(bias)", "!fc", "a | g | i"])
  }

  @Test(arguments: models + norms) private func selectionsNameTheSame(_ model: Model) throws {
    let path = NodeTests.fixtures.appendingPathComponent("exports/\(model.name).onnx").path
    let imported = try ONNXModel(contentsOfFile: path)
    let own = Graph()
    let both = [(imported.graph, imported.outputs[0].tensor), (own, model.written(own))].map {
      graph, output in
      (graph, square(output).mean())
    }
    let described = both.map { graph, _ in
      graph.variables.map { "\($0.name) \($0.type) \($0.role) \($0.kind) \($0.isTrainable)" }.sorted()
    }
    #expect(described[0] == described[1])
    let sessions = try both.map { graph, _ in try Session(graph, threads: 1) }
    for query in model.queries {
      let named = try sessions.map { session in
        try session.selected(query).map { "\($0.variable.name) \($0.region)" }.sorted()
      }
      #expect(!named[1].isEmpty && named[0] == named[1], "\(query): \(named)")
      // What freezing it leaves, and why.
      let outcomes = try both.map { graph, loss in
        let explanation = try Explanation(graph: graph.definition, loss: loss.value, freezing: query)
        return explanation.status.variables.map { "\($0.name) \($0.status)" }.sorted()
      }
      #expect(outcomes[0] == outcomes[1], "\(query)")
    }
  }
}
