import FirnCompiler
import FirnGraph
import FirnNotation
import FirnOps
import FirnRuntime
import FirnTraining
import Testing

/// Updates that are copies of one, held against updates that are all written out: the program is the same text.
@Suite struct CopiedUpdatesTests {
  /// As many variables of each of three types as have copies, and some of which there are too few.
  private struct Model {
    let graph = Graph()
    let loss: Tensor
    let second: Tensor
    let mask: Tensor
    let flag: Tensor

    init(_ dtype: DType = .f32, count: Int = UpdateCopies.fewest + 4) {
      let graph = graph
      let x = graph.placeholder("x", shape: ["batch", 3], dtype: dtype)
      mask = graph.placeholder("mask", shape: [3], dtype: .bool)
      flag = graph.placeholder("flag", shape: [], dtype: .bool)
      var (sum, other) = (x.sum(), x.mean())
      for number in 0..<count {
        graph.scope("layer_\(number)") {
          let kernel = graph.variable("kernel", shape: [3, 2], dtype: dtype, initializer: .uniform(-1, 1))
          let scale = graph.variable("scale", shape: [], dtype: dtype, initializer: .constant(0.5))
          let bias = graph.variable("bias", shape: [3], dtype: dtype, initializer: .uniform(-1, 1))
          let row = tanh(x * bias.broadcast(to: x.shape))
          sum = sum + (square(matmul(row, kernel)).sum() * scale)
          other = other + square(bias).sum() * scale
          if number % 9 == 0 {
            let rare = graph.variable("rare", shape: [2, 3], dtype: dtype, initializer: .uniform(-1, 1))
            sum = sum + tanh(rare).sum()
          }
        }
      }
      (loss, second) = (sum, other)
    }

    func request(_ training: CompilationRequest.Training, freezing: Selection? = nil) -> CompilationRequest {
      CompilationRequest(graph: graph.definition, fetches: [], training: training, freezing: freezing)
    }
  }

  private static let optimizers: [String: any Optimizer] = [
    "sgd": SGD(learningRate: 0.1), "momentum": SGD(learningRate: 0.1, momentum: 0.9, weightDecay: 0.01),
    "dampened": SGD(learningRate: 0.1, momentum: 0.9, dampening: 0.5),
    "nesterov": SGD(
      learningRate: .steps(initial: 0.3, factor: 0.5, every: 2), momentum: 0.9, usesNesterov: true),
    "adam": Adam(), "adamw": Adam(learningRate: 0.01, weightDecay: 0.1),
    "amsgrad": Adam(weightDecay: 0.1, couplesDecay: true, keepsMaximum: true),
    "lazy": Adam(lazyRows: true),
    "scheduled": Adam(learningRate: .steps(initial: 0.3, factor: 0.5, every: 2)),
    "adadelta": Adadelta(learningRate: 1), "adagrad": Adagrad(learningRate: 0.1),
    "rmsprop": RMSprop(learningRate: 0.1),
    "centred": RMSprop(learningRate: 0.1, momentum: 0.5, isCentred: true),
    "nadam": NAdam(), "lion": Lion(learningRate: 0.1), "lamb": LAMB(learningRate: 0.1, weightDecay: 0.1),
  ]

  private static let plain = Compiler.pipeline.filter { $0.name != "copy-updates" }

  /// How many different updates are copied.
  private func templates(_ graph: GraphDef) -> Int {
    Set(graph.nodes.compactMap { $0.op.asBodyOp?.sharedPattern }).count
  }

  /// The same text with copies and without.
  private func expectSameText(
    _ request: CompilationRequest, copied: Bool = true,
    sourceLocation: Testing.SourceLocation = #_sourceLocation
  ) throws {
    let made = try Compiler.compile(request)
    let written = try Compiler.compile(request, pipeline: Self.plain)
    let change = made.context.history.last { $0.pass == "copy-updates" }
    #expect(change?.isChange == copied, sourceLocation: sourceLocation)
    #expect(made.graph.text == written.graph.text, sourceLocation: sourceLocation)
    #expect(made.graph == written.graph, sourceLocation: sourceLocation)
    #expect(made.slots == written.slots, sourceLocation: sourceLocation)
  }

  /// Of a rate that the program computes, written updates do some work on numbers together; their bits are compared below.
  private static let separate = optimizers.keys.filter { $0 != "scheduled" }.sorted()

  @Test(arguments: separate, [DType.f32, .f64])
  func textIsThatOfUpdatesWrittenOut(_ name: String, _ dtype: DType) throws {
    let optimizer = try #require(Self.optimizers[name])
    let model = Model(dtype)
    try expectSameText(model.request(.init(loss: model.loss.value, optimizer: optimizer)))
    try expectSameText(
      model.request(.init(loss: model.loss.value, optimizer: optimizer), freezing: "layer_3 | **/bias"))
  }

  /// What is made of a gradient first belongs to one program with the rest of its update.
  @Test func clippedAndAccumulatedGradientsAreWrittenOut() throws {
    let model = Model()
    for clipping in [Clipping.value(0.5), .norm(2), .globalNorm(1)] {
      try expectSameText(
        model.request(
          .init(goals: [.init(source: .loss(model.loss.value), optimizer: Adam(), clipping: clipping)])),
        copied: false)
    }
    try expectSameText(
      model.request(
        .init(goals: [.init(source: .loss(model.loss.value), optimizer: Adam(), window: .init(runs: 2))])),
      copied: false)
  }

  @Test func groupsAreKindsOfTheirOwn() throws {
    let model = Model()
    let groups = [
      ParameterGroup("**/scale", rate: .times(0.5)),
      ParameterGroup("layer_7", weightDecay: 0.25),
      ParameterGroup("layer_2 | layer_30", rate: .fixed(0.5)), .discriminative(0.9, over: "layer_1"),
    ]
    let optimizers: [any Optimizer] = [
      Adam(groups: groups), SGD(learningRate: 0.1, momentum: 0.5, groups: groups),
    ]
    for optimizer in optimizers {
      try expectSameText(model.request(.init(loss: model.loss.value, optimizer: optimizer)))
    }
  }

  /// Held elements, frozen rows and columns: their updates are written out, the others copied.
  @Test(arguments: ["adam", "sgd", "lamb"]) func maskedAndFrozenPartsAreWrittenOut(_ name: String) throws {
    let optimizer = try #require(Self.optimizers[name])
    let model = Model()
    let bias = try #require(model.graph.tensor(named: "layer_4/bias"))
    try expectSameText(
      model.request(
        .init(
          goals: [.init(source: .loss(model.loss.value), optimizer: optimizer)],
          holding: [(bias.value, model.mask.value)]),
        freezing: "layer_5/kernel[0..<2] | layer_6/kernel[axis 1: 0..<1] | layer_7"))
  }

  /// Kernels and numbers are copied; a bias has two gradients that are added up.
  @Test func objectivesAndAveragesAreFollowed() throws {
    let model = Model()
    let adam = Adam(learningRate: 0.01)
    let goals: [CompilationRequest.Goal] = [
      .init(
        source: .loss(model.loss.value), name: "first", selection: "**/kernel", adding: "**/bias",
        optimizer: adam),
      .init(
        source: .loss(model.second.value), name: "second", selection: "**/bias | **/scale",
        optimizer: SGD(learningRate: 0.1, momentum: 0.5)),
    ]
    for averaging in [nil, Averaging.decay(0.9), .mean(of: "**/bias"), .mean(of: "**/kernel")] {
      try expectSameText(model.request(.init(goals: goals, averaging: averaging)))
    }
    try expectSameText(model.request(.init(loss: model.loss.value, optimizer: adam)))
  }

  /// What passes are left out for both.
  @Test(arguments: [
    "-fuse", "-simplify", "-common-subexpressions", "-hoist-frozen,-fold-frozen", "-dead-code",
  ])
  func otherPassesMeanWhatTheyMean(_ passes: String) throws {
    let model = Model()
    let request = model.request(
      .init(loss: model.loss.value, optimizer: Adam(weightDecay: 0.1)))
    let made = try Compiler.compile(request, pipeline: Compiler.pipeline(changedBy: passes)).graph
    let written = try Compiler.compile(
      request, pipeline: Compiler.pipeline(changedBy: passes + ",-copy-updates")
    ).graph
    // Without merging, each update has constants of its own where it is written out.
    if passes == "-common-subexpressions" {
      #expect(made.nodes.count < written.nodes.count)
    } else {
      #expect(made.text == written.text)
    }
  }

  /// Twelve tables that are looked up, and many that are not, of one type.
  @Test(arguments: ["sgd", "lazy", "adam"]) func lookedUpRowsAreUpdatedAlone(_ name: String) throws {
    let optimizer = try #require(Self.optimizers[name])
    let graph = Graph()
    let ids = graph.placeholder("ids", shape: [5], dtype: .i32)
    var sum = graph.constant(0)
    for number in 0..<UpdateCopies.fewest + 3 {
      let table = graph.variable("table_\(number)", shape: [7, 2], initializer: .uniform(-1, 1))
      let value = number % 3 == 1 ? gather(table, indices: ids) : table
      sum = sum + square(value).sum()
    }
    let request = CompilationRequest(
      graph: graph.definition, fetches: [], training: .init(loss: sum.value, optimizer: optimizer))
    // Lazy rows have the same nodes, some under other numbers.
    if name != "lazy" { try expectSameText(request, copied: name == "adam") }
    let rows = try Compiler.compile(request).graph.nodes.count { $0.mnemonic == "assign_rows" }
    let tables = (0..<UpdateCopies.fewest + 3).count { $0 % 3 == 1 }
    #expect(rows == ["sgd": tables, "lazy": 3 * tables][name] ?? 0)
  }

  /// One update is compiled for each kind, however many variables there are.
  @Test func oneUpdateIsCompiledForEachKind() throws {
    func compiled(_ count: Int, _ pipeline: [Pass]) throws -> (templates: Int, seen: Int) {
      let model = Model(count: count)
      let request = model.request(.init(loss: model.loss.value, optimizer: Adam()))
      let made = try Compiler.compile(request, pipeline: pipeline)
      let fused = try #require(made.context.history.first { $0.pass == "fuse" })
      #expect(!made.graph.nodes.contains { $0.mnemonic == "update_input" })
      return (templates(made.graph), fused.nodesBefore)
    }
    let (few, many) = (UpdateCopies.fewest + 4, 3 * UpdateCopies.fewest)
    let (one, other) = (try compiled(few, Compiler.pipeline), try compiled(many, Compiler.pipeline))
    #expect(one.templates == other.templates && one.templates >= 3)
    let (plain, more) = (try compiled(few, Self.plain), try compiled(many, Self.plain))
    #expect(plain.templates == 0)
    // What is added for a variable is its forward and backward nodes.
    #expect(2 * (other.seen - one.seen) < more.seen - plain.seen)
  }

  @Test func fewOfAKindAreWrittenOut() throws {
    let graph = Graph()
    var sum = graph.constant(0)
    for number in 0..<UpdateCopies.fewest - 1 {
      sum = sum + square(graph.variable("w_\(number)", shape: [2])).sum()
    }
    let request = CompilationRequest(
      graph: graph.definition, fetches: [], training: .init(loss: sum.value, optimizer: Adam()))
    try expectSameText(request, copied: false)
  }

  /// An optimiser that looks at names is asked for every update.
  private struct ByName: Optimizer {
    let name = "named"
    func slots(for part: TrainedPart) -> [OptimizerSlot] { [] }
    func update(_ update: ParameterUpdate) -> UpdatedParameter {
      let rate = update.part.variable.name.hasSuffix("7/bias") ? 0.5 : 0.25
      return UpdatedParameter(value: update.value - rate * update.gradient)
    }
  }

  /// One that breaks its promise where memory shows it.
  private struct Moody: Optimizer {
    let name = "moody"
    var looksAtTypesOnly: Bool { true }
    func slots(for part: TrainedPart) -> [OptimizerSlot] {
      part.variable.name.hasSuffix("7/bias") ? [OptimizerSlot("last", type: part.type)] : []
    }
    func update(_ update: ParameterUpdate) -> UpdatedParameter {
      UpdatedParameter(value: update.value - 0.5 * update.gradient, slots: update.slots.map { $0 + 1 })
    }
  }

  @Test func whatLooksAtMoreIsWrittenOut() throws {
    let model = Model()
    try expectSameText(model.request(.init(loss: model.loss.value, optimizer: ByName())), copied: false)
    try expectSameText(model.request(.init(loss: model.loss.value, optimizer: Moody())))
  }

  private enum Case: String, CaseIterable {
    case sgd, adam, nesterov, scheduled, lamb, sums, objectives, rows
  }

  private func training(_ kind: Case, _ model: Model) throws -> CompilationRequest.Training {
    let graph = model.graph
    var sum = model.loss
    switch kind {
    case .sgd, .adam, .nesterov, .scheduled, .lamb:
      return .init(loss: sum.value, optimizer: try #require(Self.optimizers[kind.rawValue]))
    case .sums:
      // Gradients that are one and the same value, constants, or shown through a broadcast.
      for number in 0..<UpdateCopies.fewest + 1 {
        let one = graph.variable("plain_\(number)", shape: [5], initializer: .uniform(-1, 1))
        sum = sum + one.sum() + graph.variable("number_\(number)", shape: [], initializer: .constant(0.1))
      }
      return .init(loss: sum.value, optimizer: try #require(Self.optimizers["scheduled"]))
    case .objectives:
      return .init(
        goals: [
          .init(
            source: .loss(sum.value), name: "first", selection: "**/kernel", adding: "**/bias",
            optimizer: Adam(), condition: .flag(model.flag.value)),
          .init(
            source: .loss(model.second.value), name: "second", selection: "**/bias | **/scale",
            optimizer: SGD(learningRate: 0.1, momentum: 0.5), condition: .every(2)),
        ], averaging: 0.5)
    case .rows:
      let ids = graph.placeholder("ids", shape: [5], dtype: .i32)
      for number in 0..<UpdateCopies.fewest + 3 {
        let table = graph.variable("table_\(number)", shape: [7, 2], initializer: .uniform(-1, 1))
        sum = sum + square(number % 3 == 1 ? gather(table, indices: ids) : table).sum()
      }
      return .init(loss: sum.value, optimizer: Adam(lazyRows: true))
    }
  }

  @Test(arguments: Case.allCases) private func bitsAreTheSame(_ kind: Case) throws {
    func trained(_ pipeline: [Pass]) throws -> Snapshot {
      let model = Model()
      let training = try training(kind, model)
      let session = try Session(model.graph, seed: 3, threads: 2)
      session.onWarning = { _ in }
      let program = try session.compile(model.request(training), pipeline: pipeline)
      let wanted = Set(program.graph.placeholders.map(\.name))
      for step in 0..<3 {
        let values = (0..<12).map { Float(($0 * 7 + step * 5) % 11) / 11 - 0.4 }
        let all: [(name: String, array: NDArray)] = [
          ("x", try NDArray(values).reshaped(to: [4, 3])),
          ("flag", NDArray(scalar: step == 1 ? 0 : 1).converted(to: .bool)),
          ("ids", NDArray([Int32(step), 4, 4, 2, 6])),
        ]
        try session.run(program, feeding: Feeds(all.filter { wanted.contains($0.name) }))
      }
      return try session.snapshot()
    }
    #expect(try trained(Compiler.pipeline) == trained(Self.plain))
  }
}
