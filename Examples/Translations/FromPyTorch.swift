import Firn

/// The Firn side of Docs/FromPyTorch.md; each function holds one of its blocks.
extension Classifier {
  func byNameOfParameter() throws -> Program {
    let step = try session.compile(
      minimizing: loss, with: Adam(), freezing: "encoder/lstm & role(kernel)")
    return step
  }

  func nothingIsLeftOut() throws -> [TrainedPart] {
    let step = try session.compile(
      minimizing: loss, with: SGD(learningRate: 0.1, momentum: 0.9, weightDecay: 0.01), freezing: "encoder")
    let moved = step.trainedParts
    return moved
  }

  func twoRates() throws -> Program {
    let groups = [ParameterGroup("encoder", rate: .fixed(1e-4))]
    let step = try session.compile(minimizing: loss, with: Adam(learningRate: 1e-2, groups: groups))
    return step
  }

  func threeWays() throws -> (byHead: Program, byCount: Program, byName: Program) {
    let graph = Graph()
    let images = graph.placeholder("images", shape: ["batch", 64, 64, 3])
    let model = ResNet(.resNet18)
    model.replaceHead(classes: 2)
    let loss = square(model(images)).mean()

    let session = try Session(graph)
    session.onWarning = { _ in }
    let byHead = try session.compile(minimizing: loss, with: Adam(), freezing: "!fc")
    let byCount = try session.compile(minimizing: loss, with: Adam(), freezing: "first(5, .)")
    let byName = try session.compile(minimizing: loss, with: Adam(), freezing: "!(layer4 | fc)")
    return (byHead, byCount, byName)
  }

  func detached() throws -> Connection {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 4])
    let code = stopGradient(Dense(8, name: "encoder")(x))
    let loss = square(Dense(1, name: "head")(code)).mean()

    let program = try Session(graph).compile(minimizing: loss, with: Adam())
    let connection = try program.whyNot(of: loss, withRespectTo: "encoder/kernel")
    print(connection.verdict.rawValue, connection.cuts.map(\.node.name))
    return connection
  }

  func carriedState() throws -> (session: Session, step: Program) {
    let graph = Graph()
    let x = graph.placeholder("x", shape: [4, "time", 3])
    let carried = graph.variable("carried", shape: [4, 8], initializer: .zeros, kind: .state)
    let output = GRU(8).run(x, initialState: [stopGradient(carried)])
    let keep = graph.assign(output.states[0], to: carried)
    let loss = square(Dense(1)(output.last) - 1).mean()

    let session = try Session(graph)
    let step = try session.compile(minimizing: loss, with: Adam(), fetching: [keep])
    return (session, step)
  }

  func forgetGate() throws -> NDArray {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", "time", 4])
    _ = LSTM(8, forgetBias: 1, name: "lstm")(x)
    return try Session(graph).value(of: "lstm/bias")
  }

  func oneGate() throws -> Program {
    let step = try session.compile(
      minimizing: loss, with: Adam(), freezing: "encoder/lstm/**[gate: forget]")
    return step
  }

  func dropoutOfTheFrozenPart() throws -> (
    frozen: Program, kept: Program, still: Program, graph: Graph
  ) {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 4])
    let code = graph.scope("encoder") { Dropout(0.5)(Dense(8)(x)) }
    let loss = square(Dense(1, name: "head")(code)).mean()

    let session = try Session(graph)
    session.onWarning = { _ in }
    let frozen = try session.compile(minimizing: loss, with: Adam(), freezing: "encoder")
    let kept = try session.compile(
      minimizing: loss, with: Adam(), freezing: "encoder", keepingTrainingMode: "encoder")
    let still = try session.compile(minimizing: loss, with: Adam(), keepingInferenceMode: "encoder")
    return (frozen, kept, still, graph)
  }

  func rowsOfAnEmbedding() throws -> Program {
    let step = try session.compile(
      minimizing: loss, with: Adam(weightDecay: 0.01), freezing: "encoder/embedding/table[0..<40]")
    return step
  }

  func tied() throws -> [String] {
    let graph = Graph()
    let words = graph.placeholder("words", shape: ["batch", "time"], dtype: .i32)
    let embedding = Embedding(count: 50, width: 8, name: "embedding")
    let code = LSTM(8, name: "lstm")(embedding(words))
    let logits = graph.scope("head") { matmul(code, embedding.table?.transposed([1, 0]) ?? code) }
    let loss = square(logits).mean()

    let step = try Session(graph).compile(minimizing: loss, with: Adam())
    let table = step.status.variables[0]
    print(table.name, "is read by", table.readers)
    return table.readers
  }

  func partly(_ checkpoint: Weights) throws -> LoadReport {
    let names = NameMap.pyTorchRNN(RecurrentNetwork(.lstm, layers: 2), from: "rnn.", into: "lstm") + .pyTorch
    let report = try session.load(checkpoint, into: "encoder", mapping: names, strict: false)
    print(report)
    return report
  }

  func preserved() throws -> Snapshot {
    let saved = try session.snapshot("encoder & !role(bias)")
    try session.restore(saved)
    return saved
  }

  func wholeLoop(
    on training: DataBatches, against held: DataBatches, savingTo folder: CheckpointFolder
  ) throws -> TrainingOutcome {
    let schedule = FreezeSchedule.unfreezing(["encoder/embedding", "encoder/lstm", "head"], every: 3)
    var trainer = try Trainer(in: session, through: schedule) { stage in
      try session.compile(minimizing: loss, with: Adam(), freezing: stage.freezing)
    }
    trainer.validation = Validation(held, metrics: [.accuracy(logits, labels: labels)])
    trainer.earlyStopping = EarlyStopping(patience: 5)
    let outcome = try trainer.train(
      on: training, epochs: 40, from: folder.latest(), savingTo: folder)
    return outcome
  }
}
