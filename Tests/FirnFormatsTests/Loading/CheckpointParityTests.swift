import FirnFormats
import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
import FirnRuntime
import Foundation
import Testing

/// Checkpoints by PyTorch and Keras load by public expressions of two lines, give the outputs they gave there, and go
/// out again with the same bits.
///
/// `Fixtures/checkpoints.py` makes them. With `FIRN_WRITTEN=folder` what is saved stays there for the same script.
@Suite struct CheckpointParityTests {
  static func weights(_ name: String) throws -> Weights {
    try Weights(contentsOf: WeightFixtures.folder.appendingPathComponent("checkpoints/\(name)").path)
  }

  static func expected(_ name: String) throws -> NDArray {
    let entry = try #require(try weights("expected.npz")[name])
    return try entry.array()
  }

  static func quiet(_ graph: Graph) throws -> Session {
    let session = try Session(graph, seed: 1, threads: 1)
    session.onWarning = { _ in }
    return session
  }

  /// The largest distance of what a session computes from what a fixture has.
  private func distance(
    _ session: Session, _ result: Tensor, _ feeds: Feeds, from name: String
  ) throws -> Double {
    let program = try session.compile(fetching: [result])
    let values = try session.run(program, feeding: feeds)
    let (mine, expected) = (try values[result], try Self.expected(name))
    #expect(mine.shape == expected.shape)
    return zip(mine.doubles, expected.doubles).map { abs($0 - $1) }.max() ?? .infinity
  }

  private func path(_ name: String, in folder: URL) -> String {
    let kept = ProcessInfo.processInfo.environment["FIRN_WRITTEN"].map { URL(fileURLWithPath: $0) }
    return (kept ?? folder).appendingPathComponent(name).path
  }

  // MARK: Prefixes

  /// The module of the fixtures, and what to feed it.
  static func small() throws -> (graph: Graph, output: Tensor, feeds: Feeds) {
    let graph = Graph()
    let images = graph.placeholder("images", shape: ["batch", 4, 4, 3])
    let indices = graph.placeholder("indices", shape: ["batch"], dtype: .i32)
    let features = BatchNorm(name: "bn")(
      Conv2D(4, kernel: 3, padding: .symmetric(1, 1), name: "conv")(images))
    let code = GlobalAveragePool2D()(features) + Embedding(count: 6, width: 4, name: "embedding")(indices)
    let output = Dense(5, name: "fc")(code)
    return (graph, output, [images: try expected("small.images"), indices: try expected("small.indices")])
  }

  static let prefixes = [
    ("parallel.pth", "state_dict.module"), ("lightning.ckpt", "state_dict.model"),
    ("compiled.pth", "_orig_mod"),
    ("compiled-parallel.pth", "_orig_mod.module"), ("nested.pth", "net.generator"),
  ]

  @Test(arguments: prefixes) func wrappedModulesLoadFromBelow(_ file: String, _ prefix: String) throws {
    let model = try Self.small()
    let session = try Self.quiet(model.graph)
    let weights = try Self.weights(file)
    try session.load(weights.below(prefix), mapping: .pyTorch)
    #expect(try distance(session, model.output, model.feeds, from: "small.output") <= 1e-6)
    // One map after the other does the same where nothing stands beside.
    guard file != "lightning.ckpt" else { return }
    let other = try Self.quiet(model.graph)
    try other.load(weights, mapping: .prefix(prefix + ".").then(.pyTorch))
    #expect(try other.snapshot() == session.snapshot())
  }

  /// Not ten names one by one, but why no name fits, with what to write.
  @Test(arguments: prefixes) func theOneReasonIsSaidOnce(_ file: String, _ prefix: String) throws {
    let session = try Self.quiet(Self.small().graph)
    let before = try session.snapshot()
    let weights = try Self.weights(file)
    for (map, ending, remedy) in [
      (NameMap.identity, ", as those of PyTorch; ", "mapping: .pyTorch"), (.pyTorch, "; ", "mapping: …"),
    ] {
      for strict in [true, false] {
        let error = try #require(throws: FirnError.self) {
          _ = try session.load(weights, mapping: map, strict: strict)
        }
        #expect(
          error.message.hasPrefix(
            "10 names in \(weights.source) begin with `\(prefix).`: load from there" + ending), "\(error)")
        #expect(error.message.hasSuffix("nothing was loaded") && error.causes.isEmpty)
        #expect(error.remedy == "write `load(weights.below(\"\(prefix).\"), \(remedy))`")
      }
    }
    #expect(try session.snapshot() == before)
  }

  @Test func namesOfAnotherFrameworkAndDeeperScopesAreReasonsToo() throws {
    let session = try Self.quiet(Self.small().graph)
    let plain = try Self.weights("parallel.pth").below("state_dict.module")
    let other = try #require(throws: FirnError.self) { try session.load(plain) }
    #expect(other.message.hasPrefix("the names in \(plain.source) are those of PyTorch; "), "\(other)")
    #expect(other.remedy == "write `load(weights, mapping: .pyTorch)`")
    let graph = Graph()
    let rows = graph.placeholder("rows", shape: ["batch", 4])
    graph.scope("deep") { _ = graph.scope("model") { Dense(5, name: "fc")(rows) } }
    let deep = try Self.quiet(graph)
    let deeper = try #require(throws: FirnError.self) { try deep.load(plain, mapping: .pyTorch) }
    #expect(deeper.message.contains("are those of variables in `deep/model`; "), "\(deeper)")
    #expect(deeper.remedy == "write `load(weights, into: \"deep/model\", …)`")
  }

  // MARK: Recurrent networks

  private struct Recurrent {
    let graph = Graph()
    let sequence: Tensor
    let output: Tensor
    let network: RecurrentNetwork

    init(_ name: String) {
      sequence = graph.placeholder("sequence", shape: ["batch", 3, 3])
      let layer: RNN
      switch name {
      case "lstm":
        (layer, network) = (
          LSTM(4, layers: 2, isBidirectional: true, name: "net"),
          .init(.lstm, layers: 2, isBidirectional: true)
        )
      case "lstm-projected":
        (layer, network) = (
          LSTM(4, projection: 2, layers: 2, name: "net"), .init(.lstm, layers: 2, hasProjection: true)
        )
      case "lstm-unbiased":
        (layer, network) = (LSTM(4, forgetBias: 0, name: "net"), .init(.lstm, biases: .none))
      case "gru":
        (layer, network) = (GRU(4, layers: 2, name: "net"), .init(.gru(resetAfter: true), layers: 2))
      default:
        (layer, network) = (
          GRU(4, isBidirectional: true, name: "net"), .init(.gru(resetAfter: true), isBidirectional: true)
        )
      }
      output = layer.run(sequence).sequence
    }

    var map: NameMap { .pyTorchRNN(network, from: "rnn.", into: "net") }
  }

  @Test(arguments: ["lstm", "lstm-projected", "lstm-unbiased", "gru", "gru-both"])
  func pyTorchsRecurrentNetworksComeAndGo(_ name: String) throws {
    let model = Recurrent(name)
    let session = try Self.quiet(model.graph)
    let weights = try Self.weights("\(name).pth")
    let isUnbiased = name == "lstm-unbiased"
    let report = try session.load(weights, mapping: model.map, strict: !isUnbiased)
    #expect(report.rows(.missing).compactMap(\.variable) == (isUnbiased ? ["net/bias"] : []))
    #expect(
      try distance(session, model.output, [model.sequence: Self.expected("sequence")], from: "\(name).output")
        <= 1e-6)
    try WeightFixtures.inFolder { folder in
      let path = path("\(name).pth", in: folder)
      try session.save(to: path, isUnbiased ? "**/kernel | **/recurrent_kernel" : nil, mapping: model.map)
      let copy = try Weights(contentsOf: path)
      #expect(Set(copy.entries.map(\.name)) == Set(weights.entries.map(\.name)))
      for entry in weights.entries {
        let written = try #require(copy[entry.name])
        if entry.name.contains("bias_"), name.hasPrefix("lstm") {
          let sum =
            entry.name.contains("bias_hh") ? [Float](repeating: 0, count: 16) : try sum(entry.name, weights)
          #expect(try written.array().floats == sum, "\(entry.name)")
        } else {
          #expect(try written.array() == entry.array(), "\(entry.name)")
        }
      }
      let again = try Self.quiet(model.graph)
      _ = try again.load(copy, mapping: model.map, strict: !isUnbiased)
      #expect(try again.snapshot("loaded") == session.snapshot("loaded"))
    }
  }

  private func sum(_ name: String, _ weights: Weights) throws -> [Float] {
    let other = try #require(weights[name.replacing("_ih_", with: "_hh_")])
    let own = try #require(weights[name])
    return zip(try own.array().floats, try other.array().floats).map { $0 + $1 }
  }

  /// One weight and one bias short: all else loads, and what is left is named with what the file lacks.
  @Test func partOfAStackLoads() throws {
    let model = Recurrent("lstm")
    let weights = try Self.weights("lstm.pth")
    let whole = try Self.quiet(model.graph)
    try whole.load(weights, mapping: model.map)
    let short = try Weights(
      source: "short",
      entries: weights.entries.filter { !["rnn.weight_hh_l0", "rnn.bias_hh_l1_reverse"].contains($0.name) })
    let session = try Self.quiet(model.graph)
    let report = try session.load(short, mapping: model.map, strict: false)
    #expect(report.count(.converted) == 10)
    #expect(
      report.rows(.missing).map(\.description) == [
        "net/layer_0/forward/recurrent_kernel: missing, the file lacks `rnn.weight_hh_l0`",
        "net/layer_1/backward/bias: missing, the file lacks `rnn.bias_hh_l1_reverse`",
      ])
    #expect(report.rows(.unconvertible).map(\.sources) == [["rnn.bias_ih_l1_reverse"]])
    #expect(try session.snapshot("loaded").values.count == 10)
    for value in try session.snapshot("loaded").values {
      #expect(try value.array == whole.value(of: value.name), "\(value.name)")
    }
    // A weight of another size is left, too.
    let odd = try Weights(
      source: "odd",
      entries: weights.entries.map {
        $0.name == "rnn.weight_hh_l1" ? WeightEntry(name: $0.name, array: try NDArray(zeros: [16, 5])) : $0
      })
    let second = try session.load(odd, mapping: model.map, strict: false)
    #expect(second.count(.converted) == 11)
    #expect(second.rows(.unconvertible).map(\.sources) == [["rnn.weight_hh_l1"]])
  }

  /// The file's two biases stay two where the layer has two.
  @Test func twoBiasesMayStayTwo() throws {
    let weights = try Self.weights("lstm.pth").below("rnn")
    var arrays: [String: NDArray] = [:]
    for entry in weights.entries { arrays[entry.name] = try entry.array() }
    let network = RecurrentNetwork(.lstm, layers: 2, isBidirectional: true, biases: .separate)
    let own = try network.converting(arrays, from: .pyTorch, to: .firn(scope: "net"))
    #expect(own["net/layer_1/forward/recurrent_bias"] == arrays["bias_hh_l1"])
    #expect(try network.converting(own, from: .firn(scope: "net"), to: .pyTorch) == arrays)
    let unbiased = RecurrentNetwork(.lstm, layers: 2, isBidirectional: true, biases: .none)
    #expect(throws: FirnError.self) { try unbiased.converting(arrays, from: .pyTorch, to: .firn()) }
  }

  // MARK: Keras

  private func kerasModel() throws -> (graph: Graph, output: Tensor, feeds: Feeds) {
    let graph = Graph()
    let indices = graph.placeholder("indices", shape: ["batch", 5], dtype: .i32)
    let words = Embedding(count: 6, width: 3, name: "embedding")(indices)
    let both = LSTM(4, isBidirectional: true, name: "both").run(words).sequence
    let output = Dense(2, name: "dense")(GRU(4, name: "gru").run(both).sequence)
    return (graph, output, [indices: try Self.expected("keras.indices")])
  }

  private static func kerasMap(_ directions: [String]) -> NameMap {
    .kerasRNN(RecurrentNetwork(.lstm, isBidirectional: true), from: directions, into: "both")
      + .kerasRNN(RecurrentNetwork(.gru(resetAfter: true)), from: "gru/gru_cell/", into: "gru") + .keras
  }

  @Test func kerassNamesComeAndGo() throws {
    let model = try kerasModel()
    let session = try Self.quiet(model.graph)
    let weights = try Self.weights("keras.npz")
    try session.load(weights, mapping: Self.kerasMap(["bidirectional/"]))
    #expect(try distance(session, model.output, model.feeds, from: "keras.output") <= 1e-6)
    let named = Self.kerasMap([
      "bidirectional/forward_lstm/lstm_cell/", "bidirectional/backward_lstm/lstm_cell/",
    ])
    let other = try Self.quiet(model.graph)
    try other.load(weights, mapping: named)
    #expect(try other.snapshot() == session.snapshot())
    try WeightFixtures.inFolder { folder in
      let path = path("keras.npz", in: folder)
      try session.save(to: path, mapping: named)
      let copy = try Weights(contentsOf: path)
      #expect(copy.entries.map(\.name).sorted() == weights.entries.map(\.name).sorted())
      for entry in weights.entries {
        #expect(try copy[entry.name]?.array().isBitwiseEqual(to: entry.array()) == true, "\(entry.name)")
      }
      // Under one prefix, names are Firn's, and load by the same map.
      let plain = folder.appendingPathComponent("plain.npz").path
      try session.save(to: plain, mapping: Self.kerasMap(["bidirectional/"]))
      let again = try Self.quiet(model.graph)
      try again.load(Weights(contentsOf: plain), mapping: Self.kerasMap(["bidirectional/"]))
      #expect(try again.snapshot() == session.snapshot())
    }
  }

  /// Old Keras numbers its layers and cells, and TensorFlow adds `:0`.
  @Test func bidirectionalNamesOfOldKeras() throws {
    let weights = try Self.weights("keras.npz")
    let renamed = try Weights(
      source: "old",
      entries: weights.entries.map { entry in
        let name = entry.name.replacing("_lstm/lstm_cell", with: "_lstm_3/lstm_cell_7")
        return WeightEntry(name: name + ":0", array: try entry.array())
      })
    let model = try kerasModel()
    let session = try Self.quiet(model.graph)
    try session.load(renamed, mapping: Self.kerasMap(["bidirectional/"]))
    #expect(try distance(session, model.output, model.feeds, from: "keras.output") <= 1e-6)
    let wrong = Self.kerasMap(["bidirectional/", "gru/", "other/"])
    let error = try #require(throws: FirnError.self) {
      try session.save(to: "/nowhere/a.npz", mapping: wrong)
    }
    #expect(error.code == .invalidArgument && error.message.hasPrefix("3 prefixes are given"), "\(error)")
  }

  // MARK: Several into one

  @Test(arguments: ["weight-norm-old", "weight-norm"]) func weightNorm(_ name: String) throws {
    let graph = Graph()
    let rows = graph.placeholder("rows", shape: ["batch", 3])
    let grids = graph.placeholder("grids", shape: ["batch", 3, 3, 2])
    let first = Dense(4, name: "first")(rows)
    let second = Conv2D(3, kernel: 2, padding: .valid, name: "second")(grids)
    let session = try Self.quiet(graph)
    let weights = try Self.weights("\(name).pth")
    try session.load(weights, mapping: .weightNorm.then(.pyTorch))
    let feeds: Feeds = [rows: try Self.expected("rows"), grids: try Self.expected("grids")]
    #expect(try distance(session, first, feeds, from: "\(name).first") <= 1e-6)
    #expect(try distance(session, second, feeds, from: "\(name).second") <= 1e-6)
    // Half of a pair is named, and a map that joins does not run backwards.
    let gains = ["first.weight_g", "first.parametrizations.weight.original0"]
    let half = try Weights(source: "half", entries: weights.entries.filter { !gains.contains($0.name) })
    let report = try session.load(half, mapping: .weightNorm.then(.pyTorch), strict: false)
    #expect(report.rows(.missing).map(\.variable) == ["first/kernel"])
    #expect(
      report.rows(.unconvertible).map(\.note) == [
        "`first.weight` is made from 2 tensors, of which 1 is there"
      ])
    let oneWay = try #require(throws: FirnError.self) {
      try session.save(to: "/nowhere/a.pth", mapping: .weightNorm.then(.pyTorch))
    }
    #expect(oneWay.code == .invalidArgument && oneWay.message.contains("does not run backwards"))
  }

  // MARK: Out again

  /// PyTorch → Firn → PyTorch: the same names but for a counter, the same bits.
  @Test func modulesComeAndGo() throws {
    let model = try Self.small()
    let session = try Self.quiet(model.graph)
    let weights = try Self.weights("parallel.pth").below("state_dict.module")
    try session.load(weights, mapping: .pyTorch)
    try WeightFixtures.inFolder { folder in
      let path = path("small.pth", in: folder)
      try session.save(to: path, mapping: .pyTorch)
      let copy = try Weights(contentsOf: path)
      let wanted = weights.entries.filter { $0.name != "bn.num_batches_tracked" }
      #expect(Set(copy.entries.map(\.name)) == Set(wanted.map(\.name)))
      for entry in wanted {
        #expect(try copy[entry.name]?.array().isBitwiseEqual(to: entry.array()) == true, "\(entry.name)")
      }
      // Under a prefix, of one scope, in another format.
      let wrapped = folder.appendingPathComponent("wrapped.safetensors").path
      try session.save(to: wrapped, from: "bn", mapping: .prefix("module.").then(.pyTorch))
      #expect(
        try Set(Weights(contentsOf: wrapped).entries.map(\.name)) == [
          "module.weight", "module.bias", "module.running_mean", "module.running_var",
        ])
    }
  }

  /// Types of PyTorch's that Firn does not compute with are written as they are.
  @Test func everyTypeOfPyTorchsIsWritten() throws {
    let types: [(StoredType, Int)] = [
      (.f16, 2), (.bf16, 2), (.u16, 2), (.f8e4m3, 1), (.i64, 8), (.bool, 1), (.f64, 8),
    ]
    try WeightFixtures.inFolder { folder in
      let raw = folder.appendingPathComponent("raw.safetensors").path
      var header = "{"
      var bytes: [UInt8] = []
      let names = ["F16", "BF16", "U16", "F8_E4M3", "I64", "BOOL", "F64"]
      for ((type, size), name) in zip(types, names) {
        let data: [UInt8] = type == .bool ? [1, 0] : (1...UInt8(2 * size)).map { $0 }
        header += header.count > 1 ? "," : ""
        header +=
          "\"\(type.rawValue)\":{\"dtype\":\"\(name)\",\"shape\":[2],"
          + "\"data_offsets\":[\(bytes.count),\(bytes.count + data.count)]}"
        bytes += data
      }
      header += "}"
      let length = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) }
      try Data(length + Array(header.utf8) + bytes).write(to: URL(fileURLWithPath: raw))
      let source = try Weights(contentsOf: raw)
      let path = path("types.pth", in: folder)
      try source.write(to: path)
      let copy = try Weights(contentsOf: path)
      #expect(copy.entries.map(\.name) == source.entries.map(\.name))
      #expect(copy.entries.map(\.storedType) == source.entries.map(\.storedType))
      let back = folder.appendingPathComponent("back.safetensors").path
      try copy.write(to: back)
      let again = try Weights(contentsOf: back)
      #expect(try again["f64"]?.array() == source["f64"]?.array() && again.entries.count == types.count)
      let odd = WeightEntry(name: "a", storedType: .f4, shape: [2]) { () throws(FirnError) in
        try NDArray(zeros: [2])
      }
      let error = try #require(throws: FirnError.self) {
        try Weights(source: "a", entries: [odd]).write(to: path + ".pt")
      }
      #expect(error.code == .invalidArgument && error.message.contains("f4"))
    }
  }
}
