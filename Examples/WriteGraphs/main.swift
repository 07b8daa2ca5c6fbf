import Firn

// The graphs of Examples/Graphs, which `firn` answers questions about.
//
//     WriteGraphs              prints what it would write
//     WriteGraphs DIRECTORY    writes the three files there
//
// A graph can be written before it has been compiled: the file holds what was built, not what was made of it.

/// Sequences of 20 features, three layers of LSTM, ten classes.
func lstmClassifier() -> Graph {
  let graph = Graph()
  let sequence = graph.placeholder("sequence", shape: ["batch", "time", 20])
  let labels = graph.placeholder("labels", shape: ["batch"], dtype: .i32)
  let code = graph.scope("encoder") {
    let first = LSTM(64, name: "layer_0").run(sequence).sequence
    let second = LSTM(64, name: "layer_1").run(first).sequence
    return LSTM(64, name: "layer_2").run(second).hidden
  }
  let logits = Dense(10, name: "head")(code)
  graph.scope("loss") { _ = sparseSoftmaxCrossEntropy(logits: logits, labels: labels).mean() }
  return graph
}

/// Words of a vocabulary of 5,000, embedded, read by an LSTM, sorted into four classes.
func textClassifier() -> Graph {
  let graph = Graph()
  let words = graph.placeholder("words", shape: ["batch", "time"], dtype: .i32)
  let labels = graph.placeholder("labels", shape: ["batch"], dtype: .i32)
  let vectors = Embedding(count: 5000, width: 32, name: "embedding")(words)
  let code = LSTM(48, name: "lstm")(vectors)
  let hidden = Dropout(0.2)(Dense(32, activation: .relu, name: "dense")(code))
  let logits = Dense(4, name: "head")(hidden)
  graph.scope("loss") { _ = sparseSoftmaxCrossEntropy(logits: logits, labels: labels).mean() }
  return graph
}

/// A cell of one's own, h' = tanh(x · W_fixed + h · W_trainable), whose first matrix is declared fixed.
func customCell() -> Graph {
  let graph = Graph()
  let sequence = graph.placeholder("sequence", shape: ["batch", "time", 3])
  let target = graph.placeholder("target", shape: ["batch", 8])
  let state = graph.scope("cell") {
    let fixed = graph.variable("W_fixed", shape: [3, 8], role: "kernel", trainable: false)
    let trainable = graph.variable(
      "W_trainable", shape: [8, 8], role: "recurrent_kernel", initializer: .orthogonal())
    let zeros = graph.constant(0).broadcast(to: [sequence.extent(0), 8])
    return scan(over: [sequence.transposed([1, 0, 2])], initial: [zeros]) { step in
      let next = tanh(matmul(step.slices[0], fixed) + matmul(step.carries[0], trainable))
      return ScanResult(carries: [next])
    }.carries[0]
  }
  graph.scope("loss") { _ = meanSquaredError(state, target) }
  return graph
}

let graphs = [
  ("lstm-classifier.firn", lstmClassifier()), ("text-classifier.firn", textClassifier()),
  ("custom-cell.firn", customCell()),
]
for (name, graph) in graphs {
  if let directory = CommandLine.arguments.dropFirst().first {
    try graph.write(to: "\(directory)/\(name)")
  } else {
    print(name)
    print(graph.definition.text(includingLocations: true))
  }
}
