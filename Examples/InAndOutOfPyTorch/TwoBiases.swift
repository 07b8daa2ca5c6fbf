import Firn

/// PyTorch's LSTM word for word, with its two biases.
struct TwoBiasCell: RecurrentCell {
  let stateShapes: [Shape] = [[4], [4]]

  func makeWeights(_ make: CellVariables) -> [Tensor] {
    [
      make("kernel", [make.features, 16], role: "kernel"),
      make("recurrent_kernel", [4, 16], role: "recurrent_kernel"),
      make("bias_ih", [16], role: "bias", initializer: .zeros),
      make("bias_hh", [16], role: "bias", initializer: .zeros),
    ]
  }

  func step(_ input: Tensor, _ state: CellState, _ weights: [Tensor]) -> CellStep {
    let sums = matmul(input, weights[0]) + weights[2] + matmul(state[0], weights[1]) + weights[3]
    let gates = sums.split(into: 4, axis: 1)
    let cell = sigmoid(gates[1]) * state[1] + sigmoid(gates[0]) * tanh(gates[2])
    return CellStep([sigmoid(gates[3]) * tanh(cell), cell])
  }
}

/// Trains a layer of one bias and a cell of two from the same start.
///
/// - Returns: the largest difference between the one bias and the sum of the two afterwards.
func difference(oneBias: any Optimizer, twoBiases: any Optimizer) throws -> Double {
  let graph = Graph()
  let x = graph.placeholder("x", shape: [6, 5, 3])
  let one = square(LSTM(4, name: "rnn")(x) - 0.5).mean()
  let two = square(RNN(TwoBiasCell(), name: "two")(x) - 0.5).mean()
  let session = try Session(graph, seed: 1)
  for name in ["kernel", "recurrent_kernel"] {
    try session.setValue(session.value(of: "rnn/\(name)"), of: "two/\(name)")
  }
  try session.setValue(session.value(of: "rnn/bias"), of: "two/bias_ih")
  let trainOne = try session.compile(minimizing: one, with: oneBias)
  let trainTwo = try session.compile(minimizing: two, with: twoBiases)
  let data = try Initializer.normal(deviation: 1).values(shape: [6, 5, 3], seed: 2)
  for _ in 0..<30 {
    try session.run(trainOne, feeding: [x: data])
    try session.run(trainTwo, feeding: [x: data])
  }
  let both = zip(
    try session.value(of: "two/bias_ih").doubles, try session.value(of: "two/bias_hh").doubles)
  return zip(try session.value(of: "rnn/bias").doubles, both.map { $0 + $1 }).map { abs($0 - $1) }.max() ?? 0
}

/// Says whether `AsPyTorch` makes one bias move as two do, and that without it one does not.
func checkTwoBiases() throws {
  let sgd = SGD(learningRate: 0.1, momentum: 0.9, name: "two")
  let adam = Adam(learningRate: 0.01, name: "two")
  print(
    "SGD, one bias as the sum of two:",
    try difference(oneBias: AsPyTorch(base: SGD(learningRate: 0.1, momentum: 0.9)), twoBiases: sgd) < 1e-5)
  print(
    "Adam, one bias as the sum of two:",
    try difference(oneBias: AsPyTorch(base: Adam(learningRate: 0.01)), twoBiases: adam) < 1e-5)
  print(
    "SGD as it is, one bias as the sum of two:",
    try difference(oneBias: SGD(learningRate: 0.1, momentum: 0.9), twoBiases: sgd) < 1e-2)
}
