import Firn

/// The model that the pages Docs/FromTensorFlow.md and Docs/FromPyTorch.md talk about.
struct Classifier {
  let graph: Graph
  let words: Tensor
  let labels: Tensor
  let logits: Tensor
  let loss: Tensor
  let session: Session

  init(seed: UInt64 = 1) throws {
    let graph = Graph()
    let words = graph.placeholder("words", shape: ["batch", "time"], dtype: .i32)
    let labels = graph.placeholder("labels", shape: ["batch"], dtype: .i32)
    let code = graph.scope("encoder") {
      let vectors = Embedding(count: 50, width: 8, name: "embedding")(words)
      return LSTM(16, layers: 2, name: "lstm")(vectors)
    }
    let logits = Dense(4, name: "head")(code)
    let loss = sparseSoftmaxCrossEntropy(logits: logits, labels: labels).mean()
    let session = try Session(graph, seed: seed)
    session.onWarning = { _ in }  // the pages freeze what nobody has loaded
    (self.graph, self.words, self.labels, self.session) = (graph, words, labels, session)
    (self.logits, self.loss) = (logits, loss)
  }

  /// Eight sentences of six words.
  func data() throws -> Feeds {
    let draws = try Initializer.uniform(0, 50).values(shape: [8, 6], seed: 2)
    return [
      words: draws.converted(to: .i32), labels: NDArray([0, 1, 2, 3, 0, 1, 2, 3] as [Int32]),
    ]
  }

  /// Forty sentences of six words; the first word decides the class.
  func sentences() throws -> DataSet {
    let draws = try Initializer.uniform(0, 50).values(shape: [40, 6], seed: 3).converted(to: .i32)
    return try DataSet([words: draws, labels: NDArray(draws.rows.map { Int32($0[0]) % 4 })])
  }
}
