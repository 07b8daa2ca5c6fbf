import Firn

// Word vectors that stay as they are, and a variant in which only the rows of new words learn.
//
// PyTorch freezes an embedding wholly (`Embedding.from_pretrained(…, freeze=True)`); for some rows people zero the
// gradient in a hook, and weight decay or Adam's momentum moves the "frozen" rows nevertheless. Here rows are part of the
// selection: the others have no gradient, no optimiser memory and no update.
reportingErrors {
  let vocabulary = 10
  let newWords = 8..<10
  let graph = Graph()
  let words = graph.placeholder("words", shape: ["batch", "time"], dtype: .i32)
  let labels = graph.placeholder("labels", shape: ["batch"], dtype: .i32)
  let vectors = Embedding(count: vocabulary, width: 6, name: "embedding")(words)
  let code = LSTM(8, name: "lstm")(vectors)
  let loss = sparseSoftmaxCrossEntropy(logits: Dense(2, name: "head")(code), labels: labels).mean()

  // Sentences of five words; wanted is whether a new word occurs.
  let draws = try Initializer.uniform(0, Double(vocabulary)).values(shape: [96, 5], seed: 4)
  let sentences = draws.rows.map { $0.map { Int32($0) } }
  let data: Feeds = [
    words: try NDArray(sentences.flatMap(\.self), shape: [96, 5]),
    labels: NDArray(sentences.map { Int32($0.contains { newWords.contains(Int($0)) } ? 1 : 0) }),
  ]

  let session = try Session(graph, seed: 1)
  let pretrained = try Initializer.normal(deviation: 0.5).values(shape: [vocabulary, 6], seed: 5)
  try session.setValue(pretrained, of: "embedding/table")

  // Weight decay, too, leaves alone what is frozen.
  let adam = Adam(learningRate: 0.02, weightDecay: 0.01)
  let variants: [(name: String, thawed: Selection?)] = [
    ("whole table frozen", nil), ("only the new words' rows trained", "embedding/table[8..<10]"),
  ]
  for variant in variants {
    let program = try session.compile(
      minimizing: loss, with: adam, freezing: "embedding", thawing: variant.thawed)
    print(variant.name)
    let row = program.status.variables[0]
    print("  \(row.name) - \(row.status.rawValue) - \(row.reason)")
    var losses: [Double] = []
    for _ in 1...60 { losses.append(try session.run(program, feeding: data).scalar(loss)) }
    let now = try session.value(of: "embedding/table").rows
    let moved = (0..<vocabulary).filter { now[$0] != pretrained.rows[$0] }
    print("  loss \(losses[0]) -> \(losses[59])")
    print("  rows moved:", moved.isEmpty ? "none" : moved.map(String.init).joined(separator: ", "))
    print("  optimiser memory of the table:", program.cost(of: "embedding").slotBytes, "bytes")
  }
}
