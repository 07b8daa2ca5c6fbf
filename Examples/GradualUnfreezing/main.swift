import Firn
import FirnDigits

// Gradual unfreezing from the top: the head alone first, then one stage more at a time, each with a smaller rate
// (Howard and Ruder, ACL 2018, section 3.3). Every stage is a program of its own; all share one session.
reportingErrors {
  let graph = Graph()
  let images = graph.placeholder("images", shape: ["batch", 8, 8, 1])
  let labels = graph.placeholder("labels", shape: ["batch"], dtype: .i32)
  let code = DigitsCNN().features(images)
  func loss(_ logits: Tensor) -> Tensor {
    sparseSoftmaxCrossEntropy(logits: logits, labels: labels).mean()
  }
  let logits = Dense(5, name: "head")(code)
  let (old, new) = (loss(Dense(5, name: "old_head")(code)), loss(logits))
  let correct = accuracy(logits: logits, labels: labels)

  let digits = try DigitsData.load()
  func data(_ indices: [Int], from first: UInt8) throws -> DataSet {
    try DataSet([images: digits.pixels(indices), labels: digits.classes(indices, from: first)])
  }

  // The first task: digits 0 to 4. The second: 5 to 9, with a head of its own.
  let session = try Session(graph, seed: 1)
  let first = try digits.split(classes: 0...4, testFraction: 0.25, seed: 1)
  let second = try digits.split(classes: 5...9, testFraction: 0.25, seed: 1)
  let pretraining = try session.compile(minimizing: old, with: Adam(learningRate: 0.003, name: "pretraining"))
  try Trainer(pretraining, in: session).fit(data(first.train, from: 0), epochs: 3, batchSize: 50)

  let ask = try session.compile(fetching: [correct])
  let stages: [(freezing: Selection?, rate: Double)] = [
    ("first(5, trunk)", 0.003), ("first(4, trunk)", 0.002), ("first(2, trunk)", 0.001), (nil, 0.0005),
  ]
  var last: Program?
  for (number, stage) in stages.enumerated() {
    print("== stage \(number + 1), frozen: \(stage.freezing?.description ?? "nothing")")
    let program = try session.compile(
      minimizing: new, with: Adam(learningRate: stage.rate), freezing: stage.freezing)
    print("trained:", program.trained.map(\.name).joined(separator: ", "))
    if let last {
      let difference = try last.difference(to: program)
      let added = difference.added.bound(by: ["batch": 50])
      print("thawed:", difference.thawed.joined(separator: ", "))
      print("newly frozen: \(difference.frozen.count)")
      print("backward FLOPs more: \(added.backwardFLOPs), optimiser bytes more: \(added.slotBytes)")
    }
    for origin in [SlotReport.Origin.kept, .fresh] {
      let names = program.slotReport.filter { $0.origin == origin }.map(\.variable)
      if !names.isEmpty { print("optimiser memory \(origin.rawValue):", names.joined(separator: ", ")) }
    }
    let before = try session.snapshot("trunk")
    try Trainer(program, in: session).fit(data(second.train, from: 5), epochs: 2, batchSize: 50)
    let changed = try session.snapshot("trunk").changed(since: before)
    print("moved in the trunk:", changed.isEmpty ? "nothing" : changed.joined(separator: ", "))
    let result = try session.run(ask, feeding: data(second.test, from: 5).feeds)
    print("accuracy:", try result.scalar(correct))
    last = program
  }
}
