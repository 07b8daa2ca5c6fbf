import Firn

// A PyTorch `state_dict` that fits only in part.
//
// `load_state_dict(state, strict=False)` returns the names that did not match, and nobody looks: rename a module, and the
// model trains on noise. Firn loads strictly unless told otherwise, changes nothing where something does not fit, and hands
// back a report that cannot be dropped without saying so.
reportingErrors {
  let graph = Graph()
  let sequence = graph.placeholder("sequence", shape: ["batch", "time", 3])
  let target = graph.placeholder("target", shape: ["batch", 2])
  let code = graph.scope("encoder") { GRU(4, name: "gru")(sequence) }
  let loss = meanSquaredError(Dense(2, name: "head")(code), target)

  // The checkpoint has the encoder, a head for five classes without bias, and a decoder that is not wanted here. A file would
  // be read as `Weights`, too; nothing is read of what is not loaded.
  let shapes: KeyValuePairs = [
    "encoder.rnn.weight_ih_l0": [12, 3], "encoder.rnn.weight_hh_l0": [12, 4], "encoder.rnn.bias_ih_l0": [12],
    "encoder.rnn.bias_hh_l0": [12], "head.weight": [5, 4], "decoder.weight": [3, 4],
  ]
  let checkpoint = try Weights(
    source: "checkpoint",
    entries: shapes.map { name, shape in
      WeightEntry(name: name, array: try Initializer.uniform(-0.5, 0.5).values(shape: shape, name: name))
    })
  let names =
    NameMap.pyTorchRNN(RecurrentNetwork(.gru(resetAfter: true)), from: "encoder.rnn.", into: "encoder/gru")
    + .pyTorch

  let session = try Session(graph, seed: 1)
  session.onWarning = { print("warning:", $0) }
  let before = try session.snapshot()

  print("== strictly")
  do {
    try session.load(checkpoint, mapping: names)
  } catch {
    print(error)
  }
  print("changed:", try session.snapshot().changed(since: before).count, "variables")

  print("== what there is")
  let report = try session.load(checkpoint, mapping: names, strict: false)
  print(report)
  print("changed:", try session.snapshot().changed(since: before).joined(separator: ", "))
  print("the head is as it was, and random:", report.rows(.wrongShape).compactMap(\.variable))

  print("== the encoder, strictly")
  // Better than not to be strict: to say what is wanted here and what is left there. All else must fit.
  try session.load(checkpoint, only: "encoder", mapping: .ignoring(#"decoder\..*"#) + names)
  let head = try session.compile(minimizing: loss, with: Adam(), freezing: "encoder")
  print("trained:", head.trained.map(\.name).joined(separator: ", "))
}
