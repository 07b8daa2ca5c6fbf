import FirnFormats
import FirnGraph
import FirnNN
import FirnRuntime
import Foundation
import Testing

@testable import FirnCLI

/// What `--map` gives is a map of the library: a file converted in the shell and loaded as it is, and one loaded by the map, are
/// the same bits.
@Suite struct ReadyMapTests {
  // MARK: Whole models

  /// A reference model, as its file is called by others and as it is here.
  enum Model: String, CaseIterable {
    case resNet18, resNet34, resNet50, mobileNetV2, vgg11, vgg16, digits, keras

    var map: (text: String, map: NameMap) {
      switch self {
      case .resNet18, .resNet34, .resNet50: ("torchvision-resnet", .torchvisionResNet)
      case .mobileNetV2: ("torchvision-mobilenetv2", .torchvisionMobileNetV2)
      case .vgg11, .vgg16: ("torchvision-vgg", .torchvisionVGG())
      case .digits: ("pytorch", .pyTorch)
      case .keras: ("keras", .keras)
      }
    }

    func graph() -> Graph {
      let graph = Graph()
      let images = graph.placeholder("images", shape: ["batch", 32, 32, 3])
      switch self {
      case .resNet18: _ = ResNet(.resNet18)(images)
      case .resNet34: _ = ResNet(.resNet34)(images)
      case .resNet50: _ = ResNet(.resNet50)(images)
      case .mobileNetV2: _ = MobileNetV2()(images)
      // Without the hundred million numbers of the first linear layer, whose map has a test of its own.
      case .vgg11: _ = VGG(.vgg11, usesBatchNorm: true).features(images)
      case .vgg16: _ = VGG(.vgg16).features(images)
      case .digits, .keras: _ = DigitsCNN()(images)
      }
      return graph
    }
  }

  @Test(arguments: Model.allCases) func referenceModels(_ model: Model) throws {
    try expectAgreement(model.graph, [model.map.text], model.map.map)
  }

  // MARK: Recurrent networks

  /// A network as a layer, as `--map` has it, and as the library has it.
  struct Case: CustomTestStringConvertible {
    var text: String
    var map: NameMap
    var layer: @Sendable () -> RNN

    init(_ text: String, _ map: NameMap, _ layer: @escaping @Sendable () -> RNN) {
      (self.text, self.map, self.layer) = (text, map, layer)
    }

    var testDescription: String { text }
  }

  static let networks: [Case] = [
    .init("pytorch-lstm:rnn.=net", .pyTorchRNN(.init(.lstm), from: "rnn.", into: "net")) {
      LSTM(4, name: "net")
    },
    .init(
      "pytorch-lstm,layers=2,bidirectional:rnn.=net",
      .pyTorchRNN(.init(.lstm, layers: 2, isBidirectional: true), from: "rnn.", into: "net")
    ) { LSTM(4, layers: 2, isBidirectional: true, name: "net") },
    .init(
      "pytorch-lstm,projection,biases=none:rnn.=net",
      .pyTorchRNN(.init(.lstm, hasProjection: true, biases: .none), from: "rnn.", into: "net")
    ) { LSTM(4, projection: 3, biases: .none, name: "net") },
    .init(
      "pytorch-lstm,layers=3,biases=separate:=net",
      .pyTorchRNN(.init(.lstm, layers: 3, biases: .separate), from: "", into: "net")
    ) { LSTM(4, biases: .separate, layers: 3, name: "net") },
    .init(
      "pytorch-gru,bidirectional:rnn.=net",
      .pyTorchRNN(.init(.gru(resetAfter: true), isBidirectional: true), from: "rnn.", into: "net")
    ) { GRU(4, isBidirectional: true, name: "net") },
    .init(
      "pytorch-gru,layers=2:rnn.=net",
      .pyTorchRNN(.init(.gru(resetAfter: true), layers: 2), from: "rnn.", into: "net")
    ) { GRU(4, layers: 2, name: "net") },
    .init(
      "pytorch-rnn,layers=2,bidirectional:rnn.=net",
      .pyTorchRNN(.init(.simple, layers: 2, isBidirectional: true), from: "rnn.", into: "net")
    ) { SimpleRNN(4, layers: 2, isBidirectional: true, name: "net") },
    .init(
      "keras-lstm,layers=2,bidirectional:bidirectional/,bidirectional_1/=net",
      .kerasRNN(
        .init(.lstm, layers: 2, isBidirectional: true), from: ["bidirectional/", "bidirectional_1/"],
        into: "net")
    ) { LSTM(4, layers: 2, isBidirectional: true, name: "net") },
    .init(
      "keras-gru,reset-before:gru/gru_cell/=net",
      .kerasRNN(.init(.gru(resetAfter: false)), from: "gru/gru_cell/", into: "net")
    ) { GRU(4, resetAfter: false, name: "net") },
    .init(
      "keras-gru,layers=2:gru/,gru_1/=net",
      .kerasRNN(.init(.gru(resetAfter: true), layers: 2), from: ["gru/", "gru_1/"], into: "net")
    ) { GRU(4, layers: 2, name: "net") },
    .init("keras-rnn:simple_rnn/=net", .kerasRNN(.init(.simple), from: "simple_rnn/", into: "net")) {
      SimpleRNN(4, name: "net")
    },
    .init(
      "keras-cudnn-lstm,layers=2:cu_dnnlstm/,cu_dnnlstm_1/=net",
      .kerasCuDNNRNN(.init(.lstm, layers: 2), from: ["cu_dnnlstm/", "cu_dnnlstm_1/"], into: "net")
    ) { LSTM(4, layers: 2, name: "net") },
    .init(
      "keras-cudnn-gru,bidirectional:bidirectional/=net",
      .kerasCuDNNRNN(
        .init(.gru(resetAfter: true), isBidirectional: true), from: ["bidirectional/"], into: "net")
    ) { GRU(4, isBidirectional: true, name: "net") },
    .init(
      "tensorflow1-lstm,layers=2,bidirectional,peepholes,projection,forget-bias=0:rnn/=net",
      .tensorFlow1RNN(
        .init(.lstm, layers: 2, isBidirectional: true, hasPeepholes: true, hasProjection: true),
        forgetBias: 0,
        from: "rnn/", into: "net")
    ) { LSTM(4, hasPeepholes: true, projection: 3, layers: 2, isBidirectional: true, name: "net") },
    .init(
      "tensorflow1-lstm:rnn/basic_lstm_cell/=net",
      .tensorFlow1RNN(.init(.lstm), from: "rnn/basic_lstm_cell/", into: "net")
    ) { LSTM(4, name: "net") },
    .init(
      "tensorflow1-gru,layers=2:rnn/=net",
      .tensorFlow1RNN(.init(.gru(resetAfter: false), layers: 2), from: "rnn/", into: "net")
    ) { GRU(4, resetAfter: false, layers: 2, name: "net") },
    .init("tensorflow1-rnn:rnn/=net", .tensorFlow1RNN(.init(.simple), from: "rnn/", into: "net")) {
      SimpleRNN(4, name: "net")
    },
  ]

  /// Each beside an embedding and a linear layer, which a second map is about.
  @Test(arguments: networks) func recurrentNetworks(_ network: Case) throws {
    #expect(try maps([network.text]).joined == network.map)
    let isPyTorch = network.text.hasPrefix("pytorch")
    let (rest, restText): (NameMap, String) = isPyTorch ? (.pyTorch, "pytorch") : (.keras, "keras")
    try expectAgreement(
      {
        let graph = Graph()
        let words = graph.placeholder("words", shape: ["batch", 5], dtype: .i32)
        _ = Dense(2, name: "fc")(network.layer()(Embedding(count: 6, width: 3, name: "embedding")(words)))
        return graph
      }, [network.text, restText], network.map + rest)
  }

  /// The files of the real library.
  @Test(arguments: [
    ("gru.pth", "pytorch-gru,layers=2:rnn.=net"), ("gru-both.pth", "pytorch-gru,bidirectional:rnn.=net"),
    ("lstm.pth", "pytorch-lstm,layers=2,bidirectional:rnn.=net"),
  ]) func filesOfPyTorch(name: String, text: String) throws {
    let path = CommandLineRunner.root + "/Tests/FirnFormatsTests/Fixtures/checkpoints/" + name
    let network = try #require(Self.networks.first { $0.text == text })
    let graph = Graph()
    _ = network.layer()(graph.placeholder("x", shape: ["batch", 5, 3]))
    try CommandLineRunner.withDirectory { directory in
      try expectAgreement(graph, path, [text], network.map, in: directory)
    }
  }

  // MARK: What is wrong

  @Test func everyReadyMapIsThatOfALibrary() throws {
    let ready: KeyValuePairs<String, NameMap> = [
      "pytorch": .pyTorch, "torchvision-resnet": .torchvisionResNet, "torchvision-vgg": .torchvisionVGG(),
      "torchvision-mobilenetv2": .torchvisionMobileNetV2, "weight-norm": .weightNorm, "keras": .keras,
      "tensorflow1": .tensorFlow1,
    ]
    for (text, map) in ready { #expect(try maps([text]).joined == map, "\(text)") }
    #expect(WeightMaps.names == ready.map(\.key) + RecurrentMap.names)
    // Each of the others is met above.
    for name in RecurrentMap.names {
      #expect(
        Self.networks.contains { $0.text.hasPrefix(name + ",") || $0.text.hasPrefix(name + ":") }, "\(name)")
    }
    // A prefix that only looks like one.
    #expect(try maps(["keras-model/=net/"]).joined == .prefix("keras-model/", "net/"))
  }

  @Test(arguments: [
    ("pytorch-lstn:rnn.=net", "'pytorch-lstn' is no layout and cell; did you mean pytorch-lstm?"),
    ("keras-cudnn-rnn:a/=net", "'keras-cudnn-rnn' is no layout and cell"),
    ("pytorch-lstm", "it does not say where the weights are, and where they go"),
    ("pytorch-lstm:rnn.", "it does not say where the weights are, and where they go"),
    ("pytorch-lstm:rnn.=", "it does not say where the weights are, and where they go"),
    ("pytorch-lstm,layers=0:rnn.=net", "'0' is no number of layers"),
    ("pytorch-lstm,layers=99999999999999999999:rnn.=net", "is no number of layers"),
    ("pytorch-lstm,bidirektional:rnn.=net", "did you mean bidirectional?"),
    ("pytorch-gru,peepholes:rnn.=net", "'peepholes' says nothing of pytorch-gru"),
    ("pytorch-gru,reset-before:rnn.=net", "'reset-before' says nothing of pytorch-gru"),
    ("tensorflow1-lstm,forget-bias=nan:rnn/=net", "'nan' is no bias"),
    ("pytorch-lstm,:rnn.=net", "'' says nothing of pytorch-lstm"),
  ]) func faultyMaps(text: String, words: String) {
    let path = CommandLineRunner.root + "/Tests/FirnFormatsTests/Fixtures/checkpoints/lstm.pth"
    let result = CommandLineRunner.run("weights", "convert", path, "never.safetensors", "--map", text)
    #expect(result.code == UsageError.exitCode && result.output == "")
    #expect(result.errors.contains(words), "\(result.errors)")
  }

  // MARK: Parts

  private func maps(_ texts: [String]) throws -> WeightMaps {
    try WeightMaps(
      Main.parser.parse(["weights", "convert", "a", "b"] + texts.flatMap { ["--map", $0] }))
  }

  private func quiet(_ graph: Graph, seed: UInt64) throws -> Session {
    let session = try Session(graph, seed: seed, threads: 1)
    session.onWarning = { _ in }
    return session
  }

  /// For a model of random numbers, written as others have it.
  private func expectAgreement(_ graph: () -> Graph, _ texts: [String], _ map: NameMap) throws {
    try CommandLineRunner.withDirectory { directory in
      let made = graph()
      let source = try quiet(made, seed: 1)
      for variable in source.variables {
        let shape = try #require(variable.type.shape.extents)
        try source.setValue(
          Initializer.uniform(-1, 1).values(shape: shape, name: variable.name), of: variable.name)
      }
      let path = directory + "/theirs.safetensors"
      try source.save(to: path, mapping: map)
      // PyTorch counts the batches of each norm; what nobody here counts is no fault.
      let written = try Weights(contentsOf: path)
      let counts = written.entries.filter { $0.name.hasSuffix(".running_mean") }.map {
        WeightEntry(
          name: $0.name.replacing("running_mean", with: "num_batches_tracked"),
          array: NDArray(scalar: Int32(7)))
      }
      try Weights(source: "theirs", entries: written.entries + counts).write(
        to: directory + "/all.safetensors")
      try expectAgreement(made, directory + "/all.safetensors", texts, map, in: directory)
    }
  }

  private func expectAgreement(
    _ graph: Graph, _ path: String, _ texts: [String], _ map: NameMap, in directory: String
  ) throws {
    let result = CommandLineRunner.run(
      ["weights", "convert", path, "ours.safetensors"] + texts.flatMap { ["--map", $0] }, in: directory)
    #expect(result.code == 0 && result.errors == "", "\(result.errors)")
    let (direct, converted) = (try quiet(graph, seed: 2), try quiet(graph, seed: 3))
    try direct.load(Weights(contentsOf: path), mapping: map)
    try converted.load(Weights(contentsOf: directory + "/ours.safetensors"))
    let (a, b) = (try direct.snapshot().values, try converted.snapshot().values)
    #expect(a.count == b.count && !a.isEmpty)
    for (a, b) in zip(a, b) {
      #expect(a.name == b.name && a.array.isBitwiseEqual(to: b.array), "\(a.name)")
    }
  }
}
