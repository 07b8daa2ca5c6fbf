import Firn

// Two LSTMs, one of them frozen.
//
// PyTorch sets `requires_grad = False` on each parameter of `first` and has to keep them from the optimiser; TensorFlow 1
// keeps them out of `var_list`. Here it is one argument of compiling. Nothing is set on the model, so two programs, one
// that trains everything and one that does not, can use the same weights in turns.
reportingErrors {
  let graph = Graph()
  let sequence = graph.placeholder("sequence", shape: ["batch", "time", 4])
  let target = graph.placeholder("target", shape: ["batch", 1])
  let between = LSTM(16, name: "first").run(sequence).sequence
  let code = LSTM(16, name: "second")(between)
  let loss = meanSquaredError(Dense(1, name: "head")(code), target)

  // Wanted is the mean of the first feature over the 12 steps.
  let sequences = try Initializer.normal(deviation: 1).values(shape: [64, 12, 4], seed: 2)
  let means = sequences.rows.map { Float($0[0] / 12) }
  let data: Feeds = [
    sequence: sequences,
    target: try NDArray((0..<64).map { means[$0 * 12..<$0 * 12 + 12].reduce(0, +) }, shape: [64, 1]),
  ]

  let session = try Session(graph, seed: 1)
  let whole = try session.compile(minimizing: loss, with: Adam(learningRate: 0.01))
  for _ in 1...20 { try session.run(whole, feeding: data) }

  let partly = try session.compile(minimizing: loss, with: Adam(learningRate: 0.01), freezing: "first")
  for row in partly.status.variables { print(row.name, "-", row.status.rawValue, "-", row.reason) }

  let before = try session.snapshot()
  for step in 1...60 {
    let results = try session.run(partly, feeding: data)
    if step == 1 || step == 60 { print("step", step, "loss", try results.scalar(loss)) }
  }
  let moved = try session.snapshot().changed(since: before)
  for value in before.values { print(value.name, moved.contains(value.name) ? "moved" : "kept its bits") }

  // What is saved is known before anything runs: the first layer's loop has no backward loop at all.
  let size: DimBinding = ["batch": 64, "time": 12]
  let cost = try partly.costReport()
  if let all = cost.unfrozen?.bound(by: size) {
    let rest = cost.total.bound(by: size)
    print("backward FLOPs:", rest.backwardFLOPs, "instead of", all.backwardFLOPs)
    print("activations kept:", rest.keptBytes, "bytes instead of", all.keptBytes)
    print("optimiser memory:", rest.slotBytes, "bytes instead of", all.slotBytes)
  }
  print("backward FLOPs in `first`:", partly.cost(of: "first").flops(.backward, binding: size) ?? 0)
}
