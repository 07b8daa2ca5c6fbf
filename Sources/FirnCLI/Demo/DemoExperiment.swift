internal import FirnNotation
internal import FirnDigits
internal import FirnGraph
internal import FirnRuntime
internal import FirnTraining

/// Pretraining on the digits 0 to 4, then moving to 5 to 9 in three ways from the same bits.
struct DemoExperiment {
  /// How the encoder is treated after pretraining.
  enum Way: String, CaseIterable {
    case allTrainable = "all trainable"
    case frozenScope = "encoder frozen"
    case stopGradient = "stop_gradient"
  }

  let seed: UInt64
  /// A sixth of the epochs, to see that everything works.
  let isQuick: Bool
  let digits: DigitsData

  var pretrainingEpochs: Int { isQuick ? 5 : 30 }
  var transferEpochs: Int { isQuick ? 15 : 90 }

  /// What is known once a way has been tried.
  struct Outcome {
    let way: Way
    let model: DemoModel
    let program: Program
    let losses: [Double]
    let arenaBytes: Int
    let millisecondsPerStep: Double
    let testAccuracy: Double
    /// The classifier as it was trained.
    let head: Snapshot
    /// Whether every variable that the way holds still has the bits it was given.
    let heldBitsUnchanged: Bool
  }

  /// The trained encoder and what pretraining looked like.
  struct Pretraining {
    let encoder: Snapshot
    let losses: [Double]
    let testAccuracy: Double
  }

  func pretrain(_ report: (Trainer.Progress) -> Void) throws(FirnError) -> Pretraining {
    let model = DemoModel(head: "head_0_4")
    let session = try Session(model.graph, seed: seed)
    let program = try session.compile(minimizing: model.loss, with: Adam(learningRate: 3e-3))
    let (train, test) = try data(for: model, classes: 0...4)
    let losses = try Trainer(program, in: session).fit(
      train, epochs: pretrainingEpochs, batchSize: DemoModel.batchSize, seed: seed, report: report)
    return Pretraining(
      encoder: try session.snapshot("encoder"), losses: losses,
      testAccuracy: try accuracy(of: model, in: session, on: test))
  }

  func transfer(
    _ way: Way, from pretraining: Pretraining, _ report: (Trainer.Progress) -> Void
  ) throws(FirnError) -> Outcome {
    let model = DemoModel(head: "head_5_9", stopsAtEncoder: way == .stopGradient)
    let session = try Session(model.graph, seed: seed)
    try session.restore(pretraining.encoder)
    let program = try session.compile(
      minimizing: model.loss, with: Adam(learningRate: 3e-3), freezing: way == .frozenScope ? "encoder" : nil)
    let (train, test) = try data(for: model, classes: 5...9)
    let clock = ContinuousClock()
    let start = clock.now
    let losses = try Trainer(program, in: session).fit(
      train, epochs: transferEpochs, batchSize: DemoModel.batchSize, seed: seed, report: report)
    let elapsed = start.duration(to: clock.now) / max(1, losses.count)
    return Outcome(
      way: way, model: model, program: program, losses: losses,
      arenaBytes: try session.arenaBytes(of: program, binding: ["batch": DemoModel.batchSize]),
      millisecondsPerStep: Double(elapsed.components.attoseconds) / 1e15 + Double(elapsed.components.seconds)
        * 1e3,
      testAccuracy: try accuracy(of: model, in: session, on: test),
      head: try session.snapshot("head_5_9"),
      heldBitsUnchanged: try isUnchanged(pretraining.encoder, in: session))
  }

  private func isUnchanged(_ snapshot: Snapshot, in session: Session) throws(FirnError) -> Bool {
    for value in snapshot.values where !value.array.isBitwiseEqual(to: try session.value(of: value.name)) {
      return false
    }
    return true
  }

  private func accuracy(of model: DemoModel, in session: Session, on data: DataSet) throws(FirnError)
    -> Double
  {
    let program = try session.compile(fetching: [model.accuracy])
    return try session.run(program, feeding: data.feeds).scalar(model.accuracy)
  }

  private func data(
    for model: DemoModel, classes: ClosedRange<UInt8>
  ) throws(FirnError) -> (train: DataSet, test: DataSet) {
    let split = try digits.split(classes: classes, testFraction: 0.25, seed: seed)
    return (
      try dataSet(split.train, of: model, first: classes.lowerBound),
      try dataSet(split.test, of: model, first: classes.lowerBound)
    )
  }

  private func dataSet(_ indices: [Int], of model: DemoModel, first: UInt8) throws(FirnError) -> DataSet {
    try DataSet([
      model.images: digits.pixels(indices).reshaped(to: [indices.count, 8, 8]),
      model.labels: digits.classes(indices, from: first),
    ])
  }
}
