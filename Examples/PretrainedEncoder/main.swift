import Firn

// A pretrained encoder with a new head for another task.
//
// The recipe of every transfer learning tutorial: build the new model, load the encoder, freeze it, train the head. Its
// classic accident is to forget the second of the four; the model then trains on top of noise and still learns a little.
struct Model {
  let graph = Graph()
  let points: Tensor
  let labels: Tensor
  let loss: Tensor
  let accuracy: Tensor

  init(head: String, classes: Int) {
    let x = graph.placeholder("points", shape: ["batch", 2])
    let y = graph.placeholder("labels", shape: ["batch"], dtype: .i32)
    let code = graph.scope("encoder") { Dense(32, activation: .tanh)(Dense(32, activation: .tanh)(x)) }
    let logits = Dense(classes, name: head)(code)
    (points, labels) = (x, y)
    loss = sparseSoftmaxCrossEntropy(logits: logits, labels: y).mean()
    accuracy = Firn.accuracy(logits: logits, labels: y)
  }
}

reportingErrors {
  let points = try Initializer.uniform(-1, 1).values(shape: [256, 2], seed: 7)

  // The first task: rings around the origin. All of the model learns.
  let rings = Model(head: "rings", classes: 3)
  let ringOf = NDArray(
    points.rows.map { point -> Int32 in
      let square = point[0] * point[0] + point[1] * point[1]
      return square < 0.25 ? 0 : square < 0.7 ? 1 : 2
    })
  let old = try Session(rings.graph, seed: 1)
  let pretraining = try old.compile(minimizing: rings.loss, with: Adam(learningRate: 0.02))
  for _ in 1...200 { try old.run(pretraining, feeding: [rings.points: points, rings.labels: ringOf]) }

  // The second task, in a graph of its own: an upright cross. Only the head is new.
  let cross = Model(head: "cross", classes: 2)
  let onCross = NDArray(points.rows.map { Int32(min(abs($0[0]), abs($0[1])) < 0.25 ? 1 : 0) })
  let data: Feeds = [cross.points: points, cross.labels: onCross]

  // First the accident, which Firn names; then as it should be. The new head is not part of the snapshot and keeps its
  // first values.
  var new = try Session(cross.graph, seed: 2)
  for (name, encoder) in [("random encoder", nil), ("pretrained encoder", try old.snapshot("encoder"))] {
    new = try Session(cross.graph, seed: 2)
    new.onWarning = { print("warning:", $0) }
    if let encoder { try new.restore(encoder) }
    let head = try new.compile(
      minimizing: cross.loss, with: Adam(learningRate: 0.02), freezing: "encoder", fetching: [cross.accuracy])
    let before = try new.snapshot("encoder")
    for _ in 1...200 { try new.run(head, feeding: data) }
    print("\(name): accuracy", try new.run(head, feeding: data).scalar(cross.accuracy))
    print("  the encoder kept its bits:", try new.snapshot("encoder").changed(since: before).isEmpty)
  }

  // Later all of it may move: another program of the same session, with a smaller step. The slots of the head go on, those
  // of the encoder are new.
  let fine = try new.compile(
    minimizing: cross.loss, with: Adam(learningRate: 0.002), fetching: [cross.accuracy])
  for slot in fine.slotReport { print("optimiser memory of \(slot.variable):", slot.origin.rawValue) }
  for _ in 1...100 { try new.run(fine, feeding: data) }
  print("thawed: accuracy", try new.run(fine, feeding: data).scalar(cross.accuracy))
}
