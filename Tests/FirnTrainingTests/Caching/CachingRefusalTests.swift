import FirnCompiler
import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
import FirnRuntime
@testable import FirnTraining
import Testing

/// What is not cached, and what is said then.
@Suite struct CachingRefusalTests {
  private func refusal(
    _ model: CachingModel, _ caching: Caching = .frozenFeatures(in: .memory(limit: 1 << 20)),
    freezing: String? = nil
  ) throws -> FirnError {
    let session = try model.session()
    let program = try model.program(session, freezing: freezing.map { try Selection($0) } ?? model.freezing)
    let before = try session.everything()
    let fault = try error {
      try Trainer(program, in: session).fit(model.data(), epochs: 1, batchSize: 4, caching: caching)
    }
    // Nothing has moved.
    for (name, value) in before { #expect(try session.value(of: name).isBitwiseEqual(to: value)) }
    return fault
  }

  @Test func randomPrefixesAreRefused() throws {
    let fault = try refusal(CachingModel(.dropoutAtInput))
    #expect(fault.code == .invalidArgument)
    #expect(fault.message == "there are no frozen features to cache")
    #expect(
      fault.causes.contains {
        $0.place?.hasPrefix("encoder/dropout") == true && $0.message.contains("is random")
      })
  }

  @Test func nothingFrozenIsRefused() throws {
    let fault = try refusal(CachingModel(.dense), freezing: "head")
    #expect(fault.message == "there are no frozen features to cache" && fault.causes.isEmpty)
    #expect(fault.remedy?.contains("freeze what stands next to the data") == true)
  }

  @Test func batchStatisticsAreRefused() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 6])
    let code = graph.scope("encoder") { tanh(Dense(8, name: "dense")(BatchNorm(name: "bn")(x))) }
    let loss = square(Dense(2, name: "head")(code)).mean()
    let session = try quietSession(graph)
    let program = try session.compile(
      minimizing: loss, with: SGD(learningRate: 0.1), freezing: "encoder", keepingTrainingMode: "encoder")
    let data = try DataSet(["x": noise([8, 6])])
    let fault = try error {
      try Trainer(program, in: session).fit(
        data, epochs: 1, batchSize: 4, caching: .frozenFeatures(in: .memory(limit: 1 << 20)))
    }
    #expect(fault.causes.contains { $0.message.contains("mixes the examples of a batch") })
  }

  @Test func stateInFrontIsRefused() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 6])
    let seen = graph.variable("seen", shape: [], initializer: .zeros, kind: .state)
    let shifted = x + 0.1 * seen
    graph.assign(seen + 1, to: seen, whenTraining: shifted)
    let code = graph.scope("encoder") { tanh(Dense(8, name: "dense")(shifted)) }
    let loss = square(Dense(2, name: "head")(code)).mean()
    let session = try quietSession(graph)
    let program = try session.compile(minimizing: loss, with: SGD(learningRate: 0.1), freezing: "encoder")
    let fault = try error {
      try Trainer(program, in: session).fit(
        DataSet(["x": noise([8, 6])]), epochs: 1, batchSize: 4,
        caching: .frozenFeatures(in: .memory(limit: 1 << 20)))
    }
    #expect(fault.causes.contains { $0.message.contains("reads `seen`, which the step writes") }, "\(fault)")
  }

  /// A placeholder that is no column has no row an example, and might be fed anything.
  @Test func whatIsNoColumnIsNoExample() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 6])
    let other = graph.placeholder("other", shape: [])
    let code = graph.scope("encoder") { tanh(Dense(8, name: "dense")(x * other)) }
    let boundary = try quietSession(graph).compile(
      minimizing: square(Dense(2, name: "head")(code)).mean(), with: SGD(learningRate: 0.1),
      freezing: "encoder"
    ).frozenBoundary()
    #expect(boundary.cut == nil)
    #expect(boundary.obstacles.map(\.node) == ["other"])
    #expect(boundary.obstacles[0].reason.contains("belongs to no example"))
  }

  /// Two values could be stored, a large one behind much work and a small one before it.
  private func narrowing() throws -> (Session, Program, DataSet) {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 64])
    let low = graph.scope("low") { tanh(Dense(8, name: "dense")(tanh(Dense(64, name: "first")(x)))) }
    let high = graph.scope("high") { tanh(Dense(96, name: "dense")(low)) }
    let loss = square(Dense(2, name: "head")(high)).mean()
    let session = try quietSession(graph)
    let program = try session.compile(
      minimizing: loss, with: SGD(learningRate: 0.1), freezing: "low | high")
    return (session, program, try DataSet(["x": noise([10, 64])]))
  }

  @Test func cheaperCutsAreOffered() throws {
    let (session, program, data) = try narrowing()
    let boundary = program.frozenBoundary()
    #expect(boundary.cut?.bytesPerExample == 384 && boundary.cut?.values.map(\.name) == ["high/tanh"])
    #expect(boundary.cheaper.map(\.bytesPerExample) == [32])
    func fit(_ limit: Int, _ bytes: Int? = nil) throws {
      try Trainer(program, in: session).fit(
        data, epochs: 2, batchSize: 4,
        caching: .frozenFeatures(in: .memory(limit: limit), bytesPerExample: bytes))
    }
    let fault = try error { try fit(3839) }
    #expect(fault.message.contains("384 B an example") && fault.message.contains("for 10"), "\(fault)")
    #expect(fault.remedy?.contains("`bytesPerExample: 32`, at `low/tanh_1`") == true, "\(fault)")
    // A cut that does not fit either is not offered.
    let small = try error { try fit(319) }
    #expect(small.remedy?.contains("no cheaper cut fits either") == true, "\(small)")
    try fit(3840)
    try fit(320, 32)
    let nothing = try error { try fit(319, 32) }
    #expect(nothing.remedy?.contains("no cheaper cut fits either") == true)
    let none = try error { try fit(1 << 20, 16) }
    #expect(none.message.contains("no features take 16 B an example or less"), "\(none)")
  }

  @Test func otherDataIsRefusedAsInARun() throws {
    let model = try CachingModel(.dense)
    let session = try model.session()
    let program = try model.program(session)
    let caching = Caching.frozenFeatures(in: .memory(limit: 1 << 20))
    let lacking = try error {
      try Trainer(program, in: session).fit(
        DataSet(["x": noise([4, 6])]), epochs: 1, batchSize: 2, caching: caching)
    }
    #expect(lacking.code == .missingFeed)
    let other = try error {
      try Trainer(program, in: session).fit(
        DataSet(["x": noise([4, 7]), "labels": labels(4, classes: 3)]), epochs: 1, batchSize: 2,
        caching: caching)
    }
    #expect(other.code == .invalidFeed)
    let stranger = try error {
      try Trainer(program, in: model.session()).fit(model.data(), epochs: 1, batchSize: 2, caching: caching)
    }
    #expect(stranger.code == .invalidArgument)
  }

  @Test func noExamplesAreNoFault() throws {
    let model = try CachingModel(.dense)
    let session = try model.session()
    let empty = try DataSet(["x": NDArray(zeros: [0, 6]), "labels": NDArray(zeros: [0], dtype: .i32)])
    #expect(
      try Trainer(model.program(session), in: session).fit(
        empty, epochs: 2, batchSize: 2, caching: .frozenFeatures(in: .memory(limit: 0))
      ).isEmpty)
  }
}
