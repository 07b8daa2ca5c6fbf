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
    #expect(fault.remedy == "look at what keeps them from being cached")
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

  /// Three values could be stored, each smaller than the one behind it and with much work in between.
  private func narrowingTwice() throws -> (Session, Program, DataSet) {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 64])
    var code = x
    for (number, (wide, width)) in [(512, 8), (512, 24), (64, 96)].enumerated() {
      code = graph.scope("level\(number)") {
        tanh(Dense(width, name: "dense")(tanh(Dense(wide, name: "wide")(code))))
      }
    }
    let noisy = graph.scope("noisy") { Dense(5, name: "dense")(Dropout(0.5)(code)) }
    let loss = square(Dense(2, name: "head")(noisy)).mean()
    let session = try quietSession(graph)
    let program = try session.compile(
      minimizing: loss, with: SGD(learningRate: 0.1), freezing: "level* | noisy", keepingTrainingMode: "noisy"
    )
    return (session, program, try DataSet(["x": noise([11, 64])]))
  }

  /// Of several cheaper cuts the largest that fits is offered, and what a number of bytes takes is the first below it.
  @Test func theFirstThatFitsIsOffered() throws {
    let (session, program, data) = try narrowingTwice()
    #expect(program.frozenBoundary().cheaper.map(\.bytesPerExample) == [96, 32])
    func stored(_ place: FeaturePlace, _ bytes: Int? = nil) throws -> Quantity? {
      try Caching.frozenFeatures(in: place, bytesPerExample: bytes).features(
        of: program, over: data, in: session)?.cut.bytesPerExample
    }
    for (most, taken) in [(384, 384), (383, 96), (96, 96), (95, 32), (32, 32)] {
      #expect(try stored(.memory(limit: 11 * taken), most) == Quantity(Dim(taken)), "\(most)")
    }
    for (limit, offered) in [(4223, 96), (1056, 96), (1055, 32), (352, 32)] {
      let fault = try error { _ = try stored(.memory(limit: limit)) }
      #expect(fault.remedy?.contains("`bytesPerExample: \(offered)`") == true, "\(limit): \(fault)")
    }
    let none = try error { _ = try stored(.memory(limit: 1 << 20), 31) }
    #expect(none.message.hasSuffix(": 384 B, 96 B, 32 B can be stored"), "\(none)")
    #expect(none.remedy == "allow 32 bytes, or do without caching")
  }

  /// What is said of a limit: numbers that read the same to the byte, what the offer saves, why no more is cached.
  @Test func limitsAreSaidWithReasons() throws {
    let (session, program, data) = try narrowingTwice()
    func fault(_ place: FeaturePlace, _ bytes: Int? = nil) throws -> FirnError {
      try error {
        _ = try Caching.frozenFeatures(in: place, bytesPerExample: bytes).features(
          of: program, over: data, in: session)
      }
    }
    let boundary = program.frozenBoundary()
    let (cut, cheaper) = (try #require(boundary.cut), try #require(boundary.cheaper.first))
    let near = try fault(.memory(limit: 4223))
    #expect(near.message.hasSuffix("4,224 bytes for 11, and the limit is 4,223 bytes"), "\(near)")
    #expect(try fault(.memory(limit: 960)).message.hasSuffix("4.1 KiB for 11, and the limit is 960 B"))
    let saving = "saves \(cheaper.savedFLOPs.asFLOPs) of \(cut.savedFLOPs.asFLOPs) a step"
    #expect(near.remedy?.hasSuffix(saving) == true, "\(near) \(saving)")
    #expect(near.causes.map(\.place) == boundary.obstacles.map(\.node) && !near.causes.isEmpty)
    #expect(near.causes.allSatisfy { $0.message.contains("is random") })
    for (place, remedy) in [
      (FeaturePlace.memory(limit: 351), "allow more, or use a folder; no cheaper cut fits either"),
      (.folder("features", limit: 351), "allow more; no cheaper cut fits either"),
    ] { #expect(try fault(place).remedy == remedy) }
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
    let caching = Caching.frozenFeatures(in: .memory(limit: 0))
    #expect(try caching.features(of: model.program(session), over: empty, in: session) == nil)
  }
}
