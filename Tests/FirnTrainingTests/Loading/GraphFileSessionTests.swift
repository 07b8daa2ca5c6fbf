import FirnFormats
import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
import FirnRuntime
import FirnTraining
import Foundation
import Testing

/// A model that one program wrote runs in another that never built it.
@Suite struct GraphFileSessionTests {
  /// Embedding, a loop, dropout, a batch norm and a scope that is declared frozen.
  private struct Model {
    let graph = Graph()
    let (logits, loss): (Tensor, Tensor)

    init() {
      let words = graph.placeholder("words", shape: ["batch", 3], dtype: .i32)
      let labels = graph.placeholder("labels", shape: ["batch"], dtype: .i32)
      let vectors = graph.scope("frozen", trainable: false) {
        Embedding(count: 6, width: 4, name: "embedding")(words)
      }
      let states = Dropout(0.4)(LSTM(5, name: "lstm").run(vectors).last)
      let head = Sequential(BatchNorm(), Dense(3), name: "head")
      logits = head(states)
      loss = sparseSoftmaxCrossEntropy(logits: logits, labels: labels).mean()
    }
  }

  private func folder<R>(_ body: (String) throws -> R) throws -> R {
    let path = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try body(path)
  }

  private let feeds: Feeds

  init() throws {
    feeds = [
      "words": try NDArray([1, 2, 3, 4, 5, 0] as [Int32], shape: [2, 3]),
      "labels": NDArray([2, 0] as [Int32]),
    ]
  }

  @Test func aModelOfAnotherProgramRunsToTheSameBits() throws {
    let model = Model()
    let writer = try quietSession(model.graph, seed: 7)
    let training = try writer.compile(minimizing: model.loss, with: Adam(learningRate: 0.01))
    for _ in 0..<3 { try writer.run(training, feeding: feeds) }
    try folder { path in
      try model.graph.write(to: path + "/model.firn", loss: model.loss)
      try writer.save(to: path + "/weights.safetensors")
      let reader = try Session(
        contentsOfFile: path + "/model.firn", weights: path + "/weights.safetensors", seed: 7, threads: 1)
      reader.onWarning = { _ in }
      #expect(try reader.snapshot() == writer.snapshot())
      #expect(reader.graph.loss?.name == model.loss.name)
      #expect(reader.graph.definition.text == GraphDef(model.graph.definition, loss: model.loss.name).text)
      // Both start memory and the count of runs anew.
      let other = try quietSession(model.graph, seed: 7)
      try other.load(writer.weights())
      let name = model.logits.name
      let evaluations = (
        try reader.compile(fetching: [name]), try other.compile(fetching: [model.logits])
      )
      #expect(
        try reader.run(evaluations.0, feeding: feeds)[name].isBitwiseEqual(
          to: other.run(evaluations.1, feeding: feeds)[model.logits]))
      let steps = (
        try reader.compile(
          minimizing: #require(reader.graph.loss), with: Adam(learningRate: 0.01), freezing: "lstm/bias"),
        try other.compile(minimizing: model.loss, with: Adam(learningRate: 0.01), freezing: "lstm/bias")
      )
      #expect(steps.0.frozen.map(\.name) == steps.1.frozen.map(\.name) && steps.0.frozen.count == 2)
      for _ in 0..<3 {
        let a = try reader.run(steps.0, feeding: feeds).scalar(model.loss.name)
        let b = try other.run(steps.1, feeding: feeds).scalar(model.loss)
        #expect(a == b)
      }
      #expect(try reader.snapshot() == other.snapshot())
    }
  }

  /// First values too are those of whoever built it, and more can be built on what was read.
  @Test func whatWasReadCanBeBuiltOn() throws {
    let model = Model()
    let definition = try GraphDef(parsing: model.graph.definition.text, catalogue: .standard)
    let session = try Session(definition, seed: 3, threads: 1)
    #expect(try session.snapshot() == quietSession(model.graph, seed: 3).snapshot())
    let graph = session.graph
    let logits = try #require(graph.tensor(named: model.logits.name))
    let more = graph.scope("head") { Dense(1, name: "score")(logits) }
    let numbered = graph.newScope("lstm") { graph.scopePath }
    try graph.validate()
    #expect(numbered == "lstm_1" && graph.variables.last?.name == "head/score/bias")
    let scores = try session.run(session.compile(fetching: [more]), feeding: feeds)[more]
    #expect(scores.shape == [2, 1])
    #expect(throws: FirnError.self) { try session.compile(minimizing: "nothing", with: SGD(learningRate: 1)) }
  }

  /// Nothing is half done where the weights are another model's.
  @Test func weightsOfAnotherModelAreRefused() throws {
    try folder { path in
      let model = Model()
      try model.graph.write(to: path + "/model.firn")
      try Weights(source: "test", entries: [WeightEntry(name: "a", array: NDArray(zeros: [2]))]).write(
        to: path + "/weights.npz")
      let fault = try #require(throws: FirnError.self) {
        try Session(contentsOfFile: path + "/model.firn", weights: path + "/weights.npz")
      }
      #expect(fault.code == .unknownName && fault.message.contains("nothing was loaded"), "\(fault)")
      #expect(throws: FirnError.self) { try Session(contentsOfFile: path + "/absent.firn") }
    }
  }
}

extension GraphDef {
  fileprivate init(_ definition: GraphDef, loss: String) {
    self = definition
    lossName = loss
  }
}
