import Firn
import FirnDigits

// Gradual unfreezing from the top: the head alone first, then one stage more at a time, each with a smaller rate
// (Howard and Ruder, ACL 2018, section 3.3). Every stage is a program of its own, compiled when it begins; all share
// one session.
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

  let training = try data(second.train, from: 5).inBatches(of: 50, seed: 0)
  let test = try data(second.test, from: 5).inBatches(of: 500)
  let rates = [0.003, 0.002, 0.001, 0.0005]
  let stages = FreezeSchedule([
    (.epoch(0), "first(5, trunk)"), (.epoch(2), "first(4, trunk)"), (.epoch(4), "first(2, trunk)"),
    (.epoch(6), nil),
  ])
  var trainer = try Trainer(in: session, through: stages) { stage in
    try session.compile(
      minimizing: new, with: Adam(learningRate: .constant(rates[stage.index])), freezing: stage.freezing)
  }
  trainer.validation = Validation(test, metrics: [.accuracy(logits, labels: labels)])
  trainer.callbacks = [StageLog(stages)]

  let outcome = try trainer.train(on: training, epochs: 8)
  for epoch in outcome.history.epochs { print(epoch) }
}

/// Prints what each stage trains, and what it did.
final class StageLog: TrainingCallback {
  private let stages: FreezeSchedule
  private var before = Snapshot(values: [])

  init(_ stages: FreezeSchedule) { self.stages = stages }

  func began(_ run: TrainingRun) throws(FirnError) { try begin(0, run, run.program.slotReport) }

  func entered(_ change: StageChange, in run: TrainingRun) throws(FirnError) {
    try begin(change.stage, run, change.slots)
    let added = change.difference.added.bound(by: ["batch": 50])
    print("thawed:", change.difference.thawed.joined(separator: ", "))
    print("newly frozen: \(change.difference.frozen.count)")
    print("backward FLOPs more: \(added.backwardFLOPs), optimiser bytes more: \(added.slotBytes)")
  }

  private func begin(_ stage: Int, _ run: TrainingRun, _ slots: [SlotReport]) throws(FirnError) {
    print("== stage \(stage + 1), frozen: \(stages.stages[stage].freezing?.description ?? "nothing")")
    print("trained:", run.program.trained.map(\.name).joined(separator: ", "))
    for origin in [SlotReport.Origin.kept, .fresh] {
      let names = slots.filter { $0.origin == origin }.map(\.variable)
      if !names.isEmpty { print("optimiser memory \(origin.rawValue):", names.joined(separator: ", ")) }
    }
    before = try run.session.snapshot("trunk")
  }

  func finished(_ epoch: EpochRecord, in run: TrainingRun) throws(FirnError) {
    // Each stage has two epochs.
    guard epoch.epoch % 2 == 1 else { return }
    let changed = try run.session.snapshot("trunk").changed(since: before)
    print("moved in the trunk:", changed.isEmpty ? "nothing" : changed.joined(separator: ", "))
    print("accuracy:", epoch["accuracy"] ?? .nan)
  }
}
