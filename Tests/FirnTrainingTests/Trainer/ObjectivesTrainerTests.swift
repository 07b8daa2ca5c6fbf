import FirnCompiler
import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
import FirnRuntime
import FirnTraining
import Foundation
import Testing

/// A trainer of several objectives: stages, early stopping and resumption are those of one.
@Suite struct ObjectivesTrainerTests {
  /// Two heads on one encoder, as Docs/Training.md has them.
  private struct Model {
    let graph = Graph()
    let (x, kind, size): (Tensor, Tensor, Tensor)
    let (kindLoss, sizeLoss): (Tensor, Tensor)

    init() {
      let x = graph.placeholder("x", shape: ["batch", 5])
      kind = graph.placeholder("kind", shape: ["batch"], dtype: .i32)
      size = graph.placeholder("size", shape: ["batch", 1])
      let code = graph.scope("encoder") {
        Dense(6, activation: .tanh, name: "upper")(Dense(8, activation: .tanh, name: "lower")(x))
      }
      let logits = Dense(3, name: "kinds")(Dropout(0.2)(code))
      kindLoss = sparseSoftmaxCrossEntropy(logits: logits, labels: kind).mean()
      sizeLoss = meanSquaredError(Dense(1, name: "sizes")(code), size)
      self.x = x
    }

    func data(_ count: Int, _ name: String) throws -> DataSet {
      let rows = try noise([count, 5], name)
      return try DataSet([
        x: rows, kind: NDArray(rows.rows.map { Int32($0[0] > 0.3 ? 2 : $0[1] > 0 ? 1 : 0) }),
        size: NDArray(rows.rows.map { Float($0[2] - $0[3]) }, shape: [count, 1]),
      ])
    }
  }

  private let model = Model()

  private func trainer(_ session: Session) throws -> Trainer {
    let schedule = FreezeSchedule.unfreezing(
      ["encoder/lower", "encoder/upper", "kinds | sizes"], every: 2)
    var trainer = try Trainer(in: session, through: schedule) { stage in
      try session.compile(
        updates: [
          .minimize(
            model.sizeLoss, training: "encoder | sizes", with: Adam(learningRate: 0.02), named: "sizes"),
          .minimize(
            model.kindLoss, training: "kinds", adding: "encoder", with: SGD(learningRate: 0.3), named: "kinds"
          ),
        ], freezing: stage.freezing)
    }
    trainer.validation = Validation(
      try model.data(12, "held").inBatches(of: 5), metrics: [.mean(of: model.sizeLoss, named: "size")])
    trainer.earlyStopping = EarlyStopping(patience: 4)
    return trainer
  }

  @Test func stagesEarlyStoppingAndResumption() throws {
    let source = try model.data(20, "data").inBatches(of: 6, seed: 4)
    let straight = try quietSession(model.graph)
    let whole = try trainer(straight).train(on: source, epochs: 60)
    let stages = whole.history.epochs.map(\.stage)
    #expect(Array(stages.prefix(5)) == [0, 0, 1, 1, 2])
    #expect(whole.history.epochs.allSatisfy { $0["loss"] != nil && $0["size"] != nil })
    #expect(whole.isBestRestored)
    try withFolder { url in
      let folder = try CheckpointFolder(url.path)
      for stop in [3, 7, 12, 18, .max] {
        let session = try quietSession(model.graph)
        let part = try trainer(session).train(
          on: source, epochs: 60, from: folder.latest(), upTo: stop, savingTo: folder)
        guard stop == .max else { continue }
        #expect(part.ending == whole.ending && part.best?.epoch == whole.best?.epoch)
        #expect(try session.everything() == straight.everything())
      }
    }
  }
}
