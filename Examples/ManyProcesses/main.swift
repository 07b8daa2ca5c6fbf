import Firn
import FirnDigits

// The same program alone and on several processes: a small CNN learns digits, its first convolution frozen. Each
// process reads its part of every batch; gradients of what is trained are exchanged, and nothing else.
//
//     swift run -c release ManyProcesses
//     mpiexec -n 2 swift run -c release --skip-build ManyProcesses

reportingErrors {
  let world = try World.mpi()
  let digits = try DigitsData.load()

  let graph = Graph()
  let x = graph.placeholder("images", shape: ["batch", 8, 8, 1])
  let y = graph.placeholder("labels", shape: ["batch"], dtype: .i32)
  let logits = DigitsCNN(classes: 10)(x)
  let loss = sparseSoftmaxCrossEntropy(logits: logits, labels: y).mean()

  let session = try Session(graph, seed: 1, world: world)
  session.onWarning = { _ in }
  let program = try session.compile(
    minimizing: loss, with: Adam(learningRate: 0.003), freezing: Selection(graph.variables[0].scope))
  let indices = Array(0..<1200)
  let data = try DataSet([x: digits.pixels(indices), y: digits.classes(indices, from: 0)])

  if world.rank == 0 {
    let bytes = program.trainedParts.reduce(0) { $0 + ($1.type.byteCount.value ?? 0) }
    print("\(world.size) process\(world.size == 1 ? "" : "es"), \(bytes) bytes of gradients a step")
  }
  try Trainer(program, in: session).fit(data, epochs: 5, batchSize: 60) { progress in
    if progress.step % 20 == 0 { print(progress) }
  }
  if world.rank == 0 {
    let traffic = world.trafficSoFar
    print("handed in to be summed: \(traffic.reducedBytes) bytes in \(traffic.calls) calls")
  }
}
