import Firn

// The graphs of Examples/Graphs, which `firn` answers questions about.
//
//     WriteGraphs              prints what it would write
//     WriteGraphs DIRECTORY    writes the files there
//
// A graph can be written before it has been compiled: the file holds what was built, not what was made of it.

/// Sequences of 20 features, three layers of LSTM, ten classes.
func lstmClassifier() -> (Graph, loss: Tensor) {
  let graph = Graph()
  let sequence = graph.placeholder("sequence", shape: ["batch", "time", 20])
  let labels = graph.placeholder("labels", shape: ["batch"], dtype: .i32)
  let code = graph.scope("encoder") {
    let first = LSTM(64, name: "layer_0").run(sequence).sequence
    let second = LSTM(64, name: "layer_1").run(first).sequence
    return LSTM(64, name: "layer_2").run(second).hidden
  }
  let logits = Dense(10, name: "head")(code)
  let loss = graph.scope("loss") { sparseSoftmaxCrossEntropy(logits: logits, labels: labels).mean() }
  return (graph, loss)
}

/// Words of a vocabulary of 5,000, embedded, read by an LSTM, sorted into four classes.
func textClassifier() -> (Graph, loss: Tensor) {
  let graph = Graph()
  let words = graph.placeholder("words", shape: ["batch", "time"], dtype: .i32)
  let labels = graph.placeholder("labels", shape: ["batch"], dtype: .i32)
  let vectors = Embedding(count: 5000, width: 32, name: "embedding")(words)
  let code = LSTM(48, name: "lstm")(vectors)
  let hidden = Dropout(0.2)(Dense(32, activation: .relu, name: "dense")(code))
  let logits = Dense(4, name: "head")(hidden)
  let loss = graph.scope("loss") { sparseSoftmaxCrossEntropy(logits: logits, labels: labels).mean() }
  return (graph, loss)
}

/// A cell of one's own, h' = tanh(x · W_fixed + h · W_trainable), whose first matrix is declared fixed.
func customCell() -> (Graph, loss: Tensor) {
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
  let loss = graph.scope("loss") { meanSquaredError(state, target) }
  return (graph, loss)
}

/// Small images, two convolutional layers with batch norm, ten classes.
func digitsNetwork() -> (Graph, loss: Tensor) {
  let graph = Graph()
  let images = graph.placeholder("images", shape: ["batch", 8, 8, 1])
  let labels = graph.placeholder("labels", shape: ["batch"], dtype: .i32)
  let logits = Dense(10, name: "head")(DigitsCNN().features(images))
  let loss = graph.scope("loss") { sparseSoftmaxCrossEntropy(logits: logits, labels: labels).mean() }
  return (graph, loss)
}

/// What a custom cell may hold before and after some training: numbers that are the same on every machine.
func cellWeights(afterTraining isTrained: Bool) throws -> Weights {
  func matrix(_ rows: Int, step: Float) throws -> NDArray {
    let values = (0..<rows * 8).map { (index: Int) -> Float in
      let start = Float(index * 7 % 11 - 5) / 16
      return start + Float(index % 3) * step
    }
    return try NDArray(values, shape: [rows, 8])
  }
  return try Weights(
    source: "custom-cell",
    entries: [
      WeightEntry(name: "cell/W_fixed", array: matrix(3, step: 0)),
      WeightEntry(name: "cell/W_trainable", array: matrix(8, step: isTrained ? 0.0078125 : 0)),
    ] + (isTrained ? [WeightEntry(name: "step", array: NDArray([100 as Int32]))] : []),
    metadata: [.init(key: "model", value: "custom-cell")])
}

reportingErrors {
  let graphs = [
    ("lstm-classifier.firn", lstmClassifier()), ("text-classifier.firn", textClassifier()),
    ("custom-cell.firn", customCell()), ("digits-network.firn", digitsNetwork()),
  ]
  for (name, (graph, loss)) in graphs {
    if let directory = CommandLine.arguments.dropFirst().first {
      try graph.write(to: "\(directory)/\(name)", loss: loss)
    } else {
      print(name)
      print(graph.definition.text(includingLocations: true))
    }
  }
  if let directory = CommandLine.arguments.dropFirst().first {
    try cellWeights(afterTraining: false).write(to: "\(directory)/custom-cell.safetensors")
    try cellWeights(afterTraining: true).write(to: "\(directory)/custom-cell-trained.safetensors")
  }
}
