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

/// What a checkpoint holds, and what resuming makes of it.
@Suite struct CheckpointTests {
  private let adam = Adam(learningRate: .cosine(initial: 0.01, over: 8))

  private func trained(
    _ model: Chain, steps: Int = 3, freezing: Selection? = nil, seed: UInt64 = 3
  ) throws -> (session: Session, program: Program) {
    let session = try quietSession(model.graph, seed: seed)
    let program = try session.compile(minimizing: model.loss, with: adam, freezing: freezing)
    for _ in 0..<steps { try session.run(program, feeding: model.feeds) }
    return (session, program)
  }

  private func origins(_ reports: [SlotReport]) -> [String: SlotReport.Origin] {
    Dictionary(uniqueKeysWithValues: reports.map { ($0.variable, $0.origin) })
  }

  // MARK: Round trips

  /// Whether the program is compiled before or after, resuming goes on to the same bits.
  @Test(arguments: [false, true]) func resumesBitForBit(_ compilesFirst: Bool) throws {
    let model = try Chain()
    let (session, program) = try trained(model, freezing: "lower")
    let checkpoint = try Checkpoint(of: session, running: program, step: 3, metric: 0.5)
    try withFolder { url in
      let path = url.appendingPathComponent("c.safetensors").path
      try checkpoint.write(to: path)
      let read = try Checkpoint(contentsOf: path)
      #expect(read.step == 3 && read.metric == 0.5 && read.freezing == "lower" && read.thawing == nil)
      #expect(read.graph == model.graph.definition.text)
      let other = try quietSession(model.graph)
      var next =
        compilesFirst ? try other.compile(minimizing: model.loss, with: adam, freezing: "lower") : nil
      if let next { try other.run(next, feeding: model.feeds) }
      let resumption = try read.resume(in: other)
      #expect(resumption.step == 3 && Set(resumption.slots.map(\.origin)) == [.kept])
      next = try next ?? other.compile(minimizing: model.loss, with: adam, freezing: "lower")
      #expect(try Set(#require(next).slotReport.map(\.origin)) == [compilesFirst ? .fresh : .kept])
      #expect(try other.everything() == session.everything())
      for _ in 0..<3 {
        let a = try session.run(program, feeding: model.feeds).scalar(model.loss)
        #expect(try other.run(#require(next), feeding: model.feeds).scalar(model.loss) == a)
      }
      #expect(try other.everything() == session.everything())
      #expect(try session.value(of: "adam/step").scalar == 6)
    }
  }

  /// Trap 17: what is frozen changes neither names nor order of what is saved.
  @Test func trap17TrainabilityNeverReordersACheckpoint() throws {
    let model = try NestedModel()
    var orders: [[String]] = []
    for selection in [nil, "encoder", "head | tied", "role(kernel)"] as [Selection?] {
      let session = try quietSession(model.graph)
      let program = try session.compile(minimizing: model.loss, with: Adam(), freezing: selection)
      let names = try Checkpoint(of: session, running: program, step: 0).weights.entries.map(\.name)
      let variables = model.graph.variables.map(\.name)
      #expect(Array(names.prefix(variables.count)) == variables)
      // Slots are in the order of their variables, also of one thawed late.
      let owners = names.dropFirst(variables.count).map { slot in
        variables.firstIndex { slot.hasPrefix($0 + "/") } ?? -1
      }
      #expect(owners == owners.sorted())
      _ = try session.compile(minimizing: model.loss, with: Adam())
      let thawed = try session.compile(minimizing: model.loss, with: Adam())
      orders.append(try Checkpoint(of: session, running: thawed, step: 0).weights.entries.map(\.name))
    }
    #expect(Set(orders).count == 1)
  }

  /// Trap 18: resumed under another selection, memory is kept, fresh or dropped by name, and it is said which.
  @Test(arguments: [false, true])
  func trap18SlotsOfAnotherSelectionAreReported(_ compilesFirst: Bool) throws {
    let model = try Chain()
    let (session, program) = try trained(model, freezing: "upper")
    let checkpoint = try Checkpoint(of: session, running: program, step: 3)
    let other = try quietSession(model.graph)
    var next = compilesFirst ? try other.compile(minimizing: model.loss, with: adam, freezing: "lower") : nil
    if let next { try other.run(next, feeding: model.feeds) }
    var found = origins(try checkpoint.resume(in: other).slots)
    next = try next ?? other.compile(minimizing: model.loss, with: adam, freezing: "lower")
    if !compilesFirst { found = origins(try #require(next).slotReport) }
    #expect(
      found == [
        "lower/kernel": .dropped, "lower/bias": .dropped, "middle/kernel": .kept, "middle/bias": .kept,
        "upper/kernel": .fresh, "upper/bias": .fresh,
      ])
    #expect(try other.value(of: "middle/kernel/adam/step").scalar == 3)
    #expect(
      try other.value(of: "middle/kernel/adam/first_moment")
        == session.value(of: "middle/kernel/adam/first_moment"))
    #expect(try other.value(of: "upper/kernel/adam/step").scalar == 0)
    #expect(try other.value(of: "adam/step").scalar == 3, "the schedule goes on")
    #expect(try other.snapshot() == session.snapshot())
    let names = try Checkpoint(of: other, running: #require(next), step: 3).weights.entries.map(\.name)
    #expect(names.contains("upper/kernel/adam/step") && !names.contains("lower/kernel/adam/step"))
  }

  // MARK: All or nothing

  @Test func misfitsChangeNothing() throws {
    let model = try Chain()
    let (session, program) = try trained(model)
    let checkpoint = try Checkpoint(of: session, running: program, step: 3)
    let smaller = Graph()
    let x = smaller.placeholder("x", shape: ["batch", 3])
    let loss = Dense(4, name: "lower")(x).mean()
    let other = try quietSession(smaller)
    let twin = try other.compile(minimizing: loss, with: adam)
    try other.run(twin, feeding: [x: noise([2, 3])])
    let before = try other.everything()
    let refused = try error { try checkpoint.resume(in: other) }
    #expect(refused.message.contains("4 unexpected"))
    #expect(try other.everything() == before)
    let seeded = try quietSession(model.graph, seed: 4)
    let first = try seeded.everything()
    #expect(try error { try checkpoint.resume(in: seeded) }.message.contains("made with seed 3"))
    #expect(try seeded.everything() == first)
    // Another optimiser of the same name has other memory.
    let odd = try quietSession(model.graph)
    _ = try odd.compile(
      minimizing: model.loss, with: SGD(learningRate: 0.1, momentum: 0.9, name: "adam"))
    #expect(Set(try checkpoint.resume(in: odd).slots.map(\.origin)) == [.fresh])
    #expect(try odd.value(of: "lower/kernel/adam/velocity") == NDArray(zeros: [3, 4]))
  }

  @Test func randomStaysRandom() throws {
    let model = try Chain()
    let (session, program) = try trained(model, freezing: "lower")
    let checkpoint = try Checkpoint(of: session, running: program, step: 3)
    let other = try quietSession(model.graph)
    try checkpoint.resume(in: other)
    let again = try other.compile(minimizing: model.loss, with: adam, freezing: "lower")
    #expect(again.warnings == ["frozen but never loaded or trained: `lower/kernel`, `lower/bias`"])
  }

  // MARK: The trained part alone

  @Test func trainedPartAppliesToItsBaseOnly() throws {
    let model = try Chain()
    let base = try quietSession(model.graph, seed: 8).weights()
    let session = try quietSession(model.graph)
    try session.load(base)
    let program = try session.compile(minimizing: model.loss, with: adam, freezing: "lower | middle")
    for _ in 0..<2 { try session.run(program, feeding: model.feeds) }
    let delta = try Checkpoint(of: session, running: program, step: 2, saving: .trained)
    #expect(
      delta.weights.entries.map(\.name).filter { !$0.contains("adam") } == ["upper/kernel", "upper/bias"])
    let other = try quietSession(model.graph)
    let before = try other.everything()
    #expect(try error { try delta.resume(in: other) }.message.contains("not what they were"))
    #expect(try other.everything() == before)
    try other.load(base)
    try delta.resume(in: other)
    #expect(try other.snapshot() == session.snapshot())
    try other.setValue(try NDArray(zeros: [1, 4]), of: "lower/kernel[2..<3]")
    #expect(throws: FirnError.self) { try delta.resume(in: other) }
  }

  // MARK: Folders

  @Test func foldersKeepTheLastAndTheBest() throws {
    let model = try Chain()
    let (session, program) = try trained(model, steps: 0)
    try withFolder { url in
      let path = url.appendingPathComponent("run").path
      let folder = try CheckpointFolder(path, keepingLast: 2)
      #expect(try folder.latest() == nil && folder.best() == nil)
      for (step, metric) in [(1, 3.0), (2, 1.0), (3, 2.0), (4, 1.5)] {
        try session.run(program, feeding: model.feeds)
        try folder.save(session, running: program, step: step, metric: metric)
      }
      #expect(try folder.steps() == [3, 4])
      #expect(try folder.latest()?.step == 4 && folder.best()?.step == 2)
      #expect(throws: FirnError.self) { try folder.save(session, running: program, step: 5, metric: .nan) }
      try FileManager.default.removeItem(atPath: path)
      #expect(try error { try folder.save(session, running: program, step: 5) }.code == .file)
    }
  }

  @Test func trainersGoOnWhereTheyStopped() throws {
    let model = try Chain()
    let data = try DataSet([
      "input": noise([10, 2, 3], "data"), "targets": labels(10, classes: 6),
    ])
    func fit(_ session: Session, from start: DataPosition? = nil, upTo step: Int = .max) throws -> (
      [Double], DataPosition?
    ) {
      let program = try session.compile(minimizing: model.loss, with: adam)
      var last: DataPosition?
      let losses = try Trainer(program, in: session).fit(
        data, epochs: 3, batchSize: 4, seed: 6, from: start, upTo: step
      ) { last = $0.position }
      return (losses, last)
    }
    let straight = try fit(quietSession(model.graph)).0
    #expect(straight.count == 9)
    for stop in [0, 1, 3, 5, 9] {
      let session = try quietSession(model.graph)
      let (first, position) = try fit(session, upTo: stop)
      #expect(try first + fit(session, from: position).0 == straight)
    }
    let wrong = [
      DataPosition(seed: 7, batchSize: 4), DataPosition(batch: -1, seed: 6, batchSize: 4),
      DataPosition(epoch: -1, seed: 6, batchSize: 4),
    ]
    for position in wrong {
      #expect(throws: FirnError.self) { try fit(quietSession(model.graph), from: position) }
    }
  }

  /// A record that was tampered with is an error, never a trap; parts of variables have memory too.
  @Test func blocksAreResumedAndChecked() throws {
    let model = try Chain()
    let session = try quietSession(model.graph)
    let part: Selection = "lower/kernel[0..<2]"
    let program = try session.compile(
      minimizing: model.loss, with: adam, freezing: "lower | middle", thawing: part)
    try session.run(program, feeding: model.feeds)
    let checkpoint = try Checkpoint(of: session, running: program, step: 1)
    let other = try quietSession(model.graph)
    try checkpoint.resume(in: other)
    let next = try other.compile(
      minimizing: model.loss, with: adam, freezing: "lower | middle", thawing: part)
    #expect(next.slotReport.map(\.origin) == [.kept, .kept, .kept])
    #expect(next.slotReport.first?.block == Block(axis: 0, range: 0..<2))
    #expect(try other.everything() == session.everything())
    try withFolder { url in
      let path = url.appendingPathComponent("c.safetensors").path
      for (old, new) in [
        (#""axis":0"#, #""axis":7"#), ("[0,2]", "[2,2]"), ("[0,2]", "[0,9]"), ("[0,2]", "[2,0]"),
      ] {
        let metadata = checkpoint.weights.metadata.map { item in
          Weights.Metadata(key: item.key, value: item.value.replacing(old, with: new))
        }
        try #require(metadata != checkpoint.weights.metadata)
        try Weights(source: "c", entries: checkpoint.weights.entries, metadata: metadata).write(to: path)
        let fresh = try quietSession(model.graph)
        let before = try fresh.everything()
        #expect(try error { try Checkpoint(contentsOf: path).resume(in: fresh) }.code == .parse)
        #expect(try fresh.everything() == before)
      }
    }
  }

  // MARK: Pieces

  @Test func damagedFilesAreErrors() throws {
    let model = try Chain()
    let (session, program) = try trained(model, steps: 1)
    try withFolder { url in
      let path = url.appendingPathComponent("c.safetensors").path
      try session.weights().write(to: path)
      #expect(try error { _ = try Checkpoint(contentsOf: path) }.message.contains("is no checkpoint"))
      try Checkpoint(of: session, running: program, step: 1).write(to: path)
      var data = try Data(contentsOf: URL(fileURLWithPath: path))
      data.removeLast(100)
      try data.write(to: URL(fileURLWithPath: path))
      #expect(throws: FirnError.self) { try Checkpoint(contentsOf: path) }
    }
  }
}
