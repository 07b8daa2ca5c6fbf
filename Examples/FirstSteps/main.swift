import Firn

reportingErrors {
  let graph = Graph()
  let x = graph.placeholder("x", shape: ["batch", 2])
  let y = graph.placeholder("y", shape: ["batch"], dtype: .i32)
  let code = graph.scope("encoder") { Dense(32, activation: .tanh)(x) }
  let logits = Dense(2, name: "head")(code)
  let loss = sparseSoftmaxCrossEntropy(logits: logits, labels: y).mean()

  let session = try Session(graph, seed: 1)
  let all = try session.compile(minimizing: loss, with: Adam(learningRate: 0.05))
  let points = try Initializer.uniform(-1.5, 1.5).values(shape: [512, 2])
  let inCircle = points.rows.map { Int32($0[0] * $0[0] + $0[1] * $0[1] < 1 ? 1 : 0) }
  for _ in 1...200 { try session.run(all, feeding: [x: points, y: NDArray(inCircle)]) }

  let head = try session.compile(minimizing: loss, with: Adam(learningRate: 0.05), freezing: "encoder")
  for row in head.status.variables { print(row.name, "-", row.status.rawValue, "-", row.reason) }
  let inSquare = points.rows.map { Int32(abs($0[0]) < 1 && abs($0[1]) < 1 ? 1 : 0) }
  for step in 1...200 {
    let results = try session.run(head, feeding: [x: points, y: NDArray(inSquare)])
    if step % 50 == 0 { print("step", step, "loss", try results.scalar(loss)) }
  }
  for (name, program) in [("nothing", all), ("the encoder", head)] {
    print("backward FLOPs with \(name) frozen:", program.cost.flops(.backward, binding: ["batch": 512]) ?? 0)
  }
}
