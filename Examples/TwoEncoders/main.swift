import Firn
import FirnDigits

// A model of two encoders, one of them frozen: an LSTM reads an image of a digit row by row, a small CNN sees its pixels, and
// a head reads both codes side by side.
reportingErrors {
  let graph = Graph()
  let images = graph.placeholder("images", shape: ["batch", 8, 8, 1])
  let labels = graph.placeholder("labels", shape: ["batch"], dtype: .i32)
  let rows = graph.scope("rows") { LSTM(32)(images.reshaped(to: ["batch", 8, 8])) }
  let pixels = DigitsCNN(name: "pixels").features(images)
  let logits = Dense(10, name: "head")(concatenate([rows, pixels], axis: 1))
  func loss(_ logits: Tensor) -> Tensor {
    sparseSoftmaxCrossEntropy(logits: logits, labels: labels).mean()
  }
  let joined = loss(logits)
  let correct = accuracy(logits: logits, labels: labels)
  // To pretrain each encoder without the other.
  let alone = [
    "rows": loss(Dense(5, name: "rows_head")(rows)), "pixels": loss(Dense(5, name: "pixels_head")(pixels)),
  ]

  let digits = try DigitsData.load()
  func data(_ indices: [Int]) throws -> DataSet {
    try DataSet([images: digits.pixels(indices), labels: digits.classes(indices)])
  }
  let five = try digits.split(classes: 0...4, testFraction: 0.25, seed: 1)
  let ten = try digits.split(testFraction: 0.25, seed: 1)

  for (frozen, other) in [("pixels", "rows"), ("rows", "pixels")] {
    print("== \(frozen) frozen")
    let session = try Session(graph, seed: 1)
    session.onWarning = { print("warning:", $0) }
    if let loss = alone[frozen] {
      let pretraining = try session.compile(minimizing: loss, with: Adam(learningRate: 0.003, name: "alone"))
      try Trainer(pretraining, in: session).fit(data(five.train), epochs: 3, batchSize: 50)
    }
    let before = try session.snapshot(Selection(frozen))

    let program = try session.compile(
      minimizing: joined, with: Adam(learningRate: 0.003), freezing: Selection(frozen))
    for scope in program.status.scopes where ["rows", "pixels", "head"].contains(scope.path) {
      print("\(scope.path): \(scope.status.rawValue), in \(scope.mode.rawValue) mode")
    }
    let backward = program.graph.nodes.filter { $0.phase == .backward }.map(\.mnemonic)
    print(
      "backward: \(backward.count { $0 == "scan" }) loops,",
      "\(backward.count { $0.hasPrefix("conv2d_") }) gradients of convolutions")
    let binding: DimBinding = ["batch": 50]
    for encoder in [frozen, other] {
      let cost = program.cost(of: encoder)
      print("backward FLOPs in \(encoder):", cost.flops(.backward, binding: binding) ?? 0)
    }
    let losses = try Trainer(program, in: session).fit(data(ten.train), epochs: 3, batchSize: 50)
    print("loss, first and last step: \(losses.first ?? 0) \(losses.last ?? 0)")
    let ask = try session.compile(fetching: [correct])
    print("accuracy:", try session.run(ask, feeding: data(ten.test).feeds).scalar(correct))
    print("\(frozen) kept its bits:", try session.snapshot(Selection(frozen)).changed(since: before).isEmpty)
  }
}
