import Firn

// The first columns of the tables in Docs/LayersLossesAndOps.md, as the graph has them.
func row(_ cells: String...) { print("| " + cells.joined(separator: " | ") + " |") }
func code(_ text: some CustomStringConvertible) -> String { "`\(text)`" }
func type(_ tensor: Tensor) -> String {
  tensor.dtype == .f32 ? "\(tensor.shape)" : "\(tensor.dtype)\(tensor.shape)"
}

/// A layer alone in a graph: what it reads, its variables, what it makes.
func layer(_ text: String, _ shape: Shape, dtype: DType = .f32, _ make: (Tensor) -> Tensor) throws {
  let graph = Graph()
  let x = graph.placeholder("x", shape: shape, dtype: dtype)
  let result = make(x)
  try graph.validate()
  let variables = graph.variables.map { variable in
    // The outermost scope is the layer's own.
    code(variable.name.split(separator: "/").dropFirst().joined(separator: "/") + " \(variable.type.shape)")
  }
  row(code(text), code(type(x)), variables.joined(separator: ", "), code(type(result)))
}

/// An op or a loss: its operands, its result.
func op(_ text: String, _ shapes: Shape..., dtypes: [DType] = [], _ make: ([Tensor]) -> Tensor) throws {
  let graph = Graph()
  let operands = shapes.enumerated().map { number, shape in
    graph.placeholder(
      "x\(number)", shape: shape, dtype: dtypes.indices.contains(number) ? dtypes[number] : .f32)
  }
  let result = make(operands)
  try graph.validate()
  row(code(text), operands.map { code(type($0)) }.joined(separator: ", "), code(type(result)))
}

reportingErrors {
  let image: Shape = ["batch", 8, 6, 4]
  let sequence: Shape = ["batch", "time", 3]

  print("== layers")
  try layer("Dense(5)", ["batch", 3]) { Dense(5)($0) }
  try layer("Embedding(count: 9, width: 4)", ["batch", "time"], dtype: .i32) {
    Embedding(count: 9, width: 4)($0)
  }
  try layer("Embedding(count: 9, width: 4, paddingIndex: 0)", ["batch", "time"], dtype: .i32) {
    Embedding(count: 9, width: 4, paddingIndex: 0)($0)
  }
  try layer("Dropout(0.5)", ["batch", 3]) { Dropout(0.5)($0) }
  try layer("Flatten()", image) { Flatten()($0) }
  try layer("Conv1D(5, kernel: 3)", ["batch", 10, 4]) { Conv1D(5, kernel: 3)($0) }
  try layer("Conv2D(5, kernel: 3)", image) { Conv2D(5, kernel: 3)($0) }
  try layer("Conv2D(5, kernel: 3, padding: .same)", image) { Conv2D(5, kernel: 3, padding: .same)($0) }
  try layer("Conv2D(8, kernel: 3, groups: 4)", image) { Conv2D(8, kernel: 3, groups: 4)($0) }
  try layer("Conv2DTranspose(5, kernel: (2, 2), strides: (2, 2))", image) {
    Conv2DTranspose(5, kernel: (2, 2), strides: (2, 2))($0)
  }
  try layer("Conv2DTranspose(5, kernel: (2, 2), dilation: (3, 3))", image) {
    Conv2DTranspose(5, kernel: (2, 2), dilation: (3, 3))($0)
  }
  try layer("MaxPool2D(2)", image) { MaxPool2D(2)($0) }
  try layer("MaxPool2D(3, stride: 2, dilation: 2)", image) { MaxPool2D(3, stride: 2, dilation: 2)($0) }
  try layer("MaxPool2D(3, stride: 2, roundsUp: true)", image) { MaxPool2D(3, stride: 2, roundsUp: true)($0) }
  try layer("AveragePool2D(2)", image) { AveragePool2D(2)($0) }
  try layer("GlobalAveragePool2D()", image) { GlobalAveragePool2D()($0) }
  try layer("BatchNorm()", image) { BatchNorm()($0) }
  try layer("BatchNorm(convention: .keras)", image) { BatchNorm(convention: .keras)($0) }
  try layer("BatchNorm(isCumulative: true)", image) { BatchNorm(isCumulative: true)($0) }
  try layer("LayerNorm()", sequence) { LayerNorm()($0) }
  try layer("LayerNorm(axes: [-2, -1])", image) { LayerNorm(axes: [-2, -1])($0) }
  try layer("LayerNorm(usesGain: false, usesBias: false)", sequence) {
    LayerNorm(usesGain: false, usesBias: false)($0)
  }
  try layer("RMSNorm()", sequence) { RMSNorm()($0) }
  try layer("GroupNorm(groups: 2)", image) { GroupNorm(groups: 2)($0) }
  try layer("SimpleRNN(5)", sequence) { SimpleRNN(5)($0) }
  try layer("LSTM(5)", sequence) { LSTM(5)($0) }
  try layer("LSTM(5).run(x).sequence", sequence) { LSTM(5).run($0).sequence }
  try layer("LSTM(5, biases: .none)", sequence) { LSTM(5, biases: .none)($0) }
  try layer("LSTM(5, biases: .separate)", sequence) { LSTM(5, biases: .separate)($0) }
  try layer("GRU(5)", sequence) { GRU(5)($0) }

  print("== losses")
  let (scores, classes): (Shape, Shape) = (["batch", 5], ["batch"])
  try op("meanSquaredError(x, y)", scores, scores) { meanSquaredError($0[0], $0[1]) }
  try op("abs(x - y).mean()", scores, scores) { abs($0[0] - $0[1]).mean() }
  try op("sparseSoftmaxCrossEntropy(logits:labels:)", scores, classes, dtypes: [.f32, .i32]) {
    sparseSoftmaxCrossEntropy(logits: $0[0], labels: $0[1])
  }
  try op("softmaxCrossEntropy(logits:labels:)", scores, scores) {
    softmaxCrossEntropy(logits: $0[0], labels: $0[1])
  }
  try op("sigmoidCrossEntropy(logits:labels:)", scores, scores) {
    sigmoidCrossEntropy(logits: $0[0], labels: $0[1])
  }
  try op("accuracy(logits:labels:)", scores, classes, dtypes: [.f32, .i32]) {
    accuracy(logits: $0[0], labels: $0[1])
  }

  print("== ops")
  try op("x + y", ["batch", 3], [3]) { $0[0] + $0[1] }
  try op("matmul(x, y)", ["batch", 3], [3, 5]) { matmul($0[0], $0[1]) }
  try op("matmul(x, y, transposeB: true)", ["batch", 2, 3], ["batch", 4, 3]) {
    matmul($0[0], $0[1], transposeB: true)
  }
  try op("x.sum(axes: [1])", ["batch", 3, 4]) { $0[0].sum(axes: [1]) }
  try op("x.mean(axes: [-1], keepingAxes: true)", ["batch", 3, 4]) {
    $0[0].mean(axes: [-1], keepingAxes: true)
  }
  try op("x.argmax(axis: -1)", ["batch", 3]) { $0[0].argmax(axis: -1) }
  try op("x.cumulativeSum(axis: 1)", ["batch", 3]) { $0[0].cumulativeSum(axis: 1) }
  try op("softmax(x)", ["batch", 3]) { softmax($0[0]) }
  try op("x.reshaped(to: [\"batch\", -1])", ["batch", 3, 4]) { $0[0].reshaped(to: ["batch", -1]) }
  try op("x.transposed([0, 2, 1])", ["batch", 3, 4]) { $0[0].transposed([0, 2, 1]) }
  try op("x.expandingAxis(at: 1)", ["batch", 3]) { $0[0].expandingAxis(at: 1) }
  try op("x.squeezed(axes: [1])", ["batch", 1, 3]) { $0[0].squeezed(axes: [1]) }
  try op("x.sliced(axis: 1, from: 1, to: -1)", ["batch", 8]) { $0[0].sliced(axis: 1, from: 1, to: -1) }
  try op("x.padded(low: [0, 1], high: [0, 2])", ["batch", 3]) { $0[0].padded(low: [0, 1], high: [0, 2]) }
  try op("concatenate([x, y], axis: 1)", ["batch", 3], ["batch", 2]) { concatenate($0, axis: 1) }
  try op("stack([x, y], axis: 1)", ["batch", 3], ["batch", 3]) { stack($0, axis: 1) }
  try op("x.split(into: 3, axis: 1)[0]", ["batch", 6]) { $0[0].split(into: 3, axis: 1)[0] }
  try op("gather(x, indices: y)", [9, 4], ["batch"], dtypes: [.f32, .i32]) { gather($0[0], indices: $0[1]) }
  try op("scatterAdd(x, indices: y, size: 9)", ["batch", 4], ["batch"], dtypes: [.f32, .i32]) {
    scatterAdd($0[0], indices: $0[1], size: 9)
  }
  try op("oneHot(x, depth: 5)", ["batch"], dtypes: [.i32]) { oneHot($0[0], depth: 5) }
  try op("select(where: x, y, otherwise: z)", ["batch", 3], ["batch", 3], [3], dtypes: [.bool]) {
    select(where: $0[0], $0[1], otherwise: $0[2])
  }
  try op("greater(x, 0)", ["batch", 3]) { greater($0[0], 0) }
  try op("x.cast(to: .i32)", ["batch", 3]) { $0[0].cast(to: .i32) }
  try op("maxPool2d(x, window: (2, 2))", image) { maxPool2d($0[0], window: (2, 2)) }
  try op("adaptiveAveragePool2d(x, to: (2, 3))", image) { adaptiveAveragePool2d($0[0], to: (2, 3)) }
  try op("upsample(x, by: (2, 2))", image) { upsample($0[0], by: (2, 2)) }
  try op("resize(x, to: (5, 9), .bicubic())", image) { resize($0[0], to: (5, 9), .bicubic()) }
}
