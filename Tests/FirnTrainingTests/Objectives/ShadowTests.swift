import FirnCompiler
import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
import FirnRuntime
import FirnTraining
import Testing

/// Scopes that follow others.
@Suite struct ShadowTests {
  private struct Model {
    let graph = Graph()
    let (gradient, goal, loss): (Tensor, Tensor, Tensor)

    init(decay: Double = 0.5, every: Int = 1) {
      let graph = self.graph
      gradient = graph.placeholder("gradient", shape: [4], dtype: .f64)
      func weight(_ name: String) -> Tensor { graph.variable(name, shape: [4], dtype: .f64) }
      let y = graph.scope("online") { weight("a") + weight("b") }
      graph.shadow(of: "online", as: "target", decay: decay, every: every)
      goal = graph.scope("target", reuse: true) { weight("a") + weight("b") }
      loss = (y * gradient).sum()
    }

    func feeds(_ scale: Double = 1) -> Feeds { ["gradient": NDArray([1, 2, 3, 4].map { $0 * scale })] }
  }

  private func values(_ session: Session, _ name: String) throws -> [Double] {
    try session.value(of: name).doubles
  }

  @Test func shadowsBeginAsTheirSources() throws {
    let model = Model()
    let session = try quietSession(model.graph)
    #expect(try session.value(of: "target/a") == session.value(of: "online/a"))
    // Also of what is loaded later, as long as no step has moved them.
    try session.setValue(NDArray([1.0, 2, 3, 4]), of: "online/a")
    #expect(try values(session, "target/a") == [1, 2, 3, 4])
    #expect(
      try session.run(session.compile(fetching: [model.goal]))[model.goal].doubles
        == zip([1, 2, 3, 4], values(session, "online/b")).map { $0 + $1 })
    let program = try session.compile(minimizing: model.loss, with: SGD(learningRate: 1))
    #expect(program.warnings.isEmpty)
    try session.run(program, feeding: model.feeds())
    #expect(try values(session, "online/a") == [0, 0, 0, 0])
    #expect(try values(session, "target/a") == [0.5, 1, 1.5, 2])
    try session.setValue(NDArray([8.0, 8, 8, 8]), of: "online/a")
    #expect(try values(session, "target/a") == [0.5, 1, 1.5, 2])
  }

  /// Where all begin anew shadows begin as their sources do, whatever seed decides these.
  @Test func shadowsBeginAnewAsTheirSources() throws {
    let session = try quietSession(Model().graph)
    let first = try session.value(of: "online/a")
    for begin in [
      { try session.initialize(seed: 7) }, { try session.initialize(with: .uniform(-2, 2), seed: 9) },
    ] as [() throws -> Void] {
      try begin()
      #expect(try session.value(of: "online/a") != first)
      #expect(try session.value(of: "target/a") == session.value(of: "online/a"))
      #expect(try session.value(of: "target/b") == session.value(of: "online/b"))
    }
  }

  /// A snapshot from before the first step gives shadows back as what they were: what their sources are.
  @Test func shadowsBeginAsWhatIsLoadedAfterASnapshot() throws {
    let model = Model()
    let session = try quietSession(model.graph)
    let snapshot = try session.snapshot()
    let other = try quietSession(model.graph)
    for session in [session, other] {
      try session.restore(snapshot)
      try session.setValue(NDArray([1.0, 2, 3, 4]), of: "online/a")
      #expect(try values(session, "target/a") == [1, 2, 3, 4])
    }
    // One that was given a value keeps it.
    try session.setValue(NDArray([5.0, 6, 7, 8]), of: "target/a")
    try session.setValue(NDArray([9.0, 9, 9, 9]), of: "online/a")
    #expect(try values(session, "target/a") == [5, 6, 7, 8])
  }

  /// Never trained, whatever is asked for; the reason is in the status, and no memory is kept.
  @Test func shadowsAreFrozenByConstruction() throws {
    let model = Model()
    let direct = model.loss + (model.goal * model.gradient).sum()
    let session = try quietSession(model.graph)
    for thawing in [nil, "target", "**"] {
      let program = try session.compile(
        minimizing: direct, with: Adam(), thawing: try thawing.map { try Selection($0) })
      #expect(program.trained.map(\.name) == ["online/a", "online/b"])
      let entry = try #require(program.status.variables.first { $0.name == "target/a" })
      #expect(entry.status == .frozen)
      #expect(
        entry.reason.hasPrefix("it is frozen as the shadow of `online/a`, which it follows after each step"))
      #expect(entry.reason.contains("does not thaw it") == (thawing != nil))
      #expect(try program.lint(loaded: []).allSatisfy { !$0.subjects.contains("target/a") })
      #expect(session.variables.allSatisfy { $0.kind != .slot || $0.name.hasPrefix("online") })
    }
    #expect(throws: FirnError.self) {
      try session.compile(updates: [.update("target/a", by: model.gradient, with: SGD(learningRate: 1))])
    }
  }

  /// Parts that are frozen are followed too; a source trained in part moves its shadow there alone.
  @Test func partsAndFrozenSources() throws {
    for freezing in ["online/a[0..<2]", "online/a", "online/b"] {
      let model = Model()
      let session = try quietSession(model.graph)
      let program = try session.compile(
        minimizing: model.loss, with: SGD(learningRate: 1), freezing: try Selection(freezing))
      var shadow = try values(session, "online/a")
      let start = shadow
      for step in 1...3 {
        try session.run(program, feeding: model.feeds(Double(step)))
        shadow = zip(shadow, try values(session, "online/a")).map { $0 + 0.5 * ($1 - $0) }
        #expect(try values(session, "target/a") == shadow)
      }
      if freezing != "online/b" { #expect(shadow[0] == start[0]) }
    }
    // What is frozen midway is caught up with.
    let model = Model()
    let session = try quietSession(model.graph)
    let (first, then) = (
      try session.compile(minimizing: model.loss, with: SGD(learningRate: 1)),
      try session.compile(minimizing: model.loss, with: SGD(learningRate: 1), freezing: "online/a")
    )
    try session.run(first, feeding: model.feeds())
    for _ in 0..<60 { try session.run(then, feeding: model.feeds()) }
    let off = zip(try values(session, "target/a"), try values(session, "online/a")).map { abs($0 - $1) }
    #expect((off.max() ?? 1) < 1e-12)
  }

  @Test func onlyStepsMoveShadows() throws {
    let model = Model(decay: 0, every: 2)
    let flag = model.graph.placeholder("flag", shape: [], dtype: .bool)
    let session = try quietSession(model.graph)
    let program = try session.compile(updates: [
      .minimize(model.loss, with: SGD(learningRate: 1), when: .holds(flag))
    ])
    let start = try values(session, "online/a")[0]
    for (isStep, moved, copied) in [
      (true, 1.0, 0.0), (false, 1, 0), (true, 2, 2), (false, 2, 2), (true, 3, 2), (true, 4, 4),
    ] {
      try session.run(
        program, feeding: ["gradient": NDArray([1.0, 2, 3, 4]), "flag": NDArray(scalar: isStep)])
      #expect(abs(try values(session, "online/a")[0] - (start - moved)) < 1e-12)
      #expect(abs(try values(session, "target/a")[0] - (start - copied)) < 1e-12)
    }
  }

  /// The graph as text has shadows, and a session of it moves them; a checkpoint goes on to the same bits.
  @Test func shadowsAreStored() throws {
    let model = Model(decay: 0.25, every: 2)
    let text = model.graph.definition.text
    let read = try GraphDef(parsing: text, catalogue: .standard)
    #expect(read.text == text && text.contains("shadow = [\"online/a\", 0.25, 2, \"target/shadowed_steps\"]"))
    let loss = model.loss.name
    func made() throws -> (Session, Program) {
      let session = try Session(read, seed: 3, threads: 1)
      return (session, try session.compile(minimizing: loss, with: SGD(learningRate: 0.1, momentum: 0.5)))
    }
    let (session, program) = try made()
    for _ in 0..<3 { try session.run(program, feeding: model.feeds()) }
    let checkpoint = try Checkpoint(of: session, running: program, step: 3)
    for _ in 0..<4 { try session.run(program, feeding: model.feeds()) }
    let (other, again) = try made()
    _ = try checkpoint.resume(in: other)
    for _ in 0..<4 { try other.run(again, feeding: model.feeds()) }
    #expect(try session.everything() == other.everything())
    #expect(try session.value(of: "target/a") != session.value(of: "online/a"))
  }

  /// Rows that are looked up alone are updated alone, but a shadow follows all.
  @Test func tablesAreFollowedWhole() throws {
    let graph = Graph()
    let rows = graph.placeholder("rows", shape: [2], dtype: .i32)
    let table = graph.variable("online/table", shape: [6, 2], dtype: .f64)
    graph.shadow(of: "online", as: "target", decay: 0.5)
    let loss = gather(table, indices: rows).sum()
    let session = try quietSession(graph)
    let program = try session.compile(minimizing: loss, with: SGD(learningRate: 1))
    var shadow = try values(session, "online/table")
    for step in 0..<3 {
      try session.run(program, feeding: ["rows": NDArray([Int32(step), Int32(step + 2)])])
      shadow = zip(shadow, try values(session, "online/table")).map { $0 + 0.5 * ($1 - $0) }
      #expect(try values(session, "target/table") == shadow)
    }
  }

  @Test func faultyShadowsAreRefused() throws {
    let table: [(String, String, Double, Int, FirnError.Code, String)] = [
      ("onlin", "copy", 0.5, 1, .unknownName, "no scope `onlin`"),
      ("online", "online/copy", 0.5, 1, .invalidArgument, "cannot stand in"),
      ("online", "a b", 0.5, 1, .invalidArgument, "cannot stand in"),
      ("online", "target", 0.5, 1, .duplicateName, "`target/a` exists already"),
      ("target", "copy", 0.5, 1, .invalidArgument, "`target/a` is a shadow itself"),
      ("online", "copy", 1, 1, .invalidArgument, "a decay of 1.0"),
      ("online", "copy", .nan, 1, .invalidArgument, "a decay of nan"),
      ("online", "copy", 0.5, 0, .invalidArgument, "every 0 steps"),
    ]
    for (scope, target, decay, interval, code, words) in table {
      let model = Model()
      model.graph.shadow(of: scope, as: target, decay: decay, every: interval)
      let refused = try error { try model.graph.validate() }
      #expect(refused.code == code && refused.description.contains(words), "\(refused)")
      #expect(model.graph.variables.count == 4)
    }
    // State that batches move and a shadow too.
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 2])
    let y = graph.scope("online") { BatchNorm(name: "norm")(x) }
    graph.shadow(of: "online", as: "target", decay: 0.5)
    let goal = graph.scope("target", reuse: true) { BatchNorm(name: "norm")(x) }
    let session = try quietSession(graph)
    let loss = square(y - goal).mean()
    let refused = try error {
      _ = try session.compile(minimizing: loss, with: SGD(learningRate: 1), keepingTrainingMode: "target")
    }
    #expect(refused.description.contains("one run would write `target/norm/moving_mean` twice"))
    #expect(throws: Never.self) { try session.compile(minimizing: loss, with: SGD(learningRate: 1)) }
  }

  @Test func faultyShadowsInTextAreRefused() throws {
    let model = Model()
    let text = model.graph.definition.text
    let good = "shadow = [\"online/a\", 0.5, 1]"
    try #require(text.contains(good))
    for bad in [
      "shadow = 1", "shadow = [\"online/a\", 0.5]", "shadow = [\"nothing\", 0.5, 1]",
      "shadow = [\"online/a\", 1.5, 1]",
      "shadow = [\"online/a\", 0.5, 2]", "shadow = [\"online/a\", 0.5, 2, \"online/b\"]",
      "shadow = [\"target/a\", 0.5, 1]", "shadow = [\"online/a\", 0.5, -1]",
    ] {
      #expect(throws: FirnError.self, "\(bad)") {
        try GraphDef(parsing: text.replacing(good, with: bad), catalogue: .standard).verify()
      }
    }
  }
}
