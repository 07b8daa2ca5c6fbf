import Firn

// A stack of two LSTMs whose input kernels stay as they are while the recurrent ones learn.
//
// In PyTorch this is a loop over `named_parameters()` that looks for "weight_ih" in each name, and a fused kernel that
// computes their gradients all the same. Here a selection asks for the role, wherever the variable stands, and no product
// for their gradients is left in the program.
reportingErrors {
  let graph = Graph()
  let sequence = graph.placeholder("sequence", shape: ["batch", "time", 3])
  let target = graph.placeholder("target", shape: ["batch", 1])
  let code = LSTM(12, layers: 2, name: "lstm")(sequence)
  let loss = meanSquaredError(Dense(1, name: "head")(code), target)

  // Wanted is the first feature of the first step: something to remember for eight steps.
  let sequences = try Initializer.uniform(-1, 1).values(shape: [64, 8, 3], seed: 3)
  let firsts = stride(from: 0, to: 64 * 8, by: 8).map { Float(sequences.rows[$0][0]) }
  let data: Feeds = [sequence: sequences, target: try NDArray(firsts, shape: [64, 1])]

  let session = try Session(graph, seed: 1)
  // Freezing what was never trained is allowed, since random projections have their uses, but is said.
  session.onWarning = { print("warning:", $0) }
  let everything = try session.compile(minimizing: loss, with: Adam(learningRate: 0.02))
  let partly = try session.compile(
    minimizing: loss, with: Adam(learningRate: 0.02), freezing: "lstm & role(kernel)")
  for row in partly.status.variables { print(row.name, "-", row.status.rawValue) }

  let before = try session.snapshot()
  for step in 1...80 {
    let results = try session.run(partly, feeding: data)
    if step == 1 || step == 80 { print("step", step, "loss", try results.scalar(loss)) }
  }
  print("moved:", try session.snapshot().changed(since: before).joined(separator: ", "))

  // The gradient still passes through the second layer's frozen kernel to the first layer's recurrent one (rule 1): only
  // the two products that would have been the kernels' own gradients are gone.
  func products(_ program: Program) -> Int {
    program.graph.text.split(separator: "\n").count { $0.contains("= matmul") }
  }
  print("matrix products with nothing frozen:", products(everything))
  print("matrix products with the input kernels frozen:", products(partly))
}
