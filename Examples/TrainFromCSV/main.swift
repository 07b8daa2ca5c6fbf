import Firn
import Foundation

// What Docs/Training.md shows, in one program: from a table in a file to a saved model.
//
//     TrainFromCSV [FOLDER]
//
// The leaves are made up: 300 of three kinds, whose sizes overlap. Files are written to FOLDER, or to one that is
// removed.
reportingErrors {
  let temporary = FileManager.default.temporaryDirectory.appendingPathComponent("firn-\(UUID().uuidString)")
    .path
  let folder = CommandLine.arguments.dropFirst().first ?? temporary
  try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  defer { if folder == temporary { try? FileManager.default.removeItem(atPath: folder) } }
  guard let path = Bundle.module.url(forResource: "leaves", withExtension: "csv")?.path else {
    throw FirnError(.file, "leaves.csv is missing", remedy: "build the example anew")
  }

  let table = try CSVTable(contentsOf: path)
  let leaves = try table.numbers(["length_cm", "width_cm", "mass_g"])
  let (labels, kinds) = try table.labels("kind")
  print(leaves.dtype, leaves.shape, labels.dtype, labels.shape)

  let graph = Graph()
  let x = graph.placeholder("x", shape: ["batch", 3])
  let y = graph.placeholder("y", shape: ["batch"], dtype: .i32)
  let hidden = Dense(16, activation: .relu, name: "hidden")(x)
  let logits = Dense(kinds.count, name: "head")(Dropout(0.1)(hidden))
  let loss = sparseSoftmaxCrossEntropy(logits: logits, labels: y).mean()

  let split = try DataSet([x: leaves, y: labels]).split(validation: 1.0 / 6, test: 1.0 / 6, seed: 1)
  let scaling = try Standardization(of: split.training, columns: [x])
  let training = try scaling.applied(to: split.training)
  let validation = try scaling.applied(to: split.validation)
  let test = try scaling.applied(to: split.test)
  print("examples:", training.count, validation.count, test.count)

  let session = try Session(graph, seed: 1)
  let schedule = Schedule.warmUp(over: 20, then: .cosine(initial: 0.02, final: 0.001, over: 260))
  let program = try session.compile(minimizing: loss, with: Adam(learningRate: schedule), clippingNorm: 1)

  var trainer = Trainer(program, in: session)
  trainer.validation = Validation(validation.inBatches(of: 50), metrics: [.accuracy(logits, labels: y)])
  trainer.earlyStopping = EarlyStopping(patience: 10)
  trainer.standardization = scaling
  let checkpoints = try CheckpointFolder(folder + "/run", keepingLast: 2)
  let batches = training.inBatches(of: 32, seed: 1)
  let outcome = try trainer.train(on: batches, epochs: 40, savingTo: checkpoints)
  print("ended:", outcome.ending, "after epoch", outcome.history.epochs.count - 1)
  print("best:", outcome.best?.description ?? "none")

  let judge = try Evaluator(
    [.mean(of: loss), .accuracy(logits, labels: y), .confusionMatrix(logits, labels: y)], in: session)
  let verdict = try judge.evaluate(test.inBatches(of: 50))
  print("test loss", verdict["loss"] ?? .nan, "accuracy", verdict["accuracy"] ?? .nan)
  print(verdict.confusionMatrix?.description ?? "")

  let chances = softmax(logits)
  let guess = logits.argmax(axis: -1)
  let ask = try session.compile(fetching: [chances, guess])
  let leaf = try NDArray([9.0, 1.5, 0.12] as [Float], shape: [1, 3])
  let answer = try session.run(ask, feeding: [x: scaling.scaled(leaf, as: x)])
  let percent = try answer[chances].rows[0].map { ($0 * 100).rounded() }
  print(zip(kinds, percent).map { "\($0) \($1)%" }.joined(separator: ", "))
  print("so it is", try answer[guess].scalar.map { kinds[Int($0)] } ?? "nothing")

  try outcome.history.write(to: folder)
  print(outcome.history.plot(height: 8))

  let elsewhere = try Session(graph, seed: 1)
  let best = try checkpoints.best()
  try best?.resume(in: elsewhere)
  let again = try Evaluator(judge.metrics, in: elsewhere).evaluate(test.inBatches(of: 50))
  print("from the checkpoint, the same numbers:", again == verdict, best?.standardization == scaling)
  try session.weights().write(to: folder + "/leaves.safetensors")

  let twin = try Session(graph, seed: 1)
  let same = try twin.compile(minimizing: loss, with: Adam(learningRate: schedule), clippingNorm: 1)
  var other = Trainer(same, in: twin)
  other.validation = trainer.validation
  let run = try CheckpointFolder(folder + "/other")
  try other.train(on: batches, epochs: 40, upTo: 10, savingTo: run)
  let rest = try other.train(on: batches, epochs: 2, from: run.latest(), savingTo: run)
  print("checkpoints of steps", try run.steps(), "after", rest.losses.count, "more")

  for batch in training.batches(of: 32, epoch: 0, seed: 1) {
    try session.run(program, feeding: training.feeds(batch))
  }

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
  try session.run(tune, feeding: training.feeds)
  print("moved:", try session.snapshot().changed(since: before).joined(separator: ", "))
}
