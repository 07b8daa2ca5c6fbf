import FirnFiles
import FirnFormats
import FirnGraph
import FirnNN
import FirnOps
import FirnRuntime
import Foundation
import Testing

@testable import FirnONNX

/// Reference models and layers, written as ONNX models: what they give is what Firn gives, by Firn's importer and by
/// ONNX Runtime.
@Suite struct ReferenceExportTests {
  /// A model of one input, whose first extent is named.
  struct Case: Sendable {
    let name: String
    let shape: [Int]
    var dtype = DType.f32
    let build: @Sendable (Tensor) -> [Tensor]

    init(
      _ name: String, _ shape: [Int], _ dtype: DType = .f32, _ build: @escaping @Sendable (Tensor) -> [Tensor]
    ) {
      (self.name, self.shape, self.dtype, self.build) = (name, shape, dtype, build)
    }

    /// The outputs of a session with the first values, what was fed, and what came out.
    func run() throws -> (session: Session, outputs: [Tensor], feed: NDArray, results: [NDArray]) {
      let graph = Graph()
      let dimensions: [Dim] = ["batch"] + shape.dropFirst().map { Dim($0) }
      let x = graph.placeholder("x", shape: Shape(dimensions), dtype: dtype)
      let outputs = build(x)
      let session = try Session(graph, threads: 1)
      session.onWarning = { _ in }
      var feed = try Initializer.uniform(-1, 1).values(shape: shape, name: "x")
      if dtype == .i32 { feed = try NDArray(feed.floats.map { Int32(($0 + 1) * 4) }, shape: shape) }
      let results = try session.run(session.compile(fetching: outputs), feeding: [x: feed])
      return (session, outputs, feed, try outputs.map { try results[$0] })
    }
  }

  /// How many steps each sequence has, told from its numbers.
  private static func lengths(_ x: Tensor) -> Tensor { x.argmax(axis: -1).max(axes: [1]) + 1 }

  static let layers: [Case] = [
    Case("digits", [3, 8, 8, 1]) { [DigitsCNN()($0)] },
    Case("lstm", [3, 7, 5]) { x in
      let output = LSTM(6, layers: 2, isBidirectional: true).run(x)
      return [output.sequence, output.last]
    },
    Case("lstm_lengths", [3, 7, 5]) { x in
      let output = LSTM(6, layers: 2, isBidirectional: true).run(x, lengths: lengths(x))
      return [output.sequence, output.last]
    },
    Case("lstm_peepholes", [3, 7, 5]) { [LSTM(6, hasPeepholes: true)($0)] },
    Case("lstm_projection", [3, 7, 5]) { [LSTM(6, projection: 3)($0)] },
    Case("layer_norm_lstm", [3, 7, 5]) { [LayerNormLSTM(6)($0)] },
    Case("rnn", [3, 7, 5]) { [SimpleRNN(6)($0)] },
    Case("embedding", [3, 7], .i32) { [Dense(3)(LSTM(5)(Embedding(count: 9, width: 4)($0)))] },
    Case("norms", [2, 6, 6, 8]) { x in
      [GroupNorm(groups: 2)(x), LayerNorm()(x), RMSNorm()(x), BatchNorm()(x)]
    },
    Case("convolutions", [2, 9, 9, 4]) { x in
      [
        Conv2D(6, kernel: 3, stride: 2, padding: .same, groups: 2)(x),
        Conv2DTranspose(5, kernel: (3, 3), strides: (2, 2))(x),
        MaxPool2D(3, stride: 2)(x), AveragePool2D(2)(x), GlobalAveragePool2D()(x),
      ]
    },
    Case("convolution_1d", [2, 9, 4]) { [Conv1D(6, kernel: 3)($0)] },
  ]

  /// The reset of a GRU stands behind the product with the state (`linear_before_reset`), or before it.
  static let grus: [Case] = [true, false].flatMap { isAfter in
    let name = isAfter ? "gru" : "gru_reset_before"
    return [
      Case(name, [3, 7, 5]) { x in
        [GRU(6, resetAfter: isAfter, layers: 2, isBidirectional: true).run(x).sequence]
      },
      Case(name + "_plain", [3, 7, 5]) { [GRU(6, resetAfter: isAfter, usesBias: false)($0)] },
      Case(name + "_lengths", [3, 7, 5]) { x in
        let output = GRU(6, resetAfter: isAfter).run(x, lengths: lengths(x))
        return [output.sequence, output.last]
      },
    ]
  }

  static let networks: [Case] = [
    Case("resnet18", [2, 64, 64, 3]) { [ResNet(.resNet18)($0)] },
    Case("resnet50", [1, 64, 64, 3]) { [ResNet(.resNet50, classes: 20)($0)] },
    Case("vgg11", [1, 224, 224, 3]) { [VGG(.vgg11, classes: 10)($0)] },
    Case("mobilenetv2", [2, 64, 64, 3]) { [MobileNetV2(classes: 10)($0)] },
  ]

  private static func distance(_ a: NDArray, _ b: NDArray) -> Double {
    guard a.shape == b.shape, a.dtype == b.dtype else { return .infinity }
    return zip(a.doubles, b.doubles).map { abs($0 - $1) / max(1, abs($1)) }.max() ?? 0
  }

  /// A model without the elements of its weights, which may differ in the last place from machine to machine.
  private static func form(of bytes: Bytes) throws -> [UInt8] {
    var message = try ModelMessage(bytes, source: "model")
    for index in message.graph?.initializers.indices ?? 0..<0 {
      let isWeight = message.graph?.initializers[index].elementType.dtype == .f32
      if isWeight { message.graph?.initializers[index].raw = nil }
    }
    var writer = MessageWriter()
    message.write(to: &writer)
    return writer.bytes
  }

  /// What ONNX Runtime made of these models lies beside the test; `reference_models.py` wrote it.
  @Test(arguments: grus.map(\.name)) func gatedUnitsGiveWhatRuntimeGives(_ name: String) throws {
    let row = try #require(Self.grus.first { $0.name == name })
    let (session, outputs, feed, results) = try row.run()
    let bytes = try session.model(of: outputs, limit: 1 << 24)
    let message = try ModelMessage(Bytes(copying: bytes), source: name)
    let nodes = (message.graph?.nodes ?? []).filter { $0.op == "GRU" }
    let isLinear = nodes.compactMap { node in
      node.attributes.first { $0.name == "linear_before_reset" }?.integer
    }
    let reset = name.hasPrefix("gru_reset_before") ? 0 : 1
    #expect(!nodes.isEmpty && isLinear == nodes.map { _ in reset }, "\(isLinear)")
    let folder = NodeTests.fixtures.appendingPathComponent("reference").path
    let judged = try MappedFile.open("\(folder)/\(name).onnx")
    #expect(
      try Self.form(of: judged) == Self.form(of: Bytes(copying: bytes)),
      "\(name) is written otherwise than when ONNX Runtime ran it: write it anew by reference_models.py, and look"
    )
    let values = try Weights(contentsOf: "\(folder)/\(name).npz")
    #expect(Self.distance(try #require(try values["x"]?.array()), feed) < 1e-6)
    for (index, result) in results.enumerated() {
      let wanted = try #require(try values["output_\(index)"]?.array())
      #expect(Self.distance(result, wanted) < 1e-5, "output \(index): \(Self.distance(result, wanted))")
    }
  }

  @Test(arguments: (layers + grus).map(\.name)) func whatIsWrittenIsReadAsTheSame(_ name: String) throws {
    let row = try #require((Self.layers + Self.grus).first { $0.name == name })
    let (session, outputs, feed, results) = try row.run()
    let bytes = try session.model(of: outputs, limit: 1 << 24)
    let again = try ONNXModel(Bytes(copying: bytes), source: name, path: nil)
    let second = try Session(again.graph, threads: 1)
    let program = try second.compile(fetching: again.outputs.map(\.tensor))
    let values = try second.run(program, feeding: [again.inputs[0].tensor: feed])
    for (output, wanted) in zip(again.outputs, results) {
      #expect(Self.distance(try values[output.tensor], wanted) < 1e-5, "\(output.name)")
    }
  }

  /// `FIRN_ONNX_REFERENCE=FOLDER` writes all of them with what Firn makes of them, for `reference_models.py`.
  @Test(.enabled(if: ProcessInfo.processInfo.environment["FIRN_ONNX_REFERENCE"] != nil))
  func writesAllForRuntime() throws {
    let folder = ProcessInfo.processInfo.environment["FIRN_ONNX_REFERENCE"] ?? ""
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for row in Self.layers + Self.grus + Self.networks {
      let (session, outputs, feed, results) = try row.run()
      try session.writeONNX(outputs, to: "\(folder)/\(row.name).onnx")
      var entries = [WeightEntry(name: "x", array: feed)]
      for (index, result) in results.enumerated() {
        entries.append(WeightEntry(name: "output_\(index)", array: result))
      }
      try Weights(source: row.name, entries: entries).write(to: "\(folder)/\(row.name).npz")
    }
  }
}
