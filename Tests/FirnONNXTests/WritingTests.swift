import FirnFiles
import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
import FirnRuntime
import FirnTraining
import Foundation
import Testing

@testable import FirnONNX

/// What is written as which operator, beside the model, and about training.
@Suite struct WritingTests {
  private static let input: [Float] = (0..<60).map { (index: Int) -> Float in Float(index % 11) / 7 - 0.6 }

  /// The operators of a written model, and whether it gives the same numbers when it is read again.
  private func written(_ make: (Tensor) -> [Tensor]) throws -> (operators: Set<String>, isSame: Bool) {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 5, 4])
    let outputs = make(x)
    let session = try Session(graph, threads: 1)
    session.onWarning = { _ in }
    let bytes = try session.model(of: outputs, limit: 1 << 24)
    let message = try ModelMessage(Bytes(copying: bytes), source: "model")
    let again = try ONNXModel(Bytes(copying: bytes), source: "model", path: nil)
    let feed = try NDArray(Self.input, shape: [3, 5, 4])
    let first = try session.run(session.compile(fetching: outputs), feeding: [x: feed])
    let second = try Session(again.graph, threads: 1)
    let results = try second.run(
      second.compile(fetching: again.outputs.map(\.tensor)), feeding: [again.inputs[0].tensor: feed])
    var isSame = again.graph.variables.map(\.name).sorted() == graph.variables.map(\.name).sorted()
    for (output, other) in zip(outputs, again.outputs) {
      let (a, b) = (try first[output], try results[other.tensor])
      isSame = isSame && a.shape == b.shape && zip(a.doubles, b.doubles).allSatisfy { abs($0 - $1) < 1e-6 }
    }
    return (Set(message.graph?.nodes.map(\.op) ?? []), isSame)
  }

  @Test func recurrentLoopsAreRecurrentOperators() throws {
    let layers: [(String, (Tensor) -> [Tensor])] = [
      ("LSTM", { [LSTM(3, name: "rnn")($0)] }),
      ("LSTM", { [LSTM(3, layers: 2, isBidirectional: true, name: "rnn").run($0).sequence] }),
      ("LSTM", { [LSTM(3, biases: .separate, name: "rnn").run($0).sequence] }),
      ("LSTM", { [LSTM(3, biases: .none, name: "rnn").run($0).sequence] }),
      ("GRU", { [GRU(3, name: "rnn")($0)] }),
      ("GRU", { [GRU(3, isBidirectional: true, name: "rnn").run($0).sequence] }),
      ("GRU", { [GRU(3, resetAfter: false, name: "rnn")($0)] }),
      ("GRU", { [GRU(3, resetAfter: false, usesBias: false, name: "rnn")($0)] }),
      (
        "GRU", { [GRU(3, resetAfter: false, layers: 2, isBidirectional: true, name: "rnn").run($0).sequence] }
      ),
      ("RNN", { [SimpleRNN(3, name: "rnn")($0)] }),
    ]
    for (number, (name, make)) in layers.enumerated() {
      let (operators, isSame) = try written(make)
      #expect(operators.contains(name) && !operators.contains("Scan"), "\(number): \(operators)")
      #expect(isSame, "\(number)")
    }
  }

  /// What a step reads may be cut out of weights, as the importer does with biases; nothing of that is left behind.
  @Test(arguments: [0, 1], [false, true]) func importedLoopsAreTheirOperatorAgain(
    _ linear: Int, _ hasBias: Bool
  ) throws {
    let (units, features) = (3, 4)
    func weight(_ name: String, _ shape: [Int]) throws -> TensorMessage {
      TensorMessage(name, try Initializer.uniform(-0.5, 0.5).values(shape: shape, name: name))
    }
    var initializers = [
      try weight("gru.weight_ih", [1, 3 * units, features]),
      try weight("gru.weight_hh", [1, 3 * units, units]),
    ]
    if hasBias { initializers.append(try weight("gru.bias", [1, 6 * units])) }
    let bytes = HandModel.model(
      [
        HandModel.node(
          "GRU", ["x"] + initializers.map(\.name), ["y", "last"], name: "/gru/GRU",
          [HandModel.attribute("hidden_size", units), HandModel.attribute("linear_before_reset", linear)])
      ], inputs: [HandModel.value("x", ["5", "2", "4"])], outputs: ["y", "last"], initializers: initializers)
    let first = try HandModel.read(bytes)
    let session = try Session(first.graph, threads: 1)
    let model = try session.model(of: first.outputs.map(\.tensor), limit: 1 << 24)
    let nodes = try ModelMessage(Bytes(copying: model), source: "model").graph?.nodes ?? []
    let again = nodes.filter { $0.op == "GRU" }
    #expect(
      again.count == 1 && again[0].attributes.first { $0.name == "linear_before_reset" }?.integer == linear)
    #expect(!nodes.contains { ["Scan", "Split", "Slice"].contains($0.op) }, "\(nodes.map(\.op))")
    let second = try HandModel.read(model)
    #expect(first.graph.variables.map(\.name) == second.graph.variables.map(\.name))
    #expect(first.graph.variables.count == (hasBias ? 4 : 2))
    let feed = try NDArray(Self.input.prefix(40).map { $0 }, shape: [5, 2, 4])
    func outputs(_ model: ONNXModel) throws -> [NDArray] {
      let session = try Session(model.graph, threads: 1)
      let program = try session.compile(fetching: model.outputs.map(\.tensor))
      let results = try session.run(program, feeding: [model.inputs[0].tensor: feed])
      return try model.outputs.map { try results[$0.tensor] }
    }
    for (a, b) in zip(try outputs(first), try outputs(second)) {
      #expect(a.shape == b.shape && zip(a.doubles, b.doubles).allSatisfy { abs($0 - $1) < 1e-6 })
    }
  }

  /// Steps past the end of a sequence are what `sequence_lens` says, and no loop of their own.
  @Test func lengthsOfSequencesAreWritten() throws {
    func lengths(_ x: Tensor) -> Tensor { x.argmax(axis: -1).max(axes: [1]) + 1 }
    let layers: [(String, (Tensor) -> [Tensor])] = [
      (
        "LSTM",
        { x in
          let output = LSTM(3, layers: 2, isBidirectional: true, name: "rnn").run(x, lengths: lengths(x))
          return [output.sequence, output.last]
        }
      ),
      ("GRU", { [GRU(3, name: "rnn").run($0, lengths: lengths($0)).sequence] }),
      ("GRU", { [GRU(3, resetAfter: false, name: "rnn").run($0, lengths: lengths($0)).sequence] }),
      ("RNN", { [SimpleRNN(3, name: "rnn").run($0, lengths: lengths($0)).last] }),
    ]
    for (number, (name, make)) in layers.enumerated() {
      let (operators, isSame) = try written(make)
      #expect(operators.contains(name) && !operators.contains("Scan"), "\(number): \(operators)")
      #expect(isSame, "\(number)")
    }
    // Another mask is another loop.
    let (operators, isSame) = try written { x in
      let steps = x.transposed([1, 0, 2])
      let zero = x.graph.constant(0).broadcast(to: [x.extent(0), 4])
      let w = x.graph.variable("w", shape: [4, 4])
      let u = x.graph.variable("u", shape: [4, 4])
      let mask = greater(steps.max(axes: [2]), x.graph.constant(0))
      return [
        scan(over: [steps, mask], initial: [zero]) { at in
          let next = tanh(matmul(at.slices[0], w) + matmul(at.carries[0], u))
          let isWithin = at.slices[1].reshaped(to: [x.extent(0), 1])
          return ScanResult(carries: [select(where: isWithin, next, otherwise: at.carries[0])])
        }.carries[0]
      ]
    }
    #expect(operators.contains("Scan") && isSame, "\(operators)")
  }

  @Test func otherLoopsAreScans() throws {
    let loops: [(Tensor) -> [Tensor]] = [
      { [GRU(3, resetAfter: false, recurrentActivation: .keras2HardSigmoid, name: "rnn")($0)] },
      { x in
        let steps = x.transposed([1, 0, 2])
        let zero = x.graph.constant(0).broadcast(to: [x.extent(0), 4])
        return [
          scan(over: [steps], initial: [zero]) { ScanResult(carries: [$0.carries[0] + $0.slices[0]]) }
            .carries[0]
        ]
      },
    ]
    for (number, make) in loops.enumerated() {
      let (operators, isSame) = try written(make)
      #expect(operators.contains("Scan") && isSame, "\(number): \(operators)")
    }
  }

  @Test func lossesAreOperatorsToo() throws {
    let (operators, isSame) = try written { x in
      let labels = x.argmax(axis: -1)
      let flat = x.reshaped(to: [x.extent(0) * 5, 4])
      return [
        sparseSoftmaxCrossEntropy(logits: x, labels: labels).mean(),
        sparseSoftmaxCrossEntropy(logits: flat, labels: labels.reshaped(to: [x.extent(0) * 5])).mean(),
        softmaxCrossEntropy(logits: x, labels: softmax(x)).mean(), meanSquaredError(x, sin(x)),
        sigmoidCrossEntropy(logits: x, labels: sigmoid(x)).mean(),
      ]
    }
    #expect(operators.contains("SoftmaxCrossEntropyLoss") && isSame)
  }

  @Test func largeWeightsLieBesideTheModel() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("firn-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let graph = Graph()
    let x = graph.placeholder("x", shape: [2, 20])
    let y = Dense(30, name: "head")(Dense(40, name: "body")(x))
    let session = try Session(graph, threads: 1)
    session.onWarning = { _ in }
    let path = folder.appendingPathComponent("model.onnx").path
    try session.writeONNX([y], to: path, weightsBeside: true)
    let sizes = try [path, path + ".data"].map {
      try #require(try FileManager.default.attributesOfItem(atPath: $0)[.size] as? Int)
    }
    #expect(sizes[0] < 4000 && sizes[1] >= 4 * (20 * 40 + 40 * 30))
    let again = try ONNXModel(contentsOfFile: path)
    for variable in graph.variables {
      let other = try Session(again.graph, threads: 1).value(of: variable.name)
      #expect(try session.value(of: variable.name).isBitwiseEqual(to: other))
    }
  }

  /// A model and the values beside it are those of one writing, whatever fails in the next.
  @Test func aModelAndItsValuesAreReplacedTogether() throws {
    let files = FileManager.default
    let folder = files.temporaryDirectory.appendingPathComponent("firn-\(UUID().uuidString)").path
    try files.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? files.removeItem(atPath: folder) }
    let (model, link) = (folder + "/model.onnx", folder + "/link.onnx")
    let graph = Graph()
    let x = graph.placeholder("x", shape: [2, 20])
    let y = Dense(30, name: "head")(x)
    let drawn = y * graph.randomUniform([2, 30])
    let session = try Session(graph, threads: 1)
    session.onWarning = { _ in }
    try session.writeONNX([y], to: model, weightsBeside: true)
    func contents() throws -> [String: Data] {
      var result: [String: Data] = [:]
      for name in try files.contentsOfDirectory(atPath: folder) {
        result[name] = files.contents(atPath: folder + "/" + name)
      }
      return result
    }
    func requireUnchanged(_ reason: String, _ write: () throws -> Void) throws {
      let before = try contents()
      do {
        try write()
        Issue.record("it was written: \(reason)")
      } catch { #expect("\(error)".contains(reason), "\(error)") }
      #expect(try contents() == before, "\(reason)")
    }
    try session.setValue(NDArray(zeros: [30]), of: "head/bias")
    // What ONNX has not shows while values are written.
    try requireUnchanged("random_uniform") { try session.writeONNX([drawn], to: model, weightsBeside: true) }
    // The model cannot be made, where its values could.
    try files.createSymbolicLink(atPath: link, withDestinationPath: folder + "/none/model.onnx")
    try files.copyItem(atPath: model + ".data", toPath: link + ".data")
    try session.setValue(NDArray(zeros: [20, 30]), of: "head/kernel")
    try requireUnchanged("there is no directory") {
      try session.writeONNX([y], to: link, weightsBeside: true)
    }
    // The values cannot, where the model could.
    try files.removeItem(atPath: model + ".data")
    try files.createDirectory(atPath: model + ".data", withIntermediateDirectories: true)
    try requireUnchanged("it is a directory") { try session.writeONNX([y], to: model, weightsBeside: true) }
  }

  @Test func whatLearnsIsSaidAndReadAgain() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 5])
    // A constant stays one, which training does not update either.
    let code = relu(Dense(4, name: "body")(x)) * graph.constant(NDArray([2] as [Float]))
    let y = Dense(3, name: "head")(code)
    let loss = square(y).mean()
    let session = try Session(graph, threads: 1)
    session.onWarning = { _ in }
    let program = try session.compile(minimizing: loss, with: SGD(learningRate: 0.1), freezing: "body")
    let bytes = try session.model(
      of: [y], training: ONNXTraining(program, loss: loss, learningRate: 0.1), limit: 1 << 24)
    let message = try ModelMessage(Bytes(copying: bytes), source: "model")
    #expect(message.training.first?.updates.map(\.key) == ["head/kernel", "head/bias"])
    let again = try ONNXModel(Bytes(copying: bytes), source: "model", path: nil)
    #expect(again.outputs.map(\.name).contains(loss.name))
    let trainable = again.graph.variables.filter(\.isTrainable).map(\.name)
    #expect(Set(trainable) == ["head/kernel", "head/bias"])
    #expect(again.graph.variables.map(\.name).sorted() == graph.variables.map(\.name).sorted())
    // Without metadata the updates say it.
    var bare = message
    for index in bare.graph?.initializers.indices ?? 0..<0 { bare.graph?.initializers[index].metadata = [] }
    var writer = MessageWriter()
    bare.write(to: &writer)
    let plain = try ONNXModel(Bytes(copying: writer.bytes), source: "model", path: nil)
    #expect(Set(plain.graph.variables.filter(\.isTrainable).map(\.name)) == ["head/kernel", "head/bias"])
  }
}
