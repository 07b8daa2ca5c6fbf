import FirnCompiler
import FirnFormats
import FirnGraph
import FirnNotation
import FirnNN
import FirnOps
import FirnRuntime
import FirnTraining
import Foundation
import Testing

/// A run that stops and goes on elsewhere has the bits of one that did not, whatever its state consists of.
@Suite struct ResumptionTests {
  /// Everything a run's bits can depend on: moving averages, states carried from step to step, dropout inside and outside
  /// a loop, the order of examples.
  private struct Model {
    let graph = Graph()
    let output: RecurrentOutput
    let loss: Tensor
    let data: DataSet

    init(_ dtype: DType) throws {
      let x = graph.placeholder("x", shape: [4, 3, 2], dtype: dtype)
      let targets = graph.placeholder("targets", shape: [4], dtype: .i32)
      let graph = graph
      let code = graph.scope("encoder") {
        BatchNorm(name: "bn")(Dense(5, activation: .tanh, name: "dense")(x))
      }
      output = LSTM(4, options: RecurrentOptions(initialState: .carried, stateDropout: 0.2), name: "lstm")
        .run(code)
      let logits = Dense(3, name: "head")(BatchNorm(name: "bn")(Dropout(0.3)(output.last)))
      loss = sparseSoftmaxCrossEntropy(logits: logits, labels: targets).mean()
      data = try DataSet([
        "x": noise([20, 3, 2], dtype: dtype), "targets": labels(20, classes: 3),
      ])
    }

    func program(_ session: Session, _ optimizer: any Optimizer, freezing: Selection?) throws -> Program {
      try session.compile(minimizing: loss, with: optimizer, freezing: freezing, fetching: output.carry)
    }
  }

  private static let optimizers: [any Optimizer] = [
    Adam(learningRate: .warmUp(over: 3, then: .cosine(initial: 0.05, over: 20)), weightDecay: 0.01),
    SGD(learningRate: .steps(initial: 0.1, factor: 0.5, every: 4), momentum: 0.9),
    SGD(learningRate: 0.1, momentum: 0.9, usesNesterov: true), SGD(learningRate: 0.1),
  ]

  @Test(arguments: [DType.f32, .f64], 0..<4)
  func resumesBitForBit(_ dtype: DType, _ optimizer: Int) throws {
    let optimizer = Self.optimizers[optimizer]
    for (freezing, saving) in [
      (nil, .everything), ("encoder", .everything), ("encoder/dense | lstm/kernel[gate: forget]", .trained),
    ] as [(Selection?, Saving)] {
      let model = try Model(dtype)
      func fit(_ session: Session, from start: DataPosition?, upTo step: Int, _ folder: CheckpointFolder?)
        throws
        -> [Double]
      {
        let program = try model.program(session, optimizer, freezing: freezing)
        return try Trainer(program, in: session).fit(
          model.data, epochs: 3, batchSize: 4, seed: 6, from: start, upTo: step, savingTo: folder, every: 100)
      }
      try withFolder { url in
        let straight = try quietSession(model.graph)
        let losses = try fit(straight, from: nil, upTo: 10, nil)
        let first = try quietSession(model.graph)
        let folder = try CheckpointFolder(url.path, saving: saving)
        let before = try fit(first, from: nil, upTo: 5, folder)
        let second = try quietSession(model.graph)
        let start = try #require(try folder.latest()?.resume(in: second))
        #expect(start.step == 5 && start.position?.epoch == 1 && start.position?.batch == 0)
        #expect(try before + fit(second, from: start.position, upTo: 10, folder) == losses)
        #expect(try second.everything() == straight.everything(), "\(String(describing: freezing))")
        #expect(Set(losses).count == 10)
        // The states and the averages did move, or this would prove little.
        let state = model.graph.variables.filter { $0.kind == .state && !$0.name.hasPrefix("encoder") }
        #expect(state.count == 4)
        for variable in state {
          #expect(try second.value(of: variable.name) != first.value(of: variable.name), "\(variable.name)")
        }
      }
    }
  }

  /// What is frozen and in the checkpoint alone is no longer random where a session resumes before it compiles.
  @Test func whoResumesFirstIsNotWarned() throws {
    try withFolder { url in
      let model = try Model(.f32)
      let folder = try CheckpointFolder(url.path)
      var ends: [[String: NDArray]] = []
      for (loads, resumesFirst) in [(true, false), (false, true), (false, false)] {
        let session = try Session(model.graph, seed: 0)
        var warnings: [String] = []
        session.onWarning = { warnings.append($0) }
        for entry in loads ? try session.snapshot("encoder").values : [] {
          try session.setValue(entry.array, of: entry.name)
        }
        let start = try folder.latest()
        if resumesFirst { try start?.resume(in: session) }
        let program = try model.program(session, Self.optimizers[0], freezing: "encoder")
        let trainer = Trainer(program, in: session)
        let batches = model.data.inBatches(of: 4, seed: 6)
        try trainer.train(
          on: batches, epochs: 3, from: start, upTo: loads ? 5 : 10, savingTo: loads ? folder : nil)
        #expect(warnings.isEmpty == (loads || resumesFirst), "\(warnings)")
        if !loads { ends.append(try session.everything()) }
      }
      #expect(ends[0] == ends[1])
    }
  }

  /// Going on with another selection is what a run that changed its selection at that step does.
  @Test(arguments: [DType.f32, .f64]) func anotherSelectionGoesOnAsWithoutAStop(_ dtype: DType) throws {
    let model = try Model(dtype)
    let optimizer = Self.optimizers[0]
    let feeds = try model.data.feeds(0..<4)
    let straight = try quietSession(model.graph)
    let early = try model.program(straight, optimizer, freezing: "head/kernel")
    for _ in 0..<5 { try straight.run(early, feeding: feeds) }
    let checkpoint = try Checkpoint(of: straight, running: early, step: 5)
    let late = try model.program(straight, optimizer, freezing: "encoder")
    for _ in 0..<5 { try straight.run(late, feeding: feeds) }
    for compilesFirst in [false, true] {
      let session = try quietSession(model.graph)
      var program = compilesFirst ? try model.program(session, optimizer, freezing: "encoder") : nil
      let resumption = try checkpoint.resume(in: session)
      program = try program ?? model.program(session, optimizer, freezing: "encoder")
      let reports = compilesFirst ? resumption.slots : try #require(program).slotReport
      let origins = Dictionary(reports.map { ($0.variable, $0.origin) }, uniquingKeysWith: { $1 })
      #expect(origins["head/kernel"] == .fresh && origins["head/bias"] == .kept)
      #expect(origins["encoder/dense/kernel"] == .dropped)
      for _ in 0..<5 { try session.run(#require(program), feeding: feeds) }
      #expect(try session.snapshot() == straight.snapshot())
      #expect(
        try session.value(of: "head/kernel/adam/first_moment")
          == straight.value(of: "head/kernel/adam/first_moment"))
    }
  }

  /// The base's digest is computed again when the base is another, also within one folder.
  @Test func deltasGoByTheBaseTheyWereSavedWith() throws {
    let model = try Chain()
    let session = try quietSession(model.graph)
    let program = try session.compile(minimizing: model.loss, with: Adam(), freezing: "lower | middle")
    try withFolder { url in
      let folder = try CheckpointFolder(url.path, saving: .trained)
      try session.run(program, feeding: model.feeds)
      try folder.save(session, running: program, step: 1)
      try session.setValue(try NDArray(zeros: [3, 4]), of: "lower/kernel")
      try session.run(program, feeding: model.feeds)
      try folder.save(session, running: program, step: 2)
      let other = try quietSession(model.graph)
      #expect(throws: FirnError.self) { try folder.latest()?.resume(in: other) }
      try other.setValue(try NDArray(zeros: [3, 4]), of: "lower/kernel")
      #expect(try folder.latest()?.resume(in: other).step == 2)
      #expect(try other.snapshot() == session.snapshot())
    }
  }

  /// Rule 10, in files: declared frozen, selected frozen or trained, what is saved has the same bytes.
  @Test func rule10FilesHaveTheSameBytes() throws {
    try withFolder { url in
      func bytes(declared: Bool?, selected: Selection?) throws -> Data {
        let graph = Graph()
        let x = graph.placeholder("x", shape: ["batch", 3])
        let lower = graph.scope("lower", trainable: declared) { BatchNorm()(Dense(4)(x)) }
        let loss = Dense(2, name: "upper")(lower).mean()
        let session = try quietSession(graph)
        _ = try session.compile(minimizing: loss, with: Adam(), freezing: selected)
        let path = url.appendingPathComponent("w.safetensors")
        try session.weights().write(to: path.path)
        return try Data(contentsOf: path)
      }
      let first = try bytes(declared: nil, selected: nil)
      #expect(first.count > 300)
      for (declared, selected) in [
        (false, nil), (nil, "lower"), (nil, "upper | lower/dense/kernel[0..<1]"), (false, "upper/kernel"),
      ] as [(Bool?, Selection?)] {
        #expect(try bytes(declared: declared, selected: selected) == first)
      }
    }
  }
}
