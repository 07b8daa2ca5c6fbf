import Firn

// The three freezes of every text on transfer learning, on a ResNet-18 with a new head: all but the head, layers by name,
// the first n children.
//
//     FreezeResNet [resnet18.pt]
//
// The file holds the state dictionary of torchvision's `resnet18`, as .pt or .safetensors. Without one, a dictionary of the
// same names and shapes is made here; its numbers are random, which changes nothing of what is counted.
reportingErrors {
  let graph = Graph()
  let images = graph.placeholder("images", shape: ["batch", 64, 64, 3])
  let labels = graph.placeholder("labels", shape: ["batch"], dtype: .i32)
  let model = ResNet(.resNet18)
  model.replaceHead(classes: 10)
  let loss = sparseSoftmaxCrossEntropy(logits: model(images), labels: labels).mean()

  let session = try Session(graph, seed: 1)
  session.onWarning = { print("warning:", $0) }
  let stateDict =
    if CommandLine.arguments.count > 1 { try Weights(contentsOf: CommandLine.arguments[1]) } else {
      try Weights.stateDictOfResNet18()
    }
  // Strict: of the file only `fc` is left out, and of the model only `fc` stays as it was drawn.
  try session.load(stateDict, only: "!fc", mapping: .torchvisionResNet)
  let pretrained = try session.snapshot()

  let batch = 2
  let data: Feeds = [
    images: try Initializer.normal(deviation: 1).values(shape: [batch, 64, 64, 3]),
    labels: NDArray([3, 7] as [Int32]),
  ]
  let optimizer = SGD(learningRate: 0.001, momentum: 0.9)
  let parameters = graph.variables.filter { $0.kind == .parameter }
  func size(_ variables: [Variable]) -> Int { variables.reduce(0) { $0 + $1.elementCount } }

  /// What the compiled program computes backward.
  func nodes(_ mnemonics: String..., in program: Program) -> Int {
    program.graph.unfused.nodes.count { node in
      node.phase == .backward && mnemonics.contains { node.mnemonic.hasPrefix($0) }
    }
  }
  /// What two steps from the pretrained weights change.
  func moved(by program: Program) throws -> [String] {
    try session.restore(pretrained)
    for _ in 1...2 { try session.run(program, feeding: data) }
    return try session.snapshot().changed(since: pretrained)
  }
  func isAverage(_ name: String) -> Bool { name.contains("/moving_") }

  let freezes: [(title: String, selection: Selection)] = [
    ("all but the head", "!fc"), ("layers by name", "layer1 | layer3"),
    ("the first four children", "first(4, .)"),
  ]
  for (title, selection) in freezes {
    let program = try session.compile(minimizing: loss, with: optimizer, freezing: selection)
    print("== \(title): \(selection)")
    print(
      "trained: \(program.trained.count) of \(parameters.count) tensors,",
      "\(size(program.trained)) of \(size(parameters)) numbers")
    print(
      "backward, of 20 convolutions: \(nodes("conv2d_kernel_gradient", in: program)) kernel gradients and",
      // Some of those through frozen kernels are computed by tiles.
      "\(nodes("conv2d_input_gradient", "winograd_convolution", in: program)) input gradients")
    let report = try program.costReport()
    let binding: DimBinding = ["batch": batch]
    let cost = report.total.bound(by: binding)
    let whole = (report.unfrozen ?? report.total).bound(by: binding)
    print("backward FLOPs: \(cost.backwardFLOPs) of \(whole.backwardFLOPs) with nothing frozen")
    print("kept for it: \(cost.keptBytes) of \(whole.keptBytes) bytes")
    print("optimiser memory: \(cost.slotBytes) of \(whole.slotBytes) bytes")

    // A batch norm in a frozen scope normalises by its averages and leaves them; the others go with the batch.
    let norms = program.status.scopes.filter { scope in
      graph.variables.contains { $0.name == scope.path + "/moving_mean" }
    }
    let still = norms.filter { $0.mode == .inference }
    print("batch norms: \(still.count) of \(norms.count) in inference mode")
    let changed = try moved(by: program)
    print(
      "two steps move \(changed.count { !isAverage($0) }) tensors and",
      "\(changed.count(where: isAverage)) averages;",
      "anything frozen among them:",
      changed.contains { name in
        isAverage(name)
          ? still.contains { name.hasPrefix($0.path + "/") } : !program.trained.contains { $0.name == name }
      })
  }

  // What PyTorch's `model.train()` makes of the first: no parameter moves but the head's, yet the features do.
  let waking = try session.compile(
    minimizing: loss, with: optimizer, freezing: "!fc", keepingTrainingMode: "**")
  print("== all but the head, as after `model.train()`")
  let changed = try moved(by: waking)
  print(
    "two steps move \(changed.count { !isAverage($0) }) tensors and",
    "\(changed.count(where: isAverage)) averages"
  )
}
