import FirnCompiler
import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
import FirnRuntime
@testable import FirnTraining
import Foundation
import Testing

/// Training with stored features gives the bits of training without.
@Suite struct CachedTrainingTests {
  /// The bits of everything after three shuffled epochs with a ragged last batch.
  private func trained(
    _ model: CachingModel, _ caching: Caching?, epochs: Int = 3, threads: Int = 1,
    storingFrozen: FrozenStorage? = nil
  ) throws -> (values: [String: NDArray], losses: [Double]) {
    let session = try model.session()
    let program = try model.program(session, storingFrozen: storingFrozen)
    let losses = try Trainer(program, in: session).fit(
      model.data(), epochs: epochs, batchSize: model.batchSize, seed: 3, caching: caching)
    return (try session.everything(), losses)
  }

  private func expectSame(
    _ a: (values: [String: NDArray], losses: [Double]), _ b: (values: [String: NDArray], losses: [Double]),
    _ what: String
  ) {
    #expect(a.losses == b.losses, "\(what)")
    #expect(a.values.keys.sorted() == b.values.keys.sorted())
    for name in a.values.keys.sorted() {
      #expect(b.values[name].map { a.values[name]?.isBitwiseEqual(to: $0) } == true, "\(what): \(name)")
    }
  }

  private static let cacheable = CachingModel.Kind.allCases.filter { $0 != .dropoutAtInput }

  private func model(_ kind: CachingModel.Kind) throws -> CachingModel {
    // A batch of fixed size has no ragged end.
    try CachingModel(kind, count: [.fixedBatch, .fixedSteps, .stateOfPrefix].contains(kind) ? 12 : 11)
  }

  @Test(arguments: cacheable) func memoryChangesNoBit(_ kind: CachingModel.Kind) throws {
    let model = try model(kind)
    let plain = try trained(model, nil)
    let place = FeaturePlace.memory(limit: 1 << 20)
    expectSame(plain, try trained(model, .frozenFeatures(in: place)), "\(kind)")
    // What was stored in another run serves this one.
    expectSame(plain, try trained(model, .frozenFeatures(in: place)), "\(kind), stored before")
  }

  /// Features of kernels in 8 bits are others than those of kernels in `f32`, and are never taken for them.
  @Test(arguments: cacheable) func smallKernelsAreCachedToo(_ kind: CachingModel.Kind) throws {
    let model = try model(kind)
    let place = FeaturePlace.memory(limit: 1 << 20)
    let storage = FrozenStorage.int8(.perChannel)
    let plain = try trained(model, nil, storingFrozen: storage)
    let whole = try trained(model, .frozenFeatures(in: place))
    expectSame(plain, try trained(model, .frozenFeatures(in: place), storingFrozen: storage), "\(kind)")
    expectSame(whole, try trained(model, .frozenFeatures(in: place)), "\(kind), whole again")
  }

  @Test(arguments: cacheable) func foldersChangeNoBit(_ kind: CachingModel.Kind) throws {
    let model = try model(kind)
    let plain = try trained(model, nil)
    try withFolder { url in
      for run in 0..<2 {
        // A place of its own each time, as another process has.
        expectSame(
          plain, try trained(model, .frozenFeatures(in: .folder(url.path))), "\(kind), run \(run)")
      }
    }
  }

  /// The boundary is where it should be: random, written, mixed, tied, stopped.
  @Test(arguments: CachingModel.Kind.allCases) func boundariesAreRight(_ kind: CachingModel.Kind) throws {
    let model = try model(kind)
    let session = try model.session()
    let boundary = try model.program(session).frozenBoundary()
    let names = boundary.cut?.values.map(\.name) ?? []
    #expect(model.isBoundary(names), "\(kind): \(names)\n\(boundary)")
    #expect((boundary.cut != nil) == model.isCacheable)
    if let cut = boundary.cut {
      #expect(cut.savedFLOPs.bound(by: ["batch": 4, "time": 5]).value ?? 0 > 0)
      #expect(cut.bytesPerExample.bound(by: ["time": 5]).value ?? 0 > 0)
    }
    let reasons = boundary.obstacles.map(\.reason).joined(separator: "\n")
    switch kind {
    case .dropoutKept, .dropoutAtInput, .dropoutInHead: #expect(reasons.contains("is random"))
    case .stateInPrefix: #expect(reasons.contains("reads `seen`, which the step writes"))
    case .stateOfPrefix: #expect(reasons.contains("writes `last` in every step"))
    case .batchNormKept: #expect(reasons.contains("mixes the examples"))
    default: break
    }
  }

  /// After the first epoch nothing frozen is computed, and every example went through the prefix once.
  @Test func everyExampleIsComputedOnce() throws {
    let model = try CachingModel(.dense)
    let session = try model.session()
    let program = try model.program(session)
    let data = try model.data()
    let features = try #require(
      try Caching.frozenFeatures(in: .memory(limit: 1 << 20)).features(of: program, over: data, in: session))
    #expect(features.step.graph.unfused.nodes.contains { $0.name.hasPrefix("encoder/dense") } == false)
    for epoch in 0..<3 {
      for batch in data.batches(of: 4, epoch: epoch, seed: 1) { _ = try features.feeds(batch) }
    }
    #expect(features.computedCount == 11)
    // An example that a batch has twice, and one more often than there are examples.
    #expect(try features.feeds([3, 3, 0]).entries.count == 2)
    for outside in [11, -1] {
      #expect(throws: FirnError.self) { try features.feeds([outside]) }
      #expect(throws: FirnError.self) { try features.records([0, outside]) }
    }
  }

  /// An example that a batch has twice goes through the prefix once.
  @Test func doubledExamplesAreComputedOnce() throws {
    let model = try CachingModel(.dense)
    let session = try model.session()
    let features = try #require(
      try Caching.frozenFeatures(in: .memory(limit: 1 << 20)).features(
        of: model.program(session), over: model.data(), in: session))
    let rows = try #require(try features.feeds([3, 3, 0]).entries.last?.array.rows)
    #expect(features.computedCount == 2)
    #expect(rows[0] == rows[1] && rows[0] != rows[2])
  }

  /// Bits are an example's own, whatever batch it was computed in.
  @Test(arguments: cacheable) func rowsAreTheSameInEveryBatch(_ kind: CachingModel.Kind) throws {
    let model = try model(kind)
    let data = try model.data()
    var first: [NDArray]?
    for size in [1, 2, 3, 5, 8, 11] {
      let session = try model.session()
      let features = try session.frozenFeatures(of: model.program(session), over: data, batchSize: size)
      let arrays = features.values.map(\.array)
      if let first {
        #expect(zip(first, arrays).allSatisfy { $0.isBitwiseEqual(to: $1) }, "\(kind) in batches of \(size)")
      }
      first = first ?? arrays
      #expect(arrays.allSatisfy { $0.shape.first == model.count })
    }
  }

  /// A batch of fixed size is filled up where fewer are not stored; what fills it is nowhere kept.
  @Test(arguments: [CachingModel.Kind.fixedBatch, .fixedSteps, .stateOfPrefix])
  func batchesThatAreFilledUpKeepTheirRows(_ kind: CachingModel.Kind) throws {
    let model = try model(kind)
    let session = try model.session()
    let program = try model.program(session)
    func records(_ order: [[Int]]) throws -> [[UInt8]] {
      let features = try #require(
        try Caching.frozenFeatures(in: .memory(limit: 1 << 20)).features(
          of: program, over: model.data(), in: session))
      return try order.flatMap { examples in
        let bytes = try features.records(examples)
        let size = features.layout.recordSize
        return examples.indices.map {
          Array(UnsafeRawBufferPointer(start: bytes.pointer + $0 * size, count: size))
        }
      }
    }
    let whole = try records([Array(0..<12)])
    #expect(Set(whole).count == 12)
    #expect(try records([[5], [5, 2, 7], [11, 2, 0]]) == [5, 5, 2, 7, 11, 2, 0].map { whole[$0] })
  }

  /// A frozen weight that is set while training goes on is seen by the next step.
  @Test func newWeightsAreNoticedAtOnce() throws {
    let model = try CachingModel(.dense)
    func run(_ caching: Caching?) throws -> [String: NDArray] {
      let session = try model.session()
      try Trainer(model.program(session), in: session).fit(
        model.data(), epochs: 3, batchSize: 4, caching: caching
      ) { progress in
        guard progress.step == 4 || progress.step == 6 else { return }
        try? session.setValue(noise([6, 8], "other \(progress.step)"), of: "encoder/dense/kernel")
      }
      return try session.everything()
    }
    let (plain, cached) = (try run(nil), try run(.frozenFeatures(in: .memory(limit: 1 << 20))))
    for (name, value) in plain { #expect(cached[name]?.isBitwiseEqual(to: value) == true, "\(name)") }
  }

  /// Several programs, and evaluations between steps, share a place.
  @Test func evaluationsAreCachedToo() throws {
    let model = try CachingModel(.dropoutInHead)
    let session = try model.session()
    let place = FeaturePlace.memory(limit: 1 << 20)
    let program = try model.program(session)
    let logits = "head/add"
    let evaluation = try session.compile(fetching: [logits], freezing: "encoder")
    let data = try model.data()
    try Trainer(program, in: session).fit(data, epochs: 1, batchSize: 4, caching: .frozenFeatures(in: place))
    let features = try #require(
      try Caching.frozenFeatures(in: place).features(of: evaluation, over: data, in: session))
    #expect(features.cut.values.map(\.name) == ["encoder/tanh"])
    for _ in 0..<2 {
      let cached = try session.run(features.step, feeding: features.feeds([2, 9, 4]))[logits]
      #expect(try cached.isBitwiseEqual(to: session.run(evaluation, feeding: data.feeds([2, 9, 4]))[logits]))
      try Trainer(program, in: session).fit(
        data, epochs: 1, batchSize: 4, caching: .frozenFeatures(in: place))
    }
  }

  /// Thawed and frozen again, with another program each time.
  @Test func selectionsDecideAnew() throws {
    let model = try CachingModel(.twoLosses)
    func run(_ caching: Caching?) throws -> [String: NDArray] {
      let session = try model.session()
      for (number, freezing) in ["encoder | upper", "encoder", "encoder | upper"].enumerated() {
        let program = try session.compile(
          updates: [
            .minimize(model.name(of: "loss"), training: "head | upper", with: Adam(learningRate: 0.05)),
            .minimize(model.name(of: "side"), training: "probe", with: Adam(learningRate: 0.05)),
          ], freezing: Selection(freezing))
        try Trainer(program, in: session).fit(
          model.data(), epochs: 2, batchSize: 4, seed: UInt64(number), caching: caching)
      }
      return try session.everything()
    }
    let (plain, cached) = (try run(nil), try run(.frozenFeatures(in: .memory(limit: 1 << 20))))
    for (name, value) in plain { #expect(cached[name]?.isBitwiseEqual(to: value) == true, "\(name)") }
  }

  /// Runs that stop and go on from a checkpoint, which is the uncached program's.
  @Test func checkpointsAreThoseOfUncachedRuns() throws {
    let model = try CachingModel(.dropoutInHead)
    let whole = try trained(model, nil)
    try withFolder { url in
      let folder = try CheckpointFolder(url.appendingPathComponent("run").path)
      let caching = Caching.frozenFeatures(in: .folder(url.appendingPathComponent("features").path))
      let first = try model.session()
      try Trainer(model.program(first), in: first).fit(
        model.data(), epochs: 3, batchSize: 4, seed: 3, upTo: 4, caching: caching, savingTo: folder)
      let second = try model.session()
      let program = try model.program(second)
      let start = try #require(try folder.latest()).resume(in: second)
      try Trainer(program, in: second).fit(
        model.data(), epochs: 3, batchSize: 4, seed: 3, from: start.position, caching: caching)
      let values = try second.everything()
      for (name, value) in whole.values {
        #expect(values[name]?.isBitwiseEqual(to: value) == true, "\(name)")
      }
    }
  }

  // MARK: The features themselves

  @Test func featuresAreTheValuesThemselves() throws {
    let model = try CachingModel(.dense)
    let session = try model.session()
    let data = try model.data()
    let features = try session.frozenFeatures(of: model.name(of: "loss"), over: data, freezing: "encoder")
    #expect(features.values.map(\.name) == ["encoder/tanh"])
    let whole = try session.run(session.compile(fetching: ["encoder/tanh"]), feeding: data.feeds)[
      "encoder/tanh"]
    #expect(try features["encoder/tanh"].isBitwiseEqual(to: whole))
    #expect(try error { _ = try features["encoder/dense"] }.code == .unknownName)
    #expect(features.description == "features: encoder/tanh f32[11,8]")
    #expect(
      try error {
        _ = try session.frozenFeatures(
          of: model.name(of: "loss"), over: data, freezing: "encoder", batchSize: 0)
      }.code == .invalidArgument)
  }

  /// What is selected for features is what it is for a program: thawed, in training mode, held in a smaller type.
  @Test func featuresAreOfWhatIsSelected() throws {
    let model = try CachingModel(.dropoutInHead)
    let (loss, data, session) = (model.name(of: "loss"), try model.data(), try model.session())
    let dense = try CachingModel(.dense)
    let thawed = try dense.session().frozenFeatures(
      of: dense.name(of: "loss"), over: data, freezing: "encoder", thawing: "encoder/dense/bias")
    #expect(thawed.values.map(\.name) == ["encoder/dense/matmul"])
    let random = try error {
      _ = try session.frozenFeatures(
        of: loss, over: data, freezing: "encoder", keepingTrainingMode: "encoder")
    }
    #expect(random.causes.contains { $0.message.contains("is random") }, "\(random)")
    let plain = try session.frozenFeatures(of: loss, over: data, freezing: "encoder").values[0].array
    let small = try session.frozenFeatures(
      of: loss, over: data, freezing: "encoder", storingFrozen: .int8(.perChannel)
    ).values[0].array
    #expect(!small.isBitwiseEqual(to: plain))
    #expect(zip(small.floats, plain.floats).allSatisfy { abs($0 - $1) < 0.05 })
  }

  /// What belongs to no frozen scope is in training mode there, as it is when the rest is trained.
  @Test func featuresAreThoseOfTraining() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 6])
    let code = Dense(8, activation: .tanh, name: "encoder")(Dropout(0.5, name: "noise")(x))
    let fault = try error {
      _ = try quietSession(graph).frozenFeatures(
        of: code, over: DataSet(["x": noise([5, 6])]), freezing: "encoder")
    }
    #expect(fault.causes.contains { $0.place?.hasPrefix("noise") == true }, "\(fault)")
  }

  /// What is fed the same for all is no example's, and part of the key.
  @Test func constantsAreFedBeside() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 6])
    let factor = graph.placeholder("factor", shape: [])
    let w = graph.variable("encoder/w", shape: [6, 8])
    let code = tanh(matmul(x, w) * factor)
    let session = try quietSession(graph)
    let data = try DataSet(["x": noise([5, 6])])
    let place = FeaturePlace.memory(limit: 1 << 20)
    var seen: [NDArray] = []
    for value in [0.5, 2, 0.5] as [Float] {
      let constants: Feeds = [factor: NDArray(scalar: value)]
      let features = try session.frozenFeatures(
        of: code, over: data, freezing: "encoder", feeding: constants, in: place)
      let whole = try session.run(
        session.compile(fetching: [code]), feeding: [x: noise([5, 6]), factor: NDArray(scalar: value)])
      #expect(try features.values[0].array.isBitwiseEqual(to: whole[code]))
      seen.append(features.values[0].array)
    }
    #expect(!seen[0].isBitwiseEqual(to: seen[1]) && seen[0].isBitwiseEqual(to: seen[2]))
  }

  /// Two that change places are others; what the head alone reads is no part of the key, and fed to the step.
  @Test func constantsAreKnownByName() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 6])
    let names = ["gain", "shift", "own"]
    let fed = names.map { graph.placeholder($0, shape: []) }
    let w = graph.variable("encoder/w", shape: [6, 8])
    let code = tanh(matmul(x, w) * fed[0] + fed[1])
    let head = graph.variable("head", shape: [8, 2])
    let output = matmul(code, head) * fed[2]
    let session = try quietSession(graph)
    let program = try session.compile(fetching: [output], freezing: "encoder")
    let data = try DataSet(["x": noise([5, 6])])
    let place = FeaturePlace.memory(limit: 1 << 20)
    var counts: [Int] = []
    for (order, values) in [
      ([0, 1, 2], [0.5, 2, 3]), ([1, 0, 2], [2, 0.5, 3]), ([1, 0, 2], [0.5, 2, 3]),
      ([0, 1, 2], [0.5, 2, 4]),
    ] as [([Int], [Float])] {
      // A literal keeps the order in which it is written.
      let entries = order.map { (fed[$0], NDArray(scalar: values[$0])) }
      let constants: Feeds = [
        entries[0].0: entries[0].1, entries[1].0: entries[1].1, entries[2].0: entries[2].1,
      ]
      let features = try CachedFeatures(
        program, over: data, in: session, .frozenFeatures(in: place), constants: constants,
        trained: program.movedVariables)
      let cached = try session.run(features.step, feeding: features.feeds([4, 0, 2]))[output]
      let whole = try session.run(
        program,
        feeding: [
          x: data.columns[0].array.rows([4, 0, 2]), fed[0]: NDArray(scalar: values[0]),
          fed[1]: NDArray(scalar: values[1]), fed[2]: NDArray(scalar: values[2]),
        ])[output]
      #expect(cached.isBitwiseEqual(to: whole), "\(order) \(values)")
      counts.append(features.computedCount)
    }
    #expect(counts[0] == 3 && counts[3] == 0, "\(counts)")
  }
}
