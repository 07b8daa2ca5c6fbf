import Firn

// The weights of a two-layer GRU, set by hand from arrays in PyTorch's layout.
//
// PyTorch keeps `weight_ih_l0` as [3·units, in] with gates r, z, n; Keras keeps [in, 3·units] with gates z, r, h. People
// copy one into the other, transpose, and get the order of the gates wrong: the shapes agree, the numbers do not.
// `RecurrentNetwork.converting` knows all the layouts and refuses what one of them cannot hold.
reportingErrors {
  let (features, units) = (3, 5)
  var stateDict: [String: NDArray] = [:]
  for layer in 0..<2 {
    let shapes = [
      "weight_ih": [3 * units, layer == 0 ? features : units], "weight_hh": [3 * units, units],
      "bias_ih": [3 * units], "bias_hh": [3 * units],
    ]
    for (name, shape) in shapes {
      let name = "\(name)_l\(layer)"
      stateDict[name] = try Initializer.uniform(-0.6, 0.6).values(shape: shape, seed: 1, name: name)
    }
  }

  let graph = Graph()
  let sequence = graph.placeholder("sequence", shape: ["batch", "time", 3])
  let output = GRU(units, layers: 2, name: "gru")(sequence)

  // The definition to compare with: PyTorch's formula, word for word, on PyTorch's arrays.
  var steps = sequence.transposed([1, 0, 2])
  for layer in 0..<2 {
    let weights = try ["weight_ih", "weight_hh", "bias_ih", "bias_hh"].map {
      graph.constant(try stateDict["\($0)_l\(layer)"] ?? NDArray(zeros: []))
    }
    let zeros = graph.constant(0).broadcast(to: [sequence.extent(0), Dim(units)])
    steps =
      scan(over: [steps], initial: [zeros]) { step in
        let h = step.carries[0]
        let fromInput = (matmul(step.slices[0], weights[0].transposed([1, 0])) + weights[2]).split(
          into: 3, axis: 1)
        let fromState = (matmul(h, weights[1].transposed([1, 0])) + weights[3]).split(into: 3, axis: 1)
        let r = sigmoid(fromInput[0] + fromState[0])
        let z = sigmoid(fromInput[1] + fromState[1])
        let n = tanh(fromInput[2] + r * fromState[2])
        let next = (1 - z) * n + z * h
        return ScanResult(carries: [next], outputs: [next])
      }.outputs[0]
  }
  let difference = abs(output - steps.sliced(axis: 0, from: -1).squeezed(axes: [0])).max()

  let session = try Session(graph, seed: 1)
  let compare = try session.compile(fetching: [difference])
  let sequences = try Initializer.normal(deviation: 1).values(shape: [4, 7, 3], seed: 2)
  let agrees = { try session.run(compare, feeding: [sequence: sequences]).scalar(difference) < 1e-6 }
  print("random weights agree with the formula:", try agrees())

  let network = RecurrentNetwork(.gru(resetAfter: true), layers: 2)
  let weights = try network.converting(stateDict, from: .pyTorch, to: .firn(scope: "gru"))
  for variable in graph.variables {
    guard let array = weights[variable.name] else { continue }
    print("  \(variable.name)", Shape(array.shape))
    try session.setValue(array, of: variable.name)
  }
  print("converted weights agree with the formula:", try agrees())

  // And back: for a GRU no bit is lost on the way.
  let held = Dictionary(uniqueKeysWithValues: try session.snapshot("gru").values.map { ($0.name, $0.array) })
  let back = try network.converting(held, from: .firn(scope: "gru"), to: .pyTorch)
  print("back in PyTorch's layout, the same bits:", back == stateDict)

  // Directly by name. A shape that does not fit is spelled out, and nothing changes.
  let bias = "gru/layer_1/forward/bias"
  do {
    try session.setValue(try NDArray(zeros: [units]), of: bias)
  } catch {
    print(error)
  }
  print("after the refused value they still agree:", try agrees())
  // A gate is a block with a name.
  try session.setValue(try NDArray(zeros: [units]), of: "\(bias)[gate: reset]")
  print("after another value for one gate they agree:", try agrees())
}
