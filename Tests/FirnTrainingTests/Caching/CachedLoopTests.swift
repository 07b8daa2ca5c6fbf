import FirnGraph
import FirnNotation
import FirnRuntime
@testable import FirnTraining
import Testing

/// The trainer's loop with stored features: validation, stages and histories are what they are without.
@Suite struct CachedLoopTests {
  private typealias Result = (values: [String: NDArray], losses: [Double], history: [EpochRecord])

  private func run(
    _ caching: Caching?, _ kind: CachingModel.Kind = .dropoutInHead, through schedule: FreezeSchedule? = nil,
    batches: ((DataSet) throws -> any BatchSource)? = nil
  ) throws -> Result {
    let model = try CachingModel(kind)
    let session = try model.session()
    var trainer =
      if let schedule {
        try Trainer(in: session, through: schedule) { stage in
          try session.compile(
            minimizing: model.name(of: "loss"), with: Adam(learningRate: 0.05), freezing: stage.freezing)
        }
      } else {
        try Trainer(model.program(session), in: session)
      }
    trainer.caching = caching
    trainer.validation = Validation(try model.data().rows([2, 3, 5, 7]).inBatches(of: 3))
    let data = try model.data()
    let outcome = try trainer.train(on: batches?(data) ?? data.inBatches(of: 4, seed: 3), epochs: 4)
    return (try session.everything(), outcome.losses, outcome.history.epochs)
  }

  private func expectSame(_ a: Result, _ b: Result) {
    #expect(a.losses == b.losses)
    #expect(a.history.map(\.trainingLoss) == b.history.map(\.trainingLoss))
    #expect(a.history.map { $0.validation.map(\.value) } == b.history.map { $0.validation.map(\.value) })
    for (name, value) in a.values { #expect(b.values[name]?.isBitwiseEqual(to: value) == true, "\(name)") }
  }

  @Test func validationAndTrainingAreTheSame() throws {
    let place = FeaturePlace.memory(limit: 1 << 20)
    expectSame(try run(nil), try run(.frozenFeatures(in: place)))
    expectSame(try run(nil, .twoLosses), try run(.frozenFeatures(in: place), .twoLosses))
  }

  /// What is trained is none of what validation stores: no head is gone through after each epoch.
  @Test func validationStoresWhatIsFrozenAlone() throws {
    let place = FeaturePlace.memory(limit: 1 << 20)
    _ = try run(.frozenFeatures(in: place), .dense)
    #expect(place.digestedVariables == 2)
  }

  /// From the encoder frozen to nothing frozen, and back.
  @Test func stagesCacheWhatTheyFreeze() throws {
    let schedule = FreezeSchedule([
      (.epoch(0), "encoder"), (.epoch(1), nil), (.epoch(2), "encoder"),
    ])
    expectSame(
      try run(nil, through: schedule),
      try run(.frozenFeatures(in: .memory(limit: 1 << 20)), through: schedule))
  }

  /// Batches whose examples have no numbers, as those that are made up on the way.
  private struct Nameless: BatchSource {
    let batches: DataBatches
    var start: DataPosition { batches.start }
    func batchCount(ofEpoch epoch: Int) -> Int? { batches.batchCount(ofEpoch: epoch) }
    func batches(ofEpoch epoch: Int, from first: Int) throws(FirnError) -> BatchIterator {
      try batches.batches(ofEpoch: epoch, from: first)
    }
  }

  @Test func examplesWithoutIdentityAreRefused() throws {
    let fault = try error {
      _ = try run(.frozenFeatures(in: .memory(limit: 1 << 20)), .dense) {
        Nameless(batches: $0.inBatches(of: 4, seed: 1))
      }
    }
    #expect(fault.code == .invalidArgument && fault.message.contains("cannot be told apart"))
  }
}
