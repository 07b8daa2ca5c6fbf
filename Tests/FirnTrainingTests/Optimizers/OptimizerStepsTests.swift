import FirnCompiler
import FirnGraph
import FirnNotation
import FirnOps
import FirnRuntime
import FirnTraining
import Foundation
import Testing

/// A hundred steps of every optimiser against PyTorch's, or its paper's, with groups, decay and a part frozen.
///
/// `Fixtures/make_optimizer_steps.py` made the numbers.
@Suite struct OptimizerStepsTests {
  private struct Fixture: Decodable {
    struct Case: Decodable {
      let rate: Double
      let decay: Double
      let b1: [Double]
      let w2: [Double]
      let losses: [Double]
    }

    let x, y, w1, b1, w2: [Double]
    let steps: Int
    let cases: [String: Case]
  }

  private let fixture: Fixture

  init() throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let data = try Data(contentsOf: folder.appending(path: "Fixtures/optimizer_steps.json"))
    fixture = try JSONDecoder().decode(Fixture.self, from: data)
  }

  private static let groups: [ParameterGroup] = [
    .init("layer", rate: .times(0.01)), .init("role(bias)", weightDecay: 0),
  ]

  private static let names = [
    "sgd", "momentum", "nesterov", "dampened", "adam", "adamw", "amsgrad", "nadam", "nadamw", "rmsprop",
    "centred",
    "adagrad", "adadelta", "lion", "lamb",
  ]

  private func optimizer(_ name: String, _ row: Fixture.Case) throws -> any Optimizer {
    let (rate, decay, groups) = (row.rate, row.decay, Self.groups)
    return switch name {
    case "sgd": SGD(learningRate: rate, weightDecay: decay, groups: groups)
    case "momentum": SGD(learningRate: rate, momentum: 0.9, weightDecay: decay, groups: groups)
    case "nesterov":
      SGD(learningRate: rate, momentum: 0.9, weightDecay: decay, usesNesterov: true, groups: groups)
    case "dampened":
      SGD(learningRate: rate, momentum: 0.9, weightDecay: decay, dampening: 0.3, groups: groups)
    case "adam": Adam(learningRate: rate, weightDecay: decay, couplesDecay: true, groups: groups)
    case "adamw": Adam(learningRate: rate, weightDecay: decay, groups: groups)
    case "amsgrad":
      Adam(learningRate: rate, weightDecay: decay, couplesDecay: true, keepsMaximum: true, groups: groups)
    case "nadam": NAdam(learningRate: rate, weightDecay: decay, groups: groups)
    case "nadamw":
      NAdam(learningRate: .constant(rate), weightDecay: decay, decouplesDecay: true, groups: groups)
    case "rmsprop": RMSprop(learningRate: rate, weightDecay: decay, groups: groups)
    case "centred":
      RMSprop(learningRate: rate, momentum: 0.5, weightDecay: decay, isCentred: true, groups: groups)
    case "adagrad":
      Adagrad(
        learningRate: .constant(rate), rateDecay: 0.01, initialSum: 0.1, weightDecay: decay, groups: groups)
    case "adadelta": Adadelta(learningRate: rate, weightDecay: decay, groups: groups)
    case "lion": Lion(learningRate: rate, weightDecay: decay, groups: groups)
    case "lamb": LAMB(learningRate: rate, weightDecay: decay, groups: groups)
    default: throw CancellationError()
    }
  }

  /// The model of the fixture in `f64`, its session and its variables.
  private struct Model {
    let graph = Graph()
    let session: Session
    let (w1, b1, w2, loss): (Tensor, Tensor, Tensor, Tensor)

    init(_ fixture: Fixture) throws {
      let graph = self.graph
      func variable(_ name: String, _ values: [Double], _ shape: [Int], role: String = "kernel") throws
        -> Tensor
      {
        graph.variable(
          name, shape: Shape(shape.map { Dim($0) }), dtype: .f64, role: role,
          initializer: .array(try NDArray(values, shape: shape)))
      }
      (w1, b1) = try graph.scope("layer") {
        (try variable("w1", fixture.w1, [3, 4]), try variable("b1", fixture.b1, [4], role: "bias"))
      }
      w2 = try variable("w2", fixture.w2, [4, 2])
      let x = graph.constant(try NDArray(fixture.x, shape: [7, 3]))
      let y = graph.constant(try NDArray(fixture.y, shape: [7, 2]))
      loss = square(matmul(tanh(matmul(x, w1) + b1), w2) - y).mean()
      session = try quietSession(graph)
    }
  }

  /// Off by how much, in parts of the greatest wanted.
  private func error(_ found: [Double], _ wanted: [Double]) -> Double {
    let scale = wanted.map(\.magnitude).max() ?? 1
    return (zip(found, wanted).map { ($0 - $1).magnitude }.max() ?? .infinity) / scale
  }

  @Test(arguments: names) func hundredStepsAreTheirs(_ name: String) throws {
    let row = try #require(fixture.cases[name])
    let model = try Model(fixture)
    let session = model.session
    let program = try session.compile(
      minimizing: model.loss, with: try optimizer(name, row), freezing: "layer/w1")
    let frozen = try session.value(of: model.w1)
    var losses: [Double] = []
    for _ in 0..<fixture.steps { losses.append(try session.run(program).scalar(model.loss)) }
    #expect(error(try session.value(of: model.b1).doubles, row.b1) < 1e-6)
    #expect(error(try session.value(of: model.w2).doubles, row.w2) < 1e-6)
    #expect(error([losses[0], losses[losses.count - 1]], row.losses) < 1e-6)
    #expect(try session.value(of: model.w1) == frozen)
    #expect(!session.variables.contains { $0.kind == .slot && $0.name.hasPrefix("layer/w1/") })
    #expect(losses[losses.count - 1] < losses[0])
  }

  @Test func everyCaseIsRun() { #expect(Set(Self.names) == Set(fixture.cases.keys)) }

  /// Held elements stay to the bit, through momentum and decay; the others move as if these were constants.
  @Test(arguments: names) func heldElementsStay(_ name: String) throws {
    let row = try #require(fixture.cases[name])
    let model = try Model(fixture)
    let session = model.session
    let mask = model.graph.constant(try NDArray((0..<8).map { $0 % 3 == 0 }, shape: [4, 2]))
    let optimizer = try optimizer(name, row)
    // Momentum comes from steps in which nothing was held.
    let free = try session.compile(minimizing: model.loss, with: optimizer)
    for _ in 0..<3 { try session.run(free) }
    let before = try session.value(of: model.w2).doubles
    let program = try session.compile(
      minimizing: model.loss, with: optimizer, holding: [model.w2: mask])
    #expect(Set(program.slotReport.map(\.origin)).isSubset(of: [.kept]))
    for _ in 0..<5 { try session.run(program) }
    for (index, pair) in zip(before, try session.value(of: model.w2).doubles).enumerated() {
      #expect((pair.0 == pair.1) == (index % 3 == 0), "\(name), element \(index)")
    }
  }

  /// Where the gradient is the same for long, the variance is 0, which rounding may not take below.
  @Test func varianceIsNeverNegative() throws {
    let graph = Graph()
    let slopes = graph.constant(NDArray((1...64).map { Float($0) * 0.1 }))
    let w = graph.variable("w", shape: [64], initializer: .zeros)
    let session = try quietSession(graph)
    let program = try session.compile(
      minimizing: (w * slopes).sum(), with: RMSprop(learningRate: 0.01, isCentred: true))
    for _ in 0..<5000 { try session.run(program) }
    #expect(try session.value(of: w).doubles.allSatisfy { $0.isFinite && $0 < 0 })
  }

  /// At gradients of zero an update is that of zero, however they are clipped.
  @Test(arguments: [Clipping.value(1), .norm(1), .globalNorm(1)])
  func zeroGradientsAreClippedToZero(_ clipping: Clipping) throws {
    for name in Self.names {
      let row = try #require(fixture.cases[name])
      let graph = Graph()
      let values = [1, -2, 0.5]
      let w = graph.variable(
        "w", shape: [3], dtype: .f64, initializer: .array(try NDArray(values, shape: [3])))
      let session = try quietSession(graph)
      let plain = Fixture.Case(rate: row.rate, decay: 0, b1: [], w2: [], losses: [])
      let optimizer = try optimizer(name, plain)
      let program = try session.compile(updates: [
        .minimize((w * 0).sum(), with: Ungrouped(base: optimizer), clipping: clipping)
      ])
      try session.run(program)
      #expect(try session.value(of: w).doubles == values, "\(name)")
    }
  }

  /// The bounds are PyTorch's and Keras's.
  @Test func boundsAreOfWhatTheySay() throws {
    let cases: [(Clipping, [Double], [Double])] = [
      (.value(2), [-2, -2], [1]), (.norm(2.5), [-1.5, -2], [1]),
      (.globalNorm(2.5), [-1.47087101, -1.96116135], [0.49029034]),
    ]
    for (clipping, first, second) in cases {
      let graph = Graph()
      let a = graph.variable("a", shape: [2], dtype: .f64, initializer: .zeros)
      let b = graph.variable("b", shape: [1], dtype: .f64, initializer: .zeros)
      let session = try quietSession(graph)
      let loss =
        3 * a.sliced(axis: 0, from: 0, to: 1).sum() + 4 * a.sliced(axis: 0, from: 1, to: 2).sum() - b.sum()
      let program = try session.compile(updates: [
        .minimize(loss, with: SGD(learningRate: 1), clipping: clipping)
      ])
      try session.run(program)
      #expect(error(try session.value(of: a).doubles, first) < 1e-7, "\(clipping)")
      #expect(error(try session.value(of: b).doubles, second) < 1e-7, "\(clipping)")
    }
  }

  // MARK: Groups

  /// Another optimiser without its groups.
  private struct Ungrouped: Optimizer {
    var base: any Optimizer
    var name: String { base.name }
    func slots(for part: TrainedPart) -> [OptimizerSlot] { base.slots(for: part) }
    func update(_ update: ParameterUpdate) -> UpdatedParameter { base.update(update) }
  }

  private static let layers = ["low", "middle", "high"]

  /// Three layers of one weight each in `net`, and a head.
  private func layered() -> (graph: Graph, loss: Tensor) {
    let graph = Graph()
    let weights = graph.scope("net") {
      Self.layers.map { layer in
        graph.scope(layer) { graph.variable("w", shape: [], dtype: .f64, initializer: .ones) }
      }
    }
    let head = graph.variable("head", shape: [], dtype: .f64, initializer: .ones)
    return (graph, (weights + [head]).dropFirst().reduce(weights[0]) { $0 + $1 })
  }

  /// How far each variable moved in one step.
  private func moves(_ groups: [ParameterGroup], freezing: Selection? = nil) throws -> [Double] {
    let (graph, loss) = layered()
    let session = try quietSession(graph)
    let program = try session.compile(
      minimizing: loss, with: SGD(learningRate: 1, groups: groups), freezing: freezing)
    try session.run(program)
    var result: [Double] = []
    for name in Self.layers.map({ "net/\($0)/w" }) + ["head"] {
      result.append(1 - (try session.value(of: name).scalar ?? .nan))
    }
    return result
  }

  /// Rates go by the order of scopes, and freezing one moves no other.
  @Test func layersHaveRatesByTheirOrder() throws {
    let groups = [ParameterGroup.discriminative(0.5, over: "net")]
    #expect(try moves(groups) == [0.25, 0.5, 1, 1])
    #expect(try moves(groups, freezing: "net/middle") == [0.25, 0, 1, 1])
    #expect(try moves(groups, freezing: "net/high | head") == [0.25, 0.5, 0, 0])
    #expect(try moves(groups + [.init("net/low", rate: .fixed(2))]) == [2, 0.5, 1, 1])
    #expect(try moves([.init("**", rate: .times(3)), .init("head", rate: .times(0.5))]) == [3, 3, 3, 0.5])
  }

  /// A group may name what is frozen: it is left out, and has no memory.
  @Test func trap06FrozenMembersOfGroupsAreLeftOut() throws {
    let (graph, loss) = layered()
    let session = try quietSession(graph)
    let program = try session.compile(
      minimizing: loss, with: Adam(groups: [.init("net", rate: .times(2), weightDecay: 0.5)]),
      freezing: "net/low | net/middle")
    let before = try session.snapshot()
    try session.run(program)
    #expect(program.slotReport.map(\.variable) == ["net/high/w", "head"])
    #expect(try session.snapshot().changed(since: before) == ["net/high/w", "head"])
  }

  @Test func faultyGroupsAreRefused() throws {
    let table: [(ParameterGroup, FirnError.Code, String)] = [
      (.init("nowhere", rate: .times(2)), .invalidSelection, "nowhere"),
      (.init("head", rate: .times(-1)), .invalidArgument, "rate -1.0"),
      (.init("head", weightDecay: .nan), .invalidArgument, "weight decay nan"),
      (.discriminative(0, over: "net"), .invalidArgument, "rate 0.0"),
      (.discriminative(0.5, over: "nowhere"), .invalidSelection, "`nowhere`"),
    ]
    for (group, code, words) in table {
      let refused = try FirnTrainingTests.error { _ = try moves([group]) }
      #expect(refused.code == code && refused.description.contains(words), "\(refused)")
    }
    let graph = Graph()
    let w = graph.variable("w", shape: [4], initializer: .ones)
    let session = try quietSession(graph)
    let refused = try FirnTrainingTests.error {
      _ = try session.compile(
        minimizing: square(w).sum(), with: SGD(learningRate: 1, groups: [.init("w[0..<2]", rate: .times(2))]))
    }
    #expect(refused.code == .invalidSelection && refused.message.contains("names a part of `w`"))
    let program = try session.compile(
      minimizing: square(w).sum(),
      with: SGD(learningRate: 0.25, groups: [.init("w[0..<2]", rate: .times(2))]),
      freezing: "w[2..<4]")
    try session.run(program)
    #expect(try session.value(of: w).doubles == [0, 0, 1, 1])
  }

  /// A rate of 0 costs what training costs: lint says so.
  @Test func ratesOfZeroAreFound() throws {
    let (graph, loss) = layered()
    let session = try quietSession(graph)
    let still = SGD(
      learningRate: 1, groups: [.init("net/low", rate: .times(0)), .init("head", rate: .fixed(0))])
    let program = try session.compile(minimizing: loss, with: still)
    let found = try program.lint().filter { $0.code == .rateOfZero }
    #expect(found.map(\.subjects) == [["net/low/w", "head"]])
    let frozen = try session.compile(minimizing: loss, with: still, freezing: "net/low | head")
    #expect(try frozen.lint().allSatisfy { $0.code != .rateOfZero })
    // A rate of 0 of the optimiser itself is everybody's, but for whom a group gives another.
    let optimizers: [any Optimizer] = [
      SGD(learningRate: 0), Adam(learningRate: 0), RMSprop(learningRate: 0), LAMB(learningRate: .constant(0)),
      Lion(learningRate: .constant(0)), NAdam(learningRate: .constant(0)),
      Adagrad(learningRate: .constant(0)),
      Adadelta(learningRate: .constant(0)),
    ]
    for optimizer in optimizers {
      let program = try session.compile(minimizing: loss, with: optimizer)
      #expect(
        try program.lint().filter { $0.code == .rateOfZero }.map(\.subjects) == [program.trained.map(\.name)])
    }
    let other = try session.compile(
      minimizing: loss,
      with: SGD(learningRate: 0, groups: [.init("head", rate: .fixed(1)), .init("net", rate: .times(3))]))
    #expect(
      try other.lint().filter { $0.code == .rateOfZero }.map(\.subjects)
        == [program.trained.map(\.name).filter { $0 != "head" }])
    let changing = try session.compile(
      minimizing: loss, with: SGD(learningRate: .cosine(initial: 0, over: 3)))
    #expect(try changing.lint().allSatisfy { $0.code != .rateOfZero })
  }

  // MARK: Optimisers of one's own

  /// Kernels by one optimiser, the rest by another.
  private struct ByRole: Optimizer {
    let name = "by_role"
    let kernels = Adam(learningRate: 0.1)
    let others = SGD(learningRate: 0.25, momentum: 0.5)

    private func chosen(_ part: TrainedPart) -> any Optimizer {
      part.variable.role == "kernel" ? kernels : others
    }

    func slots(for part: TrainedPart) -> [OptimizerSlot] { chosen(part).slots(for: part) }
    func update(_ update: ParameterUpdate) -> UpdatedParameter { chosen(update.part).update(update) }
  }

  /// It is what the two make in one program, to the bit.
  @Test func optimisersHandUpdatesOn() throws {
    let (one, two) = (try Model(fixture), try Model(fixture))
    let single = try one.session.compile(minimizing: one.loss, with: ByRole())
    let both = try two.session.compile(updates: [
      .minimize(two.loss, training: "role(kernel)", with: ByRole().kernels),
      .minimize(two.loss, training: "role(bias)", with: ByRole().others),
    ])
    for _ in 0..<5 {
      try one.session.run(single)
      try two.session.run(both)
    }
    for name in ["layer/w1", "layer/b1", "w2"] {
      #expect(try one.session.value(of: name) == two.session.value(of: name))
    }
  }

  /// An average that begins as the weights are when the first step is made.
  private struct Averaging: Optimizer {
    let name = "averaging"
    func slots(for part: TrainedPart) -> [OptimizerSlot] {
      [OptimizerSlot("average", startingAtValueOf: part)]
    }
    func update(_ update: ParameterUpdate) -> UpdatedParameter {
      let value = update.value - 0.5 * update.gradient
      return UpdatedParameter(value: value, slots: [0.5 * update.slots[0] + 0.5 * value])
    }
  }

  @Test(arguments: [nil, "w[2..<4]"]) func slotsStartAtTheValue(_ freezing: String?) throws {
    let graph = Graph()
    let w = graph.variable("w", shape: [4], initializer: .zeros)
    let session = try quietSession(graph)
    let program = try session.compile(
      minimizing: w.sum(), with: Averaging(), freezing: try freezing.map { try Selection($0) })
    // Loaded after compiling, before the first run.
    try session.setValue(NDArray([1, 2, 3, 4] as [Float]), of: w)
    try session.run(program)
    let slot = freezing == nil ? "w/averaging/average" : "w/averaging/rows_0_2/average"
    let wanted = freezing == nil ? [0.75, 1.75, 2.75, 3.75] : [0.75, 1.75]
    #expect(try session.value(of: slot).doubles == wanted)
    #expect(try session.value(of: w).doubles == (freezing == nil ? [0.5, 1.5, 2.5, 3.5] : [0.5, 1.5, 3, 4]))
  }
}
