import Firn
import Foundation

// Trains a head on a frozen network whose features are computed once for each example and kept in a folder. Kill it
// whenever you like and start it again: what is stored is used, and the head gets the same bits, with a folder or
// without one.
//
//     CachedFeatures [FOLDER [EPOCHS]]

reportingErrors {
  let arguments = CommandLine.arguments.dropFirst()
  let folder = arguments.first
  let epochs = arguments.dropFirst().first.flatMap(Int.init) ?? 3

  let graph = Graph()
  let images = graph.placeholder("images", shape: ["batch", 12, 12, 1])
  let labels = graph.placeholder("labels", shape: ["batch"], dtype: .i32)
  let features = graph.scope("encoder") {
    relu(Conv2D(8, kernel: 3, name: "second")(relu(Conv2D(8, kernel: 3, name: "first")(images)))).mean(axes: [
      1, 2,
    ])
  }
  let logits = Dense(3, name: "head")(Dropout(0.2)(features))
  let loss = sparseSoftmaxCrossEntropy(logits: logits, labels: labels).mean()

  let session = try Session(graph, seed: 1, threads: 1)
  // The encoder would be loaded: session.load(Weights(contentsOf: "encoder.safetensors"), into: "encoder").
  session.onWarning = { _ in }
  let program = try session.compile(
    minimizing: loss, with: Adam(learningRate: 0.01), freezing: "encoder")
  say("\(program.frozenBoundary())")

  let pixels = try Initializer.normal(deviation: 1).values(shape: [250, 12, 12, 1])
  let data = try DataSet([images: pixels, labels: NDArray((0..<250).map { Int32($0 % 3) })])

  try Trainer(program, in: session).fit(
    data, epochs: epochs, batchSize: 16, caching: folder.map { .frozenFeatures(in: .folder($0)) }
  ) { progress in
    say("step \(progress.step)")
  }
  let head = try session.value(of: "head/kernel").floats.map { String($0.bitPattern, radix: 16) }
  say("head " + head.joined(separator: " "))

  /// Not kept back in a buffer.
  func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }
}
