import CFirnAllocations
import FirnCompiler
import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
@testable import FirnRuntime
import FirnTestSupport
import FirnTraining
import Testing

/// Values of frozen variables are made when these change, no sooner and no later.
@Suite struct BoundValuesTests {
  /// Two layers with frozen weights that are made of variables, and what reads them.
  private struct Model {
    let graph = Graph()
    let x, first, second, y: Tensor

    init() {
      x = graph.placeholder("x", shape: ["batch", 20])
      first = graph.variable("first", shape: [20, 24])
      second = graph.variable("second", shape: [24, 20])
      y = matmul(tanh(matmul(x, exp(first))), square(second))
    }

    func feeds(_ batch: Int = 3) throws -> Feeds {
      [x: try Initializer.normal().values(shape: [batch, 20], name: "x")]
    }
  }

  private func plain(_ session: Session, _ fetches: [Tensor]) throws -> Program {
    try session.compile(
      CompilationRequest(graph: session.graph.definition, fetches: fetches.map(\.value)),
      pipeline: Compiler.pipeline(changedBy: "-hoist-frozen"))
  }

  @Test func theyAreMadeOnce() throws {
    let model = Model()
    let session = try Session(model.graph, threads: 1)
    let program = try session.compile(fetching: [model.y])
    #expect(session.boundValuesMade == 0 && session.boundSize.count == 0)
    let once = try session.run(program, feeding: model.feeds())[model.y]
    #expect(session.boundValuesMade == 2)
    #expect(session.boundSize.count == 2 && session.boundSize.byteCount == 4 * 32 * (20 + 24))
    for batch in [3, 3, 5, 3] { _ = try session.run(program, feeding: model.feeds(batch)) }
    #expect(session.boundValuesMade == 2)
    #expect(try session.run(plain(session, [model.y]), feeding: model.feeds())[model.y] == once)
  }

  /// Setting, loading, restoring and training each make what reads the variable anew, and nothing else.
  @Test func whatChangesIsMadeAnew() throws {
    let model = Model()
    let session = try Session(model.graph, threads: 1)
    let program = try session.compile(fetching: [model.y])
    let unhoisted = try plain(session, [model.y])
    func check(made names: [String], _ place: Testing.SourceLocation = #_sourceLocation) throws {
      let before = session.boundValuesMade
      let got = try session.run(program, feeding: model.feeds())[model.y]
      #expect(session.boundValuesMade - before == names.count, sourceLocation: place)
      if !names.isEmpty { #expect(session.lastBoundValues == names, sourceLocation: place) }
      #expect(try session.run(unhoisted, feeding: model.feeds())[model.y] == got, sourceLocation: place)
    }
    try check(made: ["matmul/pack", "matmul_1/pack"])
    let snapshot = try session.snapshot()
    try session.setValue(Initializer.normal().values(shape: [24, 20], name: "new"), of: model.second)
    try check(made: ["matmul_1/pack"])
    try session.setValue(Initializer.normal().values(shape: [20, 24], name: "new"), of: model.first)
    try check(made: ["matmul/pack"])
    try check(made: [])
    try session.restore(snapshot)
    try check(made: ["matmul/pack", "matmul_1/pack"])
    let training = try session.compile(
      minimizing: square(model.y).mean(), with: SGD(learningRate: 1e-3), freezing: "second")
    for _ in 0..<3 {
      try session.run(training, feeding: model.feeds())
      try check(made: ["matmul/pack"])
    }
    try session.initialize("first", seed: 7)
    try check(made: ["matmul/pack"])
  }

  /// Equal values of two programs are one, as long as either is held.
  @Test func programsShareEqualValues() throws {
    let model = Model()
    let session = try Session(model.graph, threads: 1)
    var kept: [Program] = []
    do {
      let first = try session.compile(fetching: [model.y])
      let second = try session.compile(fetching: [model.y * 2])
      let other = try session.compile(fetching: [matmul(model.x, exp(model.first) + 1)])
      for program in [first, second] { try session.run(program, feeding: model.feeds()) }
      #expect(session.boundValuesMade == 2 && session.boundSize.count == 2)
      try session.run(other, feeding: model.feeds())
      #expect(session.boundValuesMade == 3 && session.boundSize.count == 3)
      kept = [second]
    }
    #expect(session.boundSize.count == 2)
    try session.run(kept[0], feeding: model.feeds())
    #expect(session.boundValuesMade == 3)
    kept = []
    #expect(session.boundSize.count == 0 && session.boundSize.byteCount == 0)
  }

  /// The first program that learns what another holds frozen makes the other's values anew with each step, over the same
  /// plans.
  @Test func programsThatTakeTurns() throws {
    let model = Model()
    let loss = square(model.y).mean()
    let session = try Session(model.graph, threads: 1)
    let other = try Session(model.graph, threads: 1)
    let passes = try Compiler.pipeline(changedBy: "-hoist-frozen")
    func programs(_ session: Session, _ pipeline: [Pass]? = nil) throws -> [Program] {
      try ["first", "second"].map { name in
        try session.compile(
          CompilationRequest(
            graph: model.graph.definition, fetches: [],
            training: .init(loss: loss.value, optimizer: SGD(learningRate: 1e-3)), freezing: Selection(name)),
          pipeline: pipeline)
      }
    }
    let (hoisted, plain) = (try programs(session), try programs(other, passes))
    for step in 0..<6 {
      for turn in 0..<2 {
        let a = try session.run(hoisted[turn], feeding: model.feeds()).scalar(loss)
        let b = try other.run(plain[turn], feeding: model.feeds()).scalar(loss)
        #expect(a == b, "step \(step)")
      }
    }
    #expect(try session.snapshot() == other.snapshot())
    // Each holds its values and the plan for them, and neither holds the other: the first kernel packed, and the second
    // packed for its product and for the gradient through it.
    withExtendedLifetime(hoisted) { #expect(session.boundSize.count == 3) }
  }

  /// A plan that is kept to make values again goes with the program.
  @Test func keptPlansGoWithTheirProgram() throws {
    let model = Model()
    let session = try Session(model.graph, threads: 1)
    do {
      let program = try session.compile(fetching: [model.y])
      for round in 0..<4 {
        try session.setValue(
          Initializer.normal().values(shape: [24, 20], name: "\(round)"), of: model.second)
        _ = try session.run(program, feeding: model.feeds())
      }
      #expect(session.boundSize.byteCount > 4 * 32 * (20 + 24))
    }
    #expect(session.boundSize.byteCount == 0)
    weak var kept: BoundProgram?
    do {
      let program = try session.compile(fetching: [model.y])
      for round in 0..<4 {
        try session.setValue(
          Initializer.normal().values(shape: [24, 20], name: "\(round)"), of: model.second)
        _ = try session.run(program, feeding: model.feeds())
      }
      kept = try session.execution(of: program, binding: ["batch": 3]).bound
      #expect(kept != nil)
    }
    let other = try session.compile(fetching: [model.y + 1])
    _ = try session.run(other, feeding: model.feeds())
    #expect(kept == nil)
  }

  /// What is not to take memory is made in every step, with the same bits, and that is said once.
  @Test func valuesThatAreTooMuchStayInTheStep() throws {
    let model = Model()
    let session = try Session(model.graph, threads: 1)
    var warnings: [String] = []
    session.onWarning = { warnings.append($0) }
    let program = try session.compile(fetching: [model.y])
    let wanted = try session.run(program, feeding: model.feeds())[model.y]
    #expect(session.boundSize.count > 0 && warnings.isEmpty)
    let other = try Session(model.graph, threads: 1)
    other.onWarning = { warnings.append($0) }
    other.boundValueLimit = session.boundSize.byteCount - 1
    let same = try other.compile(fetching: [model.y])
    for _ in 0..<2 {
      #expect(try other.run(same, feeding: model.feeds())[model.y].isBitwiseEqual(to: wanted))
    }
    #expect(other.boundSize.count == 0 && other.boundValuesMade == 0)
    #expect(warnings.count == 1 && warnings.first?.contains("computed in every step") == true)
    // Another limit holds from the next run on, whatever was planned before.
    other.boundValueLimit = .max
    #expect(try other.run(same, feeding: model.feeds())[model.y].isBitwiseEqual(to: wanted))
    #expect(other.boundSize.count == session.boundSize.count && warnings.count == 1)
    other.boundValueLimit = 0
    #expect(try other.run(same, feeding: model.feeds())[model.y].isBitwiseEqual(to: wanted))
    #expect(other.boundSize.count == 0 && warnings.count == 2)
    warnings.removeLast()
    // Where there is room it is used.
    let third = try Session(model.graph, threads: 1)
    third.onWarning = { warnings.append($0) }
    third.boundValueLimit = session.boundSize.byteCount
    let last = try third.compile(fetching: [model.y])
    _ = try third.run(last, feeding: model.feeds())
    withExtendedLifetime((program, last)) {
      #expect(third.boundSize.count == session.boundSize.count && warnings.count == 1)
    }
  }

  /// What a program has left goes when the next plan is made, also where that one has nothing to compute once.
  @Test func whatNobodyHoldsGoesWithTheNextPlan() throws {
    let model = Model()
    let session = try Session(model.graph, threads: 1)
    weak var execution: Execution?
    weak var bound: BoundProgram?
    do {
      let program = try session.compile(fetching: [model.y])
      _ = try session.run(program, feeding: model.feeds())
      execution = try session.execution(of: program, binding: ["batch": 3])
      bound = execution?.bound
      #expect(execution != nil && bound != nil)
    }
    let other = try session.compile(fetching: [model.x + 1])
    _ = try session.run(other, feeding: model.feeds())
    #expect(execution == nil && bound == nil)
  }

  /// What fails when values are made is said as it would be in the run, and nothing half made is left.
  @Test func faultsAreFoundEachTime() throws {
    let graph = Graph()
    let indices = graph.variable(
      "indices", shape: [2], dtype: .i32, initializer: .array(NDArray([1, 7] as [Int32])))
    let table = graph.variable("table", shape: [4, 3])
    let x = graph.placeholder("x", shape: [2, 3])
    let y = gather(table, indices: indices) * x
    let session = try Session(graph, threads: 1)
    let program = try session.compile(fetching: [y], freezing: "**")
    let feeds: Feeds = [x: try NDArray(zeros: [2, 3])]
    for _ in 0..<2 {
      let error = #expect(throws: FirnError.self) { try session.run(program, feeding: feeds) }
      #expect(error?.code == .indexOutOfRange && error?.place == "gather")
    }
    #expect(session.boundValuesMade == 0 && session.runs == 0)
    try session.setValue(NDArray([1, 3] as [Int32]), of: indices)
    _ = try session.run(program, feeding: feeds)
    #expect(session.boundValuesMade == 1)
  }

  /// Where every value is looked through, those are too.
  @Test func numericsAreCheckedInThem() throws {
    let graph = Graph()
    let w = graph.variable("w", shape: [3], initializer: .zeros)
    let x = graph.placeholder("x", shape: [3])
    let y = graph.scope("norm") { log(w) } * x
    let session = try Session(graph, threads: 1)
    let program = try session.compile(fetching: [y])
    session.checksNumerics = true
    let error = #expect(throws: FirnError.self) {
      try session.run(program, feeding: [x: NDArray([1, 2, 3] as [Float])])
    }
    #expect(error?.code == .notFinite && error?.place == "norm/log")
  }

  /// Steps with bound values allocate what others do: what they return.
  @Test(.enabled(if: isOptimized, "without optimisation closures and enumerations allocate"))
  func steadyRunsAllocateTheSame() throws {
    let model = Model()
    let session = try Session(model.graph, threads: 1)
    let program = try session.compile(fetching: [model.y])
    let feeds = try model.feeds()
    try session.run(program, feeding: feeds)
    let execution = try session.execution(of: program, binding: ["batch": 3])
    firn_allocations_begin()
    try execution.run(checksNumerics: false)
    let step = firn_allocations_end()
    if step >= 0 { #expect(step == 0) }
    func allocations(_ program: Program) throws -> Int {
      for _ in 0..<2 { try session.run(program, feeding: feeds) }
      firn_allocations_begin()
      try session.run(program, feeding: feeds)
      return Int(firn_allocations_end())
    }
    #expect(try allocations(program) <= allocations(plain(session, [model.y])) + 1)
  }

  /// Random models, hoisted and not, to the bit, with variables that change between runs.
  @Test(arguments: 0..<160, [DType.f32, .f64])
  func randomModelsHaveTheSameBits(_ seed: Int, _ dtype: DType) throws {
    var options = RandomModel.Options()
    options.dtype = dtype
    let model = RandomModel(seed: seed, options: options)
    let gradients = model.graph.gradients(
      of: [model.loss], withRespectTo: model.variables, unconnected: .zero)
    let fetches = gradients + model.outputs
    let feeds = Feeds(model.feeds.map { (name: $0.tensor.name, array: $0.array) })
    let session = try Session(model.graph, threads: 1)
    let request = CompilationRequest(
      graph: model.graph.definition, fetches: fetches.map(\.value), isTrainingMode: true)
    let hoisted = try session.compile(request)
    let plain = try session.compile(request, pipeline: Compiler.pipeline(changedBy: "-hoist-frozen"))
    for round in 0..<3 {
      session.runs = 0
      let got = try session.run(hoisted, feeding: feeds)
      session.runs = 0
      let expected = try session.run(plain, feeding: feeds)
      for (a, b) in zip(got.arrays, expected.arrays) {
        let (a, b) = (try #require(a), try #require(b))
        let isSame =
          a.isBitwiseEqual(to: b) || zip(a.doubles, b.doubles).allSatisfy { $0 == $1 || $0.isNaN && $1.isNaN }
        #expect(isSame, "round \(round)")
      }
      guard !model.variables.isEmpty else { return }
      let variable = model.variables[round % model.variables.count]
      let value = try session.value(of: variable)
      try session.setValue(
        NDArray(value.doubles.map { $0 * 0.5 }, shape: value.shape).converted(to: dtype), of: variable)
    }
  }

  /// A test of what is never hoisted would pass.
  @Test func someRandomModelsHaveBoundValues() throws {
    let count = try (0..<160).count { seed in
      let model = RandomModel(seed: seed)
      let request = CompilationRequest(
        graph: model.graph.definition, fetches: model.outputs.map(\.value), isTrainingMode: true)
      return try !Compiler.compile(request).bound.outputs.isEmpty
    }
    #expect(count > 20, "\(count)")
  }

  // MARK: ResNet-18

  private func network() throws -> (session: Session, x: Tensor, scores: Tensor, loss: Tensor, feeds: Feeds) {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 32, 32, 3])
    let scores = ResNet(.resNet18, classes: 20)(x)
    let loss = square(scores).mean()
    let session = try Session(graph, threads: 2)
    return (session, x, scores, loss, [x: try Initializer.normal().values(shape: [2, 32, 32, 3], name: "x")])
  }

  /// Setting one variable makes what reads it, and no more.
  @Test func oneVariableOfManyIsChanged() throws {
    let (session, _, scores, _, feeds) = try network()
    let program = try session.compile(fetching: [scores])
    _ = try session.run(program, feeding: feeds)
    let bound = program.compilation.bound
    let all = session.boundValuesMade
    #expect(all == bound.outputs.count && all >= 20)
    for name in ["layer2/0/bn1/gamma", "fc/kernel", "layer4/1/bn2/moving_variance"] {
      let readers = bound.outputs.filter { bound.reads(name, by: $0.node) }.map { bound.name(of: $0) }
      #expect(!readers.isEmpty && readers.count < 4, "\(name)")
      let before = session.boundValuesMade
      let value = try session.value(of: name)
      try session.setValue(
        NDArray(value.doubles.map { $0 * 1.5 }, shape: value.shape).converted(to: .f32), of: name)
      let got = try session.run(program, feeding: feeds)[scores]
      #expect(
        session.boundValuesMade - before == readers.count && session.lastBoundValues == readers, "\(name)")
      #expect(try session.run(plain(session, [scores]), feeding: feeds)[scores] == got)
    }
  }

  /// Over twenty compilations that freeze and thaw, each run is that of a session that knows none of the others.
  @Test func thawingAndFreezingLeaveNothingStale() throws {
    let (session, _, scores, loss, feeds) = try network()
    let stages = ["layer1", "layer2", "layer3", "layer4", "fc"]
    let optimizer = SGD(learningRate: 1e-4)
    for round in 0..<20 {
      let frozen = stages.filter { ($0.hashValueOfName + round) % 3 != 0 && $0 != stages[round % 5] }
      let selection = try Selection((frozen + ["conv1", "bn1"]).joined(separator: " | "))
      let snapshot = try session.snapshot(Selection("**"))
      let program = try session.compile(
        minimizing: loss, with: optimizer, freezing: selection, fetching: [scores])
      let got = try session.run(program, feeding: feeds)
      let fresh = try Session(session.graph, threads: 1)
      let same = try fresh.compile(
        minimizing: loss, with: optimizer, freezing: selection, fetching: [scores])
      try fresh.restore(snapshot)
      let expected = try fresh.run(same, feeding: feeds)
      #expect(try got[scores] == expected[scores] && got[loss] == expected[loss], "round \(round)")
      #expect(try session.snapshot() == fresh.snapshot(), "round \(round)")
    }
  }
}

extension GraphDef {
  /// Whether a node is made of a variable.
  fileprivate func reads(_ variable: String, by node: Int) -> Bool {
    nodes[node].op.effect == .reads(variable) || nodes[node].inputs.contains { reads(variable, by: $0.node) }
  }
}

extension String {
  /// A number that is the same in every process.
  fileprivate var hashValueOfName: Int { utf8.reduce(0) { $0 + Int($1) } }
}

#if DEBUG
  private let isOptimized = false
#else
  private let isOptimized = true
#endif
