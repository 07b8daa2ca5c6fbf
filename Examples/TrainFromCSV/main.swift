import Firn
import Foundation

// What Docs/Training.md shows, in one program: from a table in a file to a saved model.
//
//     TrainFromCSV [FOLDER]
//
// The leaves are made up: 300 of three kinds, whose sizes overlap. Files are written to FOLDER, or to one that is removed.
reportingErrors {
  let temporary = FileManager.default.temporaryDirectory.appendingPathComponent("firn-\(UUID().uuidString)")
    .path
  let folder = CommandLine.arguments.dropFirst().first ?? temporary
  try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  defer { if folder == temporary { try? FileManager.default.removeItem(atPath: folder) } }
  guard let path = Bundle.module.url(forResource: "leaves", withExtension: "csv")?.path else {
    throw FirnError(.file, "leaves.csv is missing", remedy: "build the example anew")
  }

  let kinds = ["birch", "oak", "willow"]
  let table = try String(contentsOfFile: path, encoding: .utf8)
    .split(whereSeparator: \.isNewline).dropFirst()
    .map { $0.split(separator: ",", omittingEmptySubsequences: false) }
  let measured = table.flatMap { row in row.prefix(3).map { Float($0) ?? .nan } }
  let named = table.map { row in Int32(kinds.firstIndex(of: String(row[3])) ?? -1) }

  let leaves = try NDArray(measured, shape: [table.count, 3])
  let labels = NDArray(named)
  print(leaves.dtype, leaves.shape, labels.dtype, labels.shape)

  let order = Shuffle(seed: 1).order(table.count)
  let learnt = Array(order[..<200])
  let watched = Array(order[200..<250])
  let heldBack = Array(order[250...])

  let rows = try leaves.rows(learnt).rows
  let means = (0..<3).map { column in rows.map { $0[column] }.reduce(0, +) / Double(rows.count) }
  let deviations = (0..<3).map { column in
    let squares = rows.map { ($0[column] - means[column]) * ($0[column] - means[column]) }
    return (squares.reduce(0, +) / Double(rows.count)).squareRoot()
  }

  let graph = Graph()
  let x = graph.placeholder("x", shape: ["batch", 3])
  let y = graph.placeholder("y", shape: ["batch"], dtype: .i32)
  let scaled = graph.scope("scaling") {
    let mean = graph.variable(
      "mean", shape: [3], initializer: .array(NDArray(means).converted(to: .f32)), kind: .state)
    let deviation = graph.variable(
      "deviation", shape: [3], initializer: .array(NDArray(deviations).converted(to: .f32)), kind: .state)
    return (x - mean) / deviation
  }
  let hidden = Dense(16, activation: .relu, name: "hidden")(scaled)
  let logits = Dense(kinds.count, name: "head")(Dropout(0.1)(hidden))
  let loss = sparseSoftmaxCrossEntropy(logits: logits, labels: y).mean()
  let hits = accuracy(logits: logits, labels: y)

  let session = try Session(graph, seed: 1)
  let schedule = Schedule.warmUp(over: 20, then: .cosine(initial: 0.02, final: 0.001, over: 260))
  let train = try session.compile(minimizing: loss, with: Adam(learningRate: schedule), clippingNorm: 1)
  let judge = try session.compile(fetching: [loss, hits])

  let data = try DataSet([x: leaves.rows(learnt), y: labels.rows(learnt)])
  let validation = try DataSet([x: leaves.rows(watched), y: labels.rows(watched)])
  let test = try DataSet([x: leaves.rows(heldBack), y: labels.rows(heldBack)])

  var steps: [Double] = []
  var epochs: [Double?] = []
  var best = (loss: Double.infinity, epoch: 0, weights: try session.snapshot())
  for epoch in 0..<40 {
    for batch in data.batches(of: 32, epoch: epoch, seed: 1) {
      let results = try session.run(train, feeding: data.feeds(batch))
      steps.append(try results.scalar(loss))
      epochs.append(nil)
    }
    let now = try session.run(judge, feeding: validation.feeds).scalar(loss)
    epochs[epochs.count - 1] = now
    if now < best.loss { best = (now, epoch, try session.snapshot()) }
  }
  try session.restore(best.weights)
  print("steps:", steps.count, "best after epoch", best.epoch)

  let verdict = try session.run(judge, feeding: test.feeds)
  print("test loss", try verdict.scalar(loss), "accuracy", try verdict.scalar(hits))

  let chances = softmax(logits)
  let guess = logits.argmax(axis: -1)
  let ask = try session.compile(fetching: [chances, guess])
  let leaf = try NDArray([9.0, 1.5, 0.12] as [Float], shape: [1, 3])
  let answer = try session.run(ask, feeding: [x: leaf])
  let percent = try answer[chances].rows[0].map { ($0 * 100).rounded() }
  print(zip(kinds, percent).map { "\($0) \($1)%" }.joined(separator: ", "))
  print("so it is", try answer[guess].scalar.map { kinds[Int($0)] } ?? "nothing")

  let curves = CurveTable(columns: [.init("training", steps), .init("validation", epochs)])
  try Data(curves.csv().utf8).write(to: URL(fileURLWithPath: folder + "/curves.csv"))

  var chart = LineChart(title: "Leaves", xLabel: "step", yLabel: "cross entropy")
  let marks = epochs.enumerated().compactMap { step, loss in
    loss.map { LineChart.Point(Double(step), $0) }
  }
  chart.series = [.init("training", values: steps), .init("validation", points: marks)]
  try chart.write(to: folder + "/curves.svg")

  try session.weights().write(to: folder + "/leaves.safetensors")

  let elsewhere = try Session(graph, seed: 2)
  try elsewhere.load(Weights(contentsOf: folder + "/leaves.safetensors"))
  let judgeElsewhere = try elsewhere.compile(fetching: [loss, hits])
  let again = try elsewhere.run(judgeElsewhere, feeding: test.feeds)
  print("loaded, the same bits:", try again[loss] == verdict[loss])

  let checkpoints = try CheckpointFolder(folder + "/run", keepingLast: 2)
  let losses = try Trainer(train, in: session).fit(
    data, epochs: 2, batchSize: 32, seed: 2, savingTo: checkpoints, every: 5
  ) { progress in
    if progress.step == progress.stepCount { print("epoch", progress.epoch, "step", progress.step) }
  } metric: { () throws(FirnError) in
    try session.run(judge, feeding: validation.feeds).scalar(loss)
  }
  print("checkpoints of steps", try checkpoints.steps(), "after", losses.count, "steps")

  /// Steps of one size in every direction: algorithm 2 of Chen and others, 2023.
  ///
  /// Firn has it, with more to say.
  struct Lion: Optimizer {
    var name = "lion"
    var learningRate = 1e-3
    var (beta1, beta2) = (0.9, 0.99)

    func slots(for part: TrainedPart) -> [OptimizerSlot] {
      [OptimizerSlot("momentum", type: part.type)]
    }

    func update(_ update: ParameterUpdate) -> UpdatedParameter {
      let (momentum, gradient) = (update.slots[0], update.gradient)
      let direction = sign(beta1 * momentum + (1 - beta1) * gradient)
      return UpdatedParameter(
        value: update.value - learningRate * direction,
        slots: [beta2 * momentum + (1 - beta2) * gradient])
    }
  }

  let tune = try session.compile(minimizing: loss, with: Lion(), freezing: "hidden")
  let before = try session.snapshot()
  try session.run(tune, feeding: data.feeds)
  print("moved:", try session.snapshot().changed(since: before).joined(separator: ", "))
}
