import Firn
import Foundation

// What Docs/InAndOutOfPyTorch.md shows: weights of PyTorch in, training as there, and out again.
//
//     InAndOutOfPyTorch [FOLDER]
reportingErrors {
  let temporary = FileManager.default.temporaryDirectory.appendingPathComponent("firn-\(UUID().uuidString)")
    .path
  let folder = CommandLine.arguments.dropFirst().first ?? temporary
  try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  defer { if folder == temporary { try? FileManager.default.removeItem(atPath: folder) } }

  // The file stands for one that PyTorch wrote: a convolution, a batch norm, an LSTM and a linear layer in its layouts.
  let layouts: KeyValuePairs = [
    "state_dict.module.conv.weight": [6, 3, 3, 3], "state_dict.module.conv.bias": [6],
    "state_dict.module.bn.weight": [6], "state_dict.module.bn.bias": [6],
    "state_dict.module.bn.running_mean": [6], "state_dict.module.bn.running_var": [6],
    "state_dict.module.rnn.weight_ih_l0": [16, 24], "state_dict.module.rnn.weight_hh_l0": [16, 4],
    "state_dict.module.rnn.bias_ih_l0": [16], "state_dict.module.rnn.bias_hh_l0": [16],
    "state_dict.module.fc.weight": [5, 4], "state_dict.module.fc.bias": [5],
  ]
  try Weights(
    source: "PyTorch",
    entries: layouts.map { name, shape in
      WeightEntry(name: name, array: try Initializer.uniform(0.1, 0.6).values(shape: shape, name: name))
    }
  ).write(to: folder + "/model.safetensors")

  let graph = Graph()
  let images = graph.placeholder("images", shape: ["batch", 8, 4, 3])
  let labels = graph.placeholder("labels", shape: ["batch"], dtype: .i32)
  let features = BatchNorm(name: "bn")(Conv2D(6, kernel: 3, padding: .symmetric(1, 1), name: "conv")(images))
  let lines = features.reshaped(to: ["batch", 8, 24])
  let logits = Dense(5, name: "fc")(LSTM(4, name: "rnn")(lines))
  let loss = sparseSoftmaxCrossEntropy(logits: logits, labels: labels).mean()
  let session = try Session(graph, seed: 1)
  session.onWarning = { print("warning:", $0) }

  let file = try Weights(contentsOf: folder + "/model.safetensors")
  for entry in file.entries.prefix(2) { print(entry.name, entry.storedType, entry.shape) }

  let stateDict = try file.below("state_dict.module")

  let names = NameMap.pyTorchRNN(RecurrentNetwork(.lstm), from: "rnn.", into: "rnn") + .pyTorch
  try session.load(stateDict, mapping: names)
  for variable in session.variables { print(variable.name, variable.type.shape) }

  let small = Graph()
  let pixels = small.placeholder("pixels", shape: ["batch", 8, 4, 3])
  _ = small.scope("trunk") { Conv2D(6, kernel: 3, name: "conv")(pixels) }
  let part = try Session(small)
  try part.load(stateDict, into: "trunk", mapping: .ignoring(#"(bn|rnn|fc)\..*"#) + .pyTorch)
  print("part:", try part.weights("loaded").entries.map(\.name).joined(separator: ", "))

  try session.load(stateDict, only: "!fc", mapping: names)

  let report = try session.load(stateDict, only: "conv | fc", mapping: names, strict: false)
  print("converted:", report.count(.converted), "as they are:", report.count(.matched))

  let asThere = try session.compile(
    minimizing: loss, with: AsPyTorch(base: SGD(learningRate: 0.1, momentum: 0.9)))

  let before = try session.value(of: "rnn/bias").doubles
  let batch: Feeds = [
    images: try Initializer.normal(deviation: 1).values(shape: [10, 8, 4, 3], seed: 3),
    labels: NDArray((0..<10).map { Int32($0 % 5) }),
  ]
  try session.run(asThere, feeding: batch)
  print("moved:", try session.value(of: "rnn/bias").doubles != before)
  try checkTwoBiases()

  try session.save(to: folder + "/trained.pth", mapping: names)

  let trained = try Weights(contentsOf: folder + "/trained.pth")
  for entry in trained.entries { print(entry.name, entry.shape) }
  let again = try Session(graph, seed: 9)
  try again.load(trained, mapping: names)
  print("out and in again, the same bits:", try again.snapshot().changed(since: session.snapshot()).isEmpty)
}

/// One bias moves as the sum of PyTorch's two does: twice as far.
struct AsPyTorch<Base: Optimizer>: Optimizer {
  let base: Base
  var name: String { base.name }
  var sharedSlots: [OptimizerSlot] { base.sharedSlots }
  func slots(for part: TrainedPart) -> [OptimizerSlot] { base.slots(for: part) }
  func updateShared(_ slots: [Tensor]) -> [Tensor] { base.updateShared(slots) }
  func validate() throws(FirnError) { try base.validate() }

  func update(_ update: ParameterUpdate) -> UpdatedParameter {
    var next = base.update(update)
    let variable = update.part.variable
    if variable.name.hasPrefix("rnn/"), variable.role == "bias" { next.value = 2 * next.value - update.value }
    return next
  }
}
