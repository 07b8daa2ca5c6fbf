import Firn

// Preserve some weights, train everything, put them back.
//
// In PyTorch: `saved = {k: v.clone() for k, v in state_dict().items() if …}` (forget `clone` and it changes as you train),
// then `load_state_dict(saved, strict=False)`, which is as silent about a typo as about success. A snapshot here is a
// value; restoring it happens wholly or not at all.
reportingErrors {
  let graph = Graph()
  let sequence = graph.placeholder("sequence", shape: ["batch", "time", 2])
  let target = graph.placeholder("target", shape: ["batch", 1])
  let code = GRU(8, name: "gru")(sequence)
  let loss = meanSquaredError(Dense(1, name: "head")(code), target)

  let sequences = try Initializer.uniform(-1, 1).values(shape: [32, 6, 2], seed: 3)
  let lasts = stride(from: 5, to: 32 * 6, by: 6).map { Float(sequences.rows[$0][1]) }
  let data: Feeds = [sequence: sequences, target: try NDArray(lasts, shape: [32, 1])]

  let session = try Session(graph, seed: 1)
  let step = try session.compile(minimizing: loss, with: Adam(learningRate: 0.02))
  for _ in 1...10 { try session.run(step, feeding: data) }

  let everything = try session.snapshot()
  let preserved = try session.snapshot("gru & !role(bias)")
  print("preserved:", preserved.values.map(\.name).joined(separator: ", "))

  for _ in 1...40 { try session.run(step, feeding: data) }
  print("moved by training:", try session.snapshot().changed(since: everything).joined(separator: ", "))

  try session.restore(preserved)
  print(
    "after restoring, still moved:",
    try session.snapshot().changed(since: everything).joined(separator: ", "))

  // One value of the wrong shape among good ones: nothing at all is restored.
  let now = try session.snapshot()
  var wrong = everything
  wrong.values[wrong.values.count - 1].array = try NDArray(zeros: [2])
  do {
    try session.restore(wrong)
  } catch {
    print(error)
  }
  print("changed by the failed restore:", try session.snapshot().changed(since: now).count, "variables")
}
