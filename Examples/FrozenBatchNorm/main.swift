import Firn

// What freezing a trunk with batch norm means, and what PyTorch's train mode makes of it.
//
// A small network learns whether the left or the right of an image is brighter. Then its trunk is frozen and a second head
// learns top against bottom, on images of another exposure. The first task's accuracy afterwards says whether the trunk
// really stayed what it was.
reportingErrors {
  let graph = Graph()
  let images = graph.placeholder("images", shape: ["batch", 8, 8, 1])
  let labels = graph.placeholder("labels", shape: ["batch"], dtype: .i32)
  let code = DigitsCNN().features(images)
  let first = Dense(2, name: "first")(code)
  let second = Dense(2, name: "second")(code)
  func loss(_ logits: Tensor) -> Tensor {
    sparseSoftmaxCrossEntropy(logits: logits, labels: labels).mean()
  }
  let (firstLoss, secondLoss) = (loss(first), loss(second))
  let correct = accuracy(logits: first, labels: labels)

  /// Noise with one half brighter, left or right (`axis` 1), top or bottom (`axis` 0).
  func pictures(_ count: Int, axis: Int, contrast: Float, brightness: Float, seed: UInt64) throws
    -> Feeds
  {
    let drawn = try Initializer.normal(deviation: 0.5).values(shape: [count, 8, 8, 1], seed: seed)
    let noise: [Float] = drawn.floats
    let classes = (0..<count).map { Int32($0 % 2) }
    let pixels = noise.indices.map { index in
      let place = axis == 0 ? index / 8 % 8 : index % 8
      let isBright = (place < 4) == (classes[index / 64] == 0)
      return (noise[index] + (isBright ? 0.4 : 0)) * contrast + brightness
    }
    return [images: try NDArray(pixels, shape: [count, 8, 8, 1]), labels: NDArray(classes)]
  }

  let session = try Session(graph, seed: 2)
  session.onWarning = { _ in }
  let pretraining = try session.compile(minimizing: firstLoss, with: Adam(learningRate: 0.005))
  for step in 0..<150 {
    try session.run(
      pretraining, feeding: pictures(64, axis: 1, contrast: 1, brightness: 0, seed: UInt64(step)))
  }
  let pretrained = try session.snapshot()
  let test = try pictures(1000, axis: 1, contrast: 1, brightness: 0, seed: 999)
  let evaluation = try session.compile(fetching: [correct])
  print("first task, pretrained:", try session.run(evaluation, feeding: test).scalar(correct))

  let ways: [(freezing: Selection?, keeping: Selection?)] = [
    (nil, nil), ("trunk", nil), ("trunk", "trunk"),
  ]
  for way in ways {
    try session.restore(pretrained)
    let mean = try session.value(of: "trunk/bn1/moving_mean").doubles
    let program = try session.compile(
      minimizing: secondLoss, with: Adam(learningRate: 0.005), freezing: way.freezing,
      keepingTrainingMode: way.keeping)
    for step in 0..<60 {
      try session.run(
        program, feeding: pictures(64, axis: 0, contrast: 3, brightness: 2, seed: UInt64(1000 + step)))
    }
    let now = try session.value(of: "trunk/bn1/moving_mean").doubles
    let moved = zip(mean, now).map { abs($0 - $1) }.max() ?? 0
    print(
      "freezing \(way.freezing?.description ?? "nothing"),",
      "keeping \(way.keeping?.description ?? "nothing"):",
      "first task \(try session.run(evaluation, feeding: test).scalar(correct)),", "bn1/moving_mean moved by",
      moved)
  }
}
