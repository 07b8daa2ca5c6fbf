import Firn
import Foundation

// Trains a head on a frozen encoder, with dropout, Adam and a learning rate that changes, and saves after every step.
// Kill it whenever you like and start it again: it goes on where it was, to the same bits as if nothing had happened.
// Ctrl-C ends it after the step that runs.
//
//     ResumeTraining FOLDER STEPS

reportingErrors {
  let arguments = CommandLine.arguments.dropFirst()
  let temporary = FileManager.default.temporaryDirectory.appendingPathComponent("firn-\(UUID().uuidString)")
    .path
  let path = arguments.first ?? temporary
  let lastStep = arguments.dropFirst().first.flatMap(Int.init) ?? 10

  let graph = Graph()
  let x = graph.placeholder("x", shape: ["batch", 8])
  let y = graph.placeholder("y", shape: ["batch"], dtype: .i32)
  let code = graph.scope("encoder") { Dropout(0.2)(Dense(16, activation: .tanh)(x)) }
  let logits = Dense(3, name: "head")(Dropout(0.5, name: "dropout")(code))
  let loss = sparseSoftmaxCrossEntropy(logits: logits, labels: y).mean()

  let session = try Session(graph, seed: 1, threads: 1)
  // The encoder would be loaded: session.load(Weights(contentsOf: "encoder.safetensors"), into: "encoder").
  session.onWarning = { _ in }
  let schedule = Schedule.warmUp(over: 3, then: .cosine(initial: 0.01, final: 0.001, over: 20))
  let program = try session.compile(
    minimizing: loss, with: Adam(learningRate: schedule), freezing: "encoder")

  let rows = try Initializer.normal(deviation: 1).values(shape: [40, 8])
  let data = try DataSet([x: rows, y: NDArray(rows.rows.map { Int32($0[0] > 0 ? 2 : $0[1] > 0 ? 1 : 0) })])

  let folder = try CheckpointFolder(path, keepingLast: 2)
  let start = try folder.latest()
  say("from step \(start?.step ?? 0)")
  var trainer = Trainer(program, in: session)
  trainer.stopsOnInterrupt = true
  trainer.callbacks = [Reporter()]
  let outcome = try trainer.train(
    on: data.inBatches(of: 16, seed: 0), epochs: .max, from: start, upTo: lastStep, savingTo: folder, every: 1
  )
  if outcome.ending == .interrupted { say("interrupted, saved at step \(outcome.position.step)") }
  if path == temporary { try FileManager.default.removeItem(atPath: temporary) }
}

/// Says what has been saved.
final class Reporter: TrainingCallback {
  private var loss = 0.0

  func finished(_ step: StepRecord, in run: TrainingRun) { loss = step.loss }

  func saved(_ path: String, at position: DataPosition, in run: TrainingRun) {
    say("step \(position.step) loss \(loss)")
  }
}

/// Not kept back in a buffer: what it says it has saved.
func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }
