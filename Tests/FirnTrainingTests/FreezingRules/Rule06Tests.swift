import FirnCompiler
import FirnGraph
import FirnNotation
import FirnNN
import FirnOps
import FirnRuntime
import FirnTraining
import Testing

/// What is frozen is decided when compiling.
extension FreezingRuleTests {
  private static let momentum = SGD(learningRate: 0.1, momentum: 0.5)

  @Test func rule06DeclarationIsInheritedAndReportsSayWhoDecided() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 3])
    let lower = graph.scope("base", trainable: false) {
      let first = Dense(4, name: "first")(x)
      // What is frozen around it cannot be thawed from inside.
      return graph.scope("inner", trainable: true) { Dense(4, name: "second")(first) }
    }
    let middle = Dense(4, name: "middle")(lower)
    let loss = Dense(2, trainable: false, name: "top")(middle).mean()
    let session = try quietSession(graph)

    func decisions(freezing: Selection? = nil, thawing: Selection? = nil) throws -> [String: (
      TrainingStatus, String
    )] {
      let program = try session.compile(
        minimizing: loss, with: SGD(learningRate: 0.1), freezing: freezing, thawing: thawing)
      #expect(program.status.variables.map(\.name) == graph.variables.map(\.name))
      return Dictionary(
        uniqueKeysWithValues: program.status.variables.map { ($0.name, ($0.status, $0.reason)) })
    }
    let plain = try decisions()
    for name in ["base/first/kernel", "base/first/bias", "base/inner/second/kernel", "top/kernel"] {
      #expect(plain[name]?.0 == .frozen, "\(name)")
      #expect(plain[name]?.1.contains("`trainable: false`") == true, "\(name): \(plain[name]?.1 ?? "")")
    }
    #expect(plain["middle/kernel"]?.0 == .trained)

    let added = try decisions(freezing: "role(kernel)")
    #expect(added["middle/kernel"]?.0 == .frozen)
    #expect(added["middle/kernel"]?.1.contains("`freezing: role(kernel)`") == true)
    #expect(added["base/first/bias"]?.1.contains("`trainable: false`") == true)
    #expect(added["middle/bias"]?.0 == .trained)

    let thawed = try decisions(freezing: "middle", thawing: "base/inner | middle/bias")
    #expect(thawed["base/inner/second/kernel"]?.0 == .trained)
    #expect(thawed["base/inner/second/kernel"]?.1.contains("`thawing: base/inner | middle/bias`") == true)
    #expect(thawed["middle/bias"]?.0 == .trained, "thawing wins over freezing")
    #expect(thawed["middle/kernel"]?.0 == .frozen)
    #expect(thawed["base/first/kernel"]?.0 == .frozen)
  }

  @Test func rule06CompilingLeavesTheGraphAsItWas() throws {
    let model = try NestedModel()
    let before = model.graph.definition
    let text = before.text
    let session = try quietSession(model.graph)
    for selection in [nil, "encoder", "head | tied"] as [Selection?] {
      let program = try session.compile(minimizing: model.loss, with: Adam(), freezing: selection)
      try session.run(program, feeding: model.feeds)
    }
    #expect(model.graph.definition == before)
    #expect(model.graph.definition.text == text)
    #expect(Set(model.graph.variables.map(\.isTrainable)) == [true])
  }

  /// Two programs, one for each half of the model, run in turn; each moves its half only, and sees the other's.
  @Test func rule06ProgramsShareVariables() throws {
    let model = try Chain()
    let session = try quietSession(model.graph)
    let a = try session.compile(
      minimizing: model.loss, with: SGD(learningRate: 0.1, momentum: 0.5, name: "a"), freezing: "upper")
    let b = try session.compile(
      minimizing: model.loss, with: SGD(learningRate: 0.1, momentum: 0.5, name: "b"),
      freezing: "lower | middle")
    for round in 0..<6 {
      let before = try session.everything()
      let results = try session.run(round % 2 == 0 ? a : b, feeding: model.feeds)
      let trained = Set((round % 2 == 0 ? a : b).trained.map(\.name))
      #expect(!trained.isEmpty)
      for variable in model.graph.variables {
        let isSame = try session.value(of: variable.name) == before[variable.name]
        #expect(isSame == !trained.contains(variable.name), "\(variable.name) in round \(round)")
      }
      let restored = try quietSession(model.graph)
      try restored.restore(
        Snapshot(
          values: model.graph.variables.map { .init(name: $0.name, array: before[$0.name] ?? NDArray([0.0])) }
        ))
      let fresh = try restored.run(restored.compile(fetching: [model.loss]), feeding: model.feeds)
      #expect(try results.scalar(model.loss) == fresh.scalar(model.loss))
    }
  }

  /// Kept, fresh and dropped slots, each by its values: velocity is the gradient itself only after a first step.
  @Test func rule06SlotsAreKeptFreshOrDropped() throws {
    let model = try Chain()
    let session = try quietSession(model.graph)
    let gradients = model.graph.gradients(
      of: [model.loss],
      withRespectTo: try ["lower/kernel", "upper/kernel"].map { try #require(model.graph.tensor(named: $0)) })
    func compile(_ freezing: Selection?) throws -> Program {
      try session.compile(
        minimizing: model.loss, with: Self.momentum, freezing: freezing,
        fetching: freezing == nil ? gradients : [])
    }
    func origins(_ program: Program) -> [String: SlotReport.Origin] {
      Dictionary(uniqueKeysWithValues: program.slotReport.map { ($0.variable, $0.origin) })
    }
    let names = model.graph.variables.map(\.name)

    let first = try compile("lower")
    #expect(Set(first.slotReport.map(\.origin)) == [.fresh])
    let upper = names.filter { !$0.hasPrefix("lower/") }
    #expect(first.slotReport.map(\.variable) == upper, "creation order")
    for _ in 0..<3 { try session.run(first, feeding: model.feeds) }
    let velocity = try session.value(of: "upper/kernel/sgd/velocity")
    #expect(try velocity != NDArray(zeros: velocity.shape))

    // Thawed: what stays trained keeps its velocity, what is new starts from zero.
    let second = try compile(nil)
    #expect(second.slotReport.map(\.variable) == names, "creation order")
    for report in second.slotReport {
      #expect(report.origin == (report.variable.hasPrefix("lower/") ? .fresh : .kept), "\(report.variable)")
    }
    #expect(try session.value(of: "upper/kernel/sgd/velocity") == velocity)
    #expect(try session.value(of: "lower/kernel/sgd/velocity") == NDArray(zeros: [3, 4]))
    let results = try session.run(second, feeding: model.feeds)
    #expect(try session.value(of: "lower/kernel/sgd/velocity") == results[gradients[0]])
    let expected = try zip(velocity.floats, results[gradients[1]].floats).map { 0.5 * $0 + $1 }
    for (a, b) in zip(try session.value(of: "upper/kernel/sgd/velocity").floats, expected) {
      #expect(abs(a - b) <= 1e-6 * max(1, abs(b)))
    }

    // Frozen again: dropped, and fresh when thawed once more, even though it had been trained in between.
    let third = try compile("lower")
    #expect(origins(third)["lower/kernel"] == .dropped)
    #expect(origins(third)["upper/kernel"] == .kept)
    try session.run(third, feeding: model.feeds)
    let fourth = try compile(nil)
    #expect(origins(fourth)["lower/kernel"] == .fresh)
    #expect(try session.value(of: "lower/kernel/sgd/velocity") == NDArray(zeros: [3, 4]))
  }

  /// Memory that was never there is not kept, and none is reported where the optimiser has none.
  @Test func rule06SlotReportSpeaksOfRealSlots() throws {
    let model = try Chain()
    let session = try quietSession(model.graph)
    let plain = try session.compile(minimizing: model.loss, with: SGD(learningRate: 0.1))
    #expect(plain.slotReport.isEmpty)
    let first = try session.compile(minimizing: model.loss, with: Self.momentum)
    #expect(Set(first.slotReport.map(\.origin)) == [.fresh])
    #expect(first.slotReport.count == model.graph.variables.count)
    let again = try session.compile(minimizing: model.loss, with: Self.momentum)
    #expect(Set(again.slotReport.map(\.origin)) == [.kept])
  }

  /// Variables thawed late get Adam's bias correction from their own first step.
  @Test func rule06ThawedVariableStartsItsOwnCount() throws {
    let model = try Chain()
    let session = try quietSession(model.graph)
    let head = try session.compile(minimizing: model.loss, with: Adam(), freezing: "lower | middle")
    for _ in 0..<5 { try session.run(head, feeding: model.feeds) }
    let whole = try session.compile(minimizing: model.loss, with: Adam())
    try session.run(whole, feeding: model.feeds)
    #expect(try session.value(of: "upper/kernel/adam/step").scalar == 6)
    #expect(try session.value(of: "lower/kernel/adam/step").scalar == 1)
  }
}
