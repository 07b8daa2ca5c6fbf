import FirnNotation
import FirnFormats
import FirnGraph
import FirnNN
import FirnOps
import FirnRuntime
import Testing

/// Names of other frameworks, into variables.
@Suite struct NameMapTests {
  private func session(_ variables: KeyValuePairs<String, Shape>) throws -> Session {
    let graph = Graph()
    for (name, shape) in variables { _ = graph.variable(name, shape: shape, initializer: .zeros) }
    return try quietSession(graph)
  }

  private func weights(_ entries: KeyValuePairs<String, [Int]>) throws -> Weights {
    try Weights(
      source: "test", entries: entries.map { WeightEntry(name: $0.key, array: try noise($0.value, $0.key)) })
  }

  @Test func patternsCountAndCapture() throws {
    let session = try session([
      "layer_1/attention/kernel": [3, 2], "layer_2/output/kernel": [3, 2], "x": [1],
    ])
    let stored = try weights([
      "h.0.attention.weight": [2, 3], "h.1.output.weight": [2, 3], "model/a1": [1], "extra": [1],
    ])
    try session.load(
      stored,
      mapping: .renaming("h.{n}.{part}.weight", to: "layer_{n+1}/{part}/kernel", .transposed)
        + .regex(#"model/a(\d)"#, to: "x") + .ignoring("extra"))
    #expect(
      try session.value(of: "layer_2/output/kernel")
        == WeightTransform.transposed(noise([2, 3], "h.1.output.weight")))
    #expect(try session.value(of: "x") == noise([1], "model/a1"))
    for faulty in [
      NameMap.renaming("h.{n", to: "a"), .renaming("h.{n}.{p}.weight", to: "{q}"), .regex("(", to: ""),
      .renaming("h.{n}.{p}.weight", to: "{p+1}"), .renaming("{n+1}", to: "a"),
    ] {
      #expect(throws: FirnError.self) { _ = try session.load(stored, mapping: faulty, strict: false) }
    }
  }

  /// A number out of a file's name, as large as any.
  @Test(arguments: ["{n+1}", "{n-1}"]) func numbersTooLargeToCountOnFromAreErrors(_ target: String) throws {
    let name = target == "{n+1}" ? "x.\(Int.max).y" : "x.\(Int.min).y"
    let error = try error {
      _ = try session(["a": [1]]).load(
        weights([name: [1]]), mapping: .renaming("x.{n}.y", to: "a/\(target)"), strict: false)
    }
    #expect(error.message.contains("too large to count on from"))
  }

  /// The first rule that is about a tensor decides, so a source never has two targets.
  @Test func firstRuleDecides() throws {
    let session = try session(["a": [1], "b": [1]])
    let report = try session.load(
      weights(["w": [1]]), mapping: .regex("w", to: "a") + .regex("w", to: "b"), strict: false)
    #expect(report.rows(.matched).map(\.variable) == ["a"])
    #expect(report.rows(.missing).map(\.variable) == ["b"])
  }

  @Test func torchvisionResNetNames() throws {
    let session = try session([
      "conv1/kernel": [7, 7, 3, 4], "bn1/gamma": [4], "bn1/beta": [4], "bn1/moving_mean": [4],
      "bn1/moving_variance": [4], "layer1/0/conv1/kernel": [3, 3, 4, 5], "layer1/0/downsample/1/gamma": [5],
      "fc/kernel": [5, 10], "fc/bias": [10],
    ])
    let report = try session.load(
      weights([
        "conv1.weight": [4, 3, 7, 7], "bn1.weight": [4], "bn1.bias": [4], "bn1.running_mean": [4],
        "bn1.running_var": [4], "bn1.num_batches_tracked": [], "layer1.0.conv1.weight": [5, 4, 3, 3],
        "layer1.0.downsample.1.weight": [5], "fc.weight": [10, 5], "fc.bias": [10],
      ]), mapping: .torchvisionResNet, strict: true)
    #expect(report.isComplete && report.rows(.ignored).map(\.sources) == [["bn1.num_batches_tracked"]])
    #expect(report.rows(.converted).map(\.note) == ["axes 2 3 1 0", "axes 2 3 1 0", "transposed"])
    #expect(try session.value(of: "bn1/moving_variance") == noise([4], "bn1.running_var"))
    #expect(
      try session.value(of: "layer1/0/conv1/kernel")
        == WeightTransform.convolution(noise([5, 4, 3, 3], "layer1.0.conv1.weight")))
  }

  @Test func torchvisionVGGFlattensChannelsLast() throws {
    let session = try session([
      "features/0/kernel": [3, 3, 3, 2], "features/0/bias": [2], "classifier/0/kernel": [24, 5],
      "classifier/0/bias": [5],
    ])
    try session.load(
      weights([
        "features.0.weight": [2, 3, 3, 3], "features.0.bias": [2], "classifier.0.weight": [5, 24],
        "classifier.0.bias": [5],
      ]), mapping: .torchvisionVGG(outputs: 5, flattening: (2, 3, 4)))
    let stored = try noise([5, 24], "classifier.0.weight").rows
    let kernel = try session.value(of: "classifier/0/kernel").rows
    // Channel 1, row 2, column 3 of the image.
    #expect((0..<5).allSatisfy { kernel[(2 * 4 + 3) * 2 + 1][$0] == stored[$0][(1 * 3 + 2) * 4 + 3] })
  }

  /// An embedding's table is `weight` too, and is not transposed.
  @Test func modulesGoByTheVariablesThereAre() throws {
    let session = try session(["embedding/table": [6, 3], "norm/gamma": [3], "norm/beta": [3]])
    try session.load(
      weights(["embedding.weight": [6, 3], "norm.weight": [3], "norm.bias": [3]]), mapping: .pyTorch)
    #expect(try session.value(of: "embedding/table") == noise([6, 3], "embedding.weight"))
  }

  // MARK: Recurrent networks

  @Test(arguments: ["pytorch", "keras", "tensorflow"]) func recurrentNetworks(_ framework: String) throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 4, 3])
    _ = graph.scope("encoder") { LSTM(5, name: "lstm")(x) }
    _ = Dense(2, name: "head")(x)
    let network = RecurrentNetwork(.lstm)
    let layout: RecurrentLayout =
      switch framework {
      case "pytorch": .pyTorch
      case "keras": .keras
      default: .tensorFlow1()
      }
    let source = try quietSession(graph, seed: 4)
    let own = try source.snapshot("encoder").values
    let arrays = Dictionary(uniqueKeysWithValues: own.map { (String($0.name.dropFirst(13)), $0.array) })
    let foreign = try network.converting(arrays, from: .firn(), to: layout)
    let prefix = framework == "pytorch" ? "rnn." : "rnn/"
    var entries = foreign.keys.sorted().map {
      WeightEntry(name: prefix + $0, array: foreign[$0] ?? NDArray([0 as Float]))
    }
    let head = try source.snapshot("head").values
    let map: NameMap
    if framework == "pytorch" {
      entries.append(WeightEntry(name: "head.weight", array: try WeightTransform.transposed(head[0].array)))
      entries.append(WeightEntry(name: "head.bias", array: head[1].array))
      map = .pyTorchRNN(network, from: prefix, into: "encoder/lstm") + .pyTorch
    } else {
      entries.append(WeightEntry(name: "head/kernel:0", array: head[0].array))
      entries.append(WeightEntry(name: "head/bias", array: head[1].array))
      entries.append(WeightEntry(name: "head/bias/Adam_1", array: head[1].array))
      // As a checkpoint of a run has it: slots below the network's own prefix.
      for name in foreign.keys.sorted() {
        entries.append(WeightEntry(name: prefix + name + "/Adam", array: NDArray([0 as Float])))
      }
      entries.append(WeightEntry(name: "global_step", array: NDArray([7 as Int32])))
      map =
        framework == "keras"
        ? .kerasRNN(network, from: prefix, into: "encoder/lstm") + .keras
        : .tensorFlow1RNN(network, from: prefix, into: "encoder/lstm") + .tensorFlow1
    }
    let target = try quietSession(graph, seed: 5)
    try target.load(Weights(source: framework, entries: entries), mapping: map)
    for (mine, its) in try zip(target.snapshot().values, source.snapshot().values) {
      // TensorFlow's forget bias is subtracted on the way out and added on the way in.
      for (a, b) in zip(mine.array.doubles, its.array.doubles) { #expect(abs(a - b) <= 1e-6) }
    }
    // A weight that is missing, or of another network, is named.
    entries.removeFirst()
    let short = try Weights(source: framework, entries: entries)
    let report = try target.load(short, mapping: map, strict: false)
    #expect(report.rows(.unconvertible).count == 1)
    #expect(report.rows(.missing).map(\.variable).contains("encoder/lstm/kernel"))
    let refused = try error { try target.load(short, mapping: map) }
    #expect(refused.description.contains("is missing"))
  }
}
