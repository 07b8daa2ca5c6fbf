import FirnCompiler
import FirnGraph
import FirnNotation
import FirnNN
import FirnOps
import FirnRuntime
import FirnTraining
import Testing

/// A frozen scope moves no statistics, unless it is kept in training mode.
@Suite struct Rule04BatchNormTests {
  private static let statistics = ["encoder/bn/moving_mean", "encoder/bn/moving_variance"]

  /// A dense layer and its batch norm in `encoder`, and a head with a batch norm of its own.
  private struct Model {
    let graph = Graph()
    let code: Tensor
    let loss: Tensor
    let feeds: Feeds

    init(isAffine: Bool = true, trainable: Bool? = nil) throws {
      let graph = graph
      let x = graph.placeholder("x", shape: ["batch", 4])
      let code = graph.scope("encoder") {
        BatchNorm(isAffine: isAffine, trainable: trainable, name: "bn")(Dense(5, name: "dense")(x))
      }
      self.code = code
      let output = graph.scope("head") { Dense(2, name: "dense")(BatchNorm(name: "bn")(relu(code))) }
      loss = square(output).mean()
      feeds = ["x": try noise([6, 4])]
    }

    func program(
      _ session: Session, freezing: Selection? = nil, thawing: Selection? = nil, keeping: Selection? = nil
    ) throws -> Program {
      try session.compile(
        minimizing: loss, with: SGD(learningRate: 0.1), freezing: freezing, thawing: thawing,
        keepingTrainingMode: keeping, fetching: [code])
    }

    func written(
      freezing: Selection? = nil, thawing: Selection? = nil, keeping: Selection? = nil
    ) throws -> [String] {
      try program(quietSession(graph), freezing: freezing, thawing: thawing, keeping: keeping)
        .graph.writtenVariables.filter { $0.hasPrefix("encoder/bn/moving") }
    }

    func findings(freezing: Selection?, thawing: Selection? = nil, keeping: Selection? = nil) throws
      -> LintReport
    {
      try Explanation(
        CompilationRequest(
          graph: graph.definition, fetches: [], training: .init(loss: loss.value, optimizer: Adam()),
          freezing: freezing, thawing: thawing, keepingTrainingMode: keeping)
      ).lint()
    }
  }

  /// Rule 4's default against PyTorch's: batch norm's statistics move in no frozen layer, however many steps are made.
  @Test(arguments: ["encoder", "encoder & trainable"] as [Selection])
  func trap01FrozenStatisticsDoNotMove(_ freezing: Selection) throws {
    let model = try Model()
    // To the bit where the norm is not folded into the layer before it.
    let session = try quietSession(model.graph, passes: "-fold-frozen")
    let before = try session.everything()
    let program = try model.program(session, freezing: freezing)
    let calm = try session.run(try session.compile(fetching: [model.code]), feeding: model.feeds)
    for _ in 0..<5 {
      let results = try session.run(program, feeding: model.feeds)
      #expect(try results[model.code].isBitwiseEqual(to: calm[model.code]))
    }
    let after = try session.everything()
    for variable in model.graph.variables {
      let isSame = try #require(after[variable.name]).isBitwiseEqual(to: #require(before[variable.name]))
      #expect(isSame == variable.name.hasPrefix("encoder/"), "\(variable.name)")
    }
  }

  /// A branch that the mode leaves out moves nothing, whichever mode that is.
  @Test func branchesThatAreGoneMoveNothing() throws {
    for isInTraining in [true, false] {
      let graph = Graph()
      let x = graph.placeholder("x", shape: ["batch", 4])
      let code = Dense(4, name: "dense")(x)
      let normal = BatchNorm(name: "bn")(code)
      let chosen =
        isInTraining
        ? byMode(training: normal, inference: code) : byMode(training: code, inference: normal)
      let loss = square(chosen).mean()
      let session = try quietSession(graph)
      let program = try session.compile(minimizing: loss, with: SGD(learningRate: 0.1))
      let moved = program.graph.writtenVariables.filter { $0.hasPrefix("bn/moving") }
      #expect(moved == (isInTraining ? ["bn/moving_mean", "bn/moving_variance"] : []))
      let before = try session.value(of: "bn/moving_mean")
      try session.run(program, feeding: ["x": noise([6, 4])])
      #expect(try session.value(of: "bn/moving_mean").isBitwiseEqual(to: before) == !isInTraining)
    }
  }

  @Test func trap02NoLaterProgramWakesFrozenStatistics() throws {
    let model = try Model()
    let session = try quietSession(model.graph)
    let frozen = try model.program(session, freezing: "encoder & trainable")
    // Another program in training mode moves them; the first, run again, still does not.
    let awake = try session.compile(fetching: [model.code], inTrainingMode: true)
    try session.run(awake, feeding: model.feeds)
    let moved = try session.value(of: Self.statistics[0])
    #expect(moved.doubles.contains { $0 != 0 })
    try session.run(frozen, feeding: model.feeds)
    #expect(try session.value(of: Self.statistics[0]).isBitwiseEqual(to: moved))
  }

  /// Inference mode freezes nothing, and freezing alone is what stills the optimiser and the statistics.
  @Test func trap22InferenceModeIsNotFreezing() throws {
    let model = try Model()
    let session = try quietSession(model.graph)
    let variables = try variableTensors(of: model.graph)
    let gamma = try #require(variables.first { $0.variable?.name == "encoder/bn/gamma" })
    let gradient = model.graph.gradients(of: [model.loss], withRespectTo: [gamma])[0]
    let inference = try session.compile(fetching: [gradient])
    #expect(inference.graph.writtenVariables.isEmpty)
    #expect(try session.run(inference, feeding: model.feeds)[gradient].doubles.contains { $0 != 0 })
    let statuses = try model.program(session, freezing: "encoder").status
    let reasons = Dictionary(statuses.variables.map { ($0.name, $0.reason) }) { first, _ in first }
    #expect(reasons["encoder/bn/gamma"]?.contains("`freezing: encoder`") == true)
    #expect(reasons["encoder/bn/moving_mean"] == "it is state and is held: `encoder` is frozen")
    #expect(reasons["head/bn/moving_mean"] == "it is state and moves: its scope is in training mode")
    let still = Dictionary(inference.status.variables.map { ($0.name, $0.reason) }) { first, _ in first }
    #expect(still["head/bn/moving_mean"] == "it is state and stays: the program runs in inference mode")
  }

  @Test func rule04KeepingTrainingModeMovesFrozenStatistics() throws {
    let model = try Model()
    let session = try quietSession(model.graph)
    let program = try model.program(session, freezing: "encoder", keeping: "encoder/bn")
    let gamma = try session.value(of: "encoder/bn/gamma")
    try session.run(program, feeding: model.feeds)
    #expect(try session.value(of: "encoder/bn/gamma").isBitwiseEqual(to: gamma))
    #expect(try session.value(of: Self.statistics[0]).doubles.contains { $0 != 0 })
    #expect(
      program.status.variables.first { $0.name == Self.statistics[0] }?.reason
        == "it is state and moves, although `encoder` is frozen, by `keepingTrainingMode: encoder/bn`")
  }

  @Test func rule04SelectionsDecideAboutStatistics() throws {
    let model = try Model()
    let statistics = Self.statistics
    #expect(try model.written() == statistics)
    #expect(try model.written(freezing: "encoder") == [])
    #expect(try model.written(freezing: "encoder/bn") == [])
    #expect(try model.written(freezing: "head") == statistics)
    // Named alone they are held, and the scope stays in training mode; thawing names them again.
    #expect(try model.written(freezing: "encoder/bn/moving_mean") == [statistics[1]])
    #expect(try model.written(freezing: "encoder", thawing: "encoder/bn/gamma") == [])
    #expect(try model.written(freezing: "encoder", thawing: "encoder/bn") == statistics)
    #expect(try model.written(freezing: "encoder", keeping: "encoder") == statistics)
    // Parameters alone freeze the scope, and so its statistics.
    #expect(try model.written(freezing: "encoder/bn/gamma | encoder/bn/beta") == [])
    #expect(try model.written(freezing: "encoder/bn/gamma") == statistics)
  }

  /// Without gamma and beta, the state itself, or the scope around, says what is frozen.
  @Test func rule04BatchNormWithoutParameters() throws {
    let model = try Model(isAffine: false)
    #expect(try model.written() == Self.statistics)
    #expect(try model.written(freezing: "encoder/bn") == [])
    #expect(try model.written(freezing: "encoder/dense") == [], "all parameters of `encoder`")
    #expect(try model.written(freezing: "encoder/dense/bias") == Self.statistics)
    #expect(try model.written(freezing: "encoder/bn/moving_mean") == [Self.statistics[1]])
    let session = try quietSession(model.graph)
    let program = try model.program(session, freezing: "encoder/bn")
    let whole = program.compilation.whole
    #expect(
      whole.nodes.contains {
        $0.inputs.contains { input in whole.nodes[input.node].op.effect == .reads(Self.statistics[0]) }
      })
  }

  /// `eval()` of a norm that learns: the averages normalise and stay, and gamma and beta learn by them.
  @Test func rule04AveragesNormaliseWhatLearns() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 3])
    let normalized = graph.scope("encoder") { Dropout(0.5, name: "drop")(BatchNorm(name: "bn")(x)) }
    let session = try quietSession(graph)
    try session.setValue(NDArray([1, -2, 3] as [Float]), of: "encoder/bn/moving_mean")
    try session.setValue(NDArray([4, 0.25, 1] as [Float]), of: "encoder/bn/moving_variance")
    let rows = try noise([5, 3])
    let step = try session.compile(
      minimizing: square(normalized).mean(), with: SGD(learningRate: 0.1), keepingInferenceMode: "encoder",
      fetching: [normalized])
    let before = try session.snapshot()
    let trained = try session.run(step, feeding: [x: rows])[normalized]
    #expect(try session.snapshot().changed(since: before) == ["encoder/bn/gamma", "encoder/bn/beta"])
    #expect(try step.lint().isEmpty)
    #expect(step.status.scopes.first { $0.path == "encoder" }?.mode == .inference)
    #expect(
      step.status.variables.filter {
        $0.reason == "it is state and is held by `keepingInferenceMode: encoder`"
      }
      .map(\.name) == Self.statistics)
    let (mean, root): ([Double], [Double]) = ([1, -2, 3], [2, 0.5, 1])
    let gamma = try session.value(of: "encoder/bn/gamma").doubles
    for axis in 0..<3 {
      let columns = (rows.rows.map { ($0[axis] - mean[axis]) / root[axis] }, trained.rows.map { $0[axis] })
      for (wanted, got) in zip(columns.0, columns.1) { #expect(abs(wanted - got) < 1e-3 * (1 + abs(wanted))) }
      // d mean(y²) / d gamma = 2 mean over rows of y x̂ / 3, with gamma 1 and beta 0.
      let slope = 2 * columns.0.reduce(0) { $0 + $1 * $1 } / 15
      #expect(abs(gamma[axis] - (1 - 0.1 * slope)) < 1e-3 * (1 + abs(slope)))
    }
  }

  @Test func rule04BothModesAtOnceAreAnError() throws {
    let model = try Model()
    let session = try quietSession(model.graph)
    func fault(_ body: () throws -> Program) -> FirnError? { #expect(throws: FirnError.self) { try body() } }
    let both = fault {
      try session.compile(
        minimizing: model.loss, with: Adam(), keepingTrainingMode: "encoder/bn",
        keepingInferenceMode: "encoder")
    }
    #expect(both?.code == .invalidSelection && both?.place == "encoder/bn")
    let nothing = fault {
      try session.compile(minimizing: model.loss, with: Adam(), keepingInferenceMode: "encoder/dense")
    }
    #expect(nothing?.message == "`keepingInferenceMode: encoder/dense` names nothing that has two modes")
    let idle = fault { try session.compile(fetching: [model.loss], keepingInferenceMode: "encoder") }
    #expect(
      idle?.code == .invalidArgument
        && idle?.message.contains("`keepingInferenceMode:` has no effect") == true)
    // What is frozen rests anyway; what is beside it goes on.
    let program = try session.compile(
      minimizing: model.loss, with: Adam(), freezing: "encoder", keepingInferenceMode: "encoder")
    #expect(
      program.graph.writtenVariables.filter { $0.contains("moving") }.allSatisfy { $0.hasPrefix("head/bn") })
    #expect(program.graph.writtenVariables.contains("head/bn/moving_mean"))
  }

  /// A declaration is enough, also where there is only state to declare; `thawing:` wins over it (rule 6).
  @Test(arguments: [false, true]) func rule06DeclaredStateIsHeld(_ isAffine: Bool) throws {
    let model = try Model(isAffine: isAffine, trainable: false)
    #expect(try model.written() == [])
    #expect(try model.written(thawing: "encoder/bn") == Self.statistics)
    #expect(try model.written(keeping: "encoder/bn") == Self.statistics)
    #expect(try model.written(thawing: "encoder/bn/moving_mean") == (isAffine ? [] : [Self.statistics[0]]))
    let program = try model.program(quietSession(model.graph))
    let status = program.status
    #expect(status.scopes.first { $0.path == "encoder/bn" }?.mode == .inference)
    #expect(status.scopes.first { $0.path == "encoder" }?.mode == .training)
    #expect(
      status.variables.first { $0.name == Self.statistics[0] }?.reason
        == "it is state and is held: `encoder/bn` is frozen")
    #expect(
      program.graph.count("assign", in: .update) == 0
        || !program.writtenVariables.contains(Self.statistics[0]))
    // Text and copies of a graph keep the declaration.
    let text = model.graph.definition.text
    #expect(text.contains("held = true"))
    #expect(try GraphDef(parsing: text, catalogue: .standard).text == text)
  }

  /// Thawing a parameter of a scope declared frozen leaves its averages held, as with `freezing:`, and F009 says so.
  @Test func rule06ThawingAParameterLeavesDeclaredStateHeld() throws {
    let model = try Model(trainable: false)
    #expect(try model.written(thawing: "encoder/bn/gamma") == [])
    let findings = try model.findings(freezing: nil, thawing: "encoder/bn/gamma")
    #expect(findings.map(\.code) == [.trainedAndHeld] && findings[0].subjects == Self.statistics)
    let program = try model.program(quietSession(model.graph), thawing: "encoder/bn/gamma")
    #expect(
      program.status.variables.first { $0.name == Self.statistics[0] }?.reason
        == "it is state and is held by its declaration (`trainable: false`)")
  }

  @Test func rule04LintTellsWhatMovesAndWhatIsHeld() throws {
    let model = try Model()
    #expect(try model.findings(freezing: "encoder").isEmpty)
    let moving = try model.findings(freezing: "encoder", keeping: "encoder")
    #expect(moving.map(\.code) == [.frozenAndMoving] && moving[0].subjects == Self.statistics)
    let held = try model.findings(freezing: "encoder", thawing: "encoder/bn/gamma")
    #expect(held.map(\.code) == [.trainedAndHeld] && held[0].subjects == Self.statistics)
  }

  /// Assignments of one variable that belong to training follow one another; a fetched one is a second writer.
  @Test func assignmentsOfTrainingFollowOneAnother() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: [2])
    let count = graph.variable("count", shape: [], initializer: .zeros, kind: .state)
    let uses = (0..<3).map { number in graph.scope("use_\(number)") { x * Double(number) } }
    for use in uses { graph.assign(count * 2 + 1, to: count, whenTraining: use) }
    let reset = graph.assign(count * 0, to: count)
    let session = try quietSession(graph)
    let feeds: Feeds = [x: try noise([2])]
    func value(after fetches: [Tensor], inTrainingMode: Bool = true) throws -> Double {
      try session.setValue(NDArray(scalar: Float(0)), of: count)
      try session.run(try session.compile(fetching: fetches, inTrainingMode: inTrainingMode), feeding: feeds)
      return try session.value(of: count).doubles[0]
    }
    #expect(try value(after: uses) == 7)
    #expect(try value(after: [uses[0], uses[2]]) == 3)
    #expect(try value(after: [x]) == 0)
    #expect(try value(after: uses, inTrainingMode: false) == 0)
    #expect(try value(after: [reset]) == 0)
    let fault = try error { _ = try session.compile(fetching: [uses[1], reset], inTrainingMode: true) }
    #expect(fault.message.contains("twice"))
  }
}
