import Firn
import Foundation

// Runs what Docs/FromTensorFlow.md and Docs/FromPyTorch.md show, and says what came of it.
reportingErrors {
  let model = try Classifier()
  func tell(_ title: String, _ program: Program) {
    print(title, "- trained:", program.trainedParts.map(\.description).joined(separator: ", "))
  }

  print("== TensorFlow")
  tell("var_list", try model.listOfVariables())
  print("get_collection:", try model.byScope().joined(separator: ", "))
  let declared = try model.declared()
  tell("as declared", declared.asDeclared)
  tell("thawed by name", declared.thawed)
  let twice = try model.afterCompile()
  tell("first program", twice.first)
  tell("second program", twice.second)
  _ = try model.stopGradientOneLayerTooHigh()
  let cell = try model.fixedMatrix()
  tell("custom cell of \(cell.1.joined(separator: ", "))", cell.0)
  for variable in try model.initializers().variables {
    print(variable.name, variable.initializer == .heNormal ? "by the scope's initialiser" : "by its own")
  }
  print("with Keras's defaults:", try model.defaultsOfKeras().type)
  print("set_weights(get_weights()), the same bits:", try model.getAndSetWeights())
  let pretrained = try Classifier(seed: 2)
  let before = try model.session.snapshot()
  try model.restorePart(from: pretrained.session)
  print("restored:", try model.session.snapshot().changed(since: before).joined(separator: ", "))
  _ = try model.missingGradient()
  let padded = try model.lengths()
  print("zero past the end:", padded.rows[8...].allSatisfy { $0.allSatisfy { $0 == 0 } })
  print("from Keras:", try model.weightsOfKeras().joined(separator: ", "))

  print("== PyTorch")
  tell("weight_ih frozen", try model.byNameOfParameter())
  print("in the optimiser:", try model.nothingIsLeftOut().map(\.description).joined(separator: ", "))
  let rates = try model.twoRates()
  tell("two rates", rates)
  try model.session.run(rates, feeding: model.data())
  let ways = try model.threeWays()
  tell("all but the head", ways.byHead)
  tell("the first five children", ways.byCount)
  tell("by name", ways.byName)
  _ = try model.detached()
  let stateful = try model.carriedState()
  let pieces = try Initializer.normal(deviation: 1).values(shape: [4, 5, 3], seed: 3)
  try stateful.session.run(stateful.step, feeding: ["x": pieces])
  print("carried over:", try stateful.session.value(of: "carried").doubles.contains { $0 != 0 })
  print("the forget gate's bias starts at 1:", try model.forgetGate().doubles[8..<16].allSatisfy { $0 == 1 })
  let oneGate = try model.oneGate()
  let partly = oneGate.status.variables.filter { $0.status == .partly }
  print("without one gate:", partly.map(\.name).joined(separator: ", "))
  let modes = try model.dropoutOfTheFrozenPart()
  func drops(_ program: Program) -> Bool { program.graph.nodes.contains { $0.mnemonic == "dropout" } }
  print(
    "dropout in the frozen encoder:", drops(modes.frozen), "- kept on request:", drops(modes.kept),
    "- in one that learns at rest:", drops(modes.still))
  tell("rows", try model.rowsOfAnEmbedding())
  _ = try model.tied()
  let checkpoint = try Weights(
    source: "checkpoint",
    entries: [
      WeightEntry(name: "embedding.weight", array: NDArray(zeros: [50, 8])),
      WeightEntry(name: "fc.weight", array: NDArray(zeros: [4, 16])),
    ])
  let report = try model.partly(checkpoint)
  print("loaded:", report.count(.matched) + report.count(.converted), "left:", report.count(.unexpected))
  print("preserved:", try model.preserved().values.count, "variables")
  let run = NSTemporaryDirectory() + "firn-\(UUID().uuidString)"
  defer { try? FileManager.default.removeItem(atPath: run) }
  let split = try model.sentences().split(validation: 0.25, seed: 1)
  let outcome = try model.wholeLoop(
    on: split.training.inBatches(of: 8, seed: 1), against: split.validation.inBatches(of: 10),
    savingTo: CheckpointFolder(run))
  print(
    "stages:", Set(outcome.history.epochs.map(\.stage)).sorted(), "best restored:", outcome.isBestRestored)
}
