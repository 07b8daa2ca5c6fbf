import FirnCompiler
import FirnGraph
import FirnNotation
import FirnOps
import FirnRuntime
import FirnTraining
import Testing

/// Objectives where one meets another: parts of variables, names, masks, and what programs leave to those after them.
@Suite struct ObjectiveEdgeTests {
  private struct Pair {
    let graph = Graph()
    let (gradient, a, b, first, second): (Tensor, Tensor, Tensor, Tensor, Tensor)

    init() {
      let gradient = graph.placeholder("gradient", shape: [4], dtype: .f64)
      let a = graph.variable("a", shape: [4], dtype: .f64, initializer: .constant(10))
      let b = graph.variable("b", shape: [4], dtype: .f64, initializer: .constant(10))
      (self.gradient, self.a, self.b) = (gradient, a, b)
      first = graph.scope("first") { (a * gradient).sum() + (b * gradient).sum() }
      second = graph.scope("second") { (a * gradient * 10).sum() + (b * gradient * 10).sum() }
    }

    func feeds(_ scale: Double = 1) -> Feeds { ["gradient": NDArray([1, 2, 3, 4].map { $0 * scale })] }
  }

  private let sgd = SGD(learningRate: 1)

  // MARK: Parts

  @Test func partsAreAddedTo() throws {
    // What the first trains, what the second adds to, what `a` is after a step.
    let table: [(String, String, [Double])] = [
      ("a[0..<2]", "a[0..<2]", [-1, -12, 10, 10]), ("a[0..<1] | a[2..<4]", "a[2..<4]", [9, 10, -23, -34]),
      ("a[0..<1] | a[2..<4]", "a[0..<1]", [-1, 10, 7, 6]), ("a", "a", [-1, -12, -23, -34]),
    ]
    for (training, adding, wanted) in table {
      let model = Pair()
      let session = try quietSession(model.graph)
      let program = try session.compile(updates: [
        .minimize(model.first, training: try Selection(training), with: sgd),
        .minimize(model.second, training: "b", adding: try Selection(adding), with: sgd),
      ])
      try session.run(program, feeding: model.feeds())
      #expect(try session.value(of: "a").doubles == wanted, "\(training) and \(adding)")
      #expect(try session.value(of: "b").doubles == [0, -10, -20, -30])
    }
  }

  @Test func partsThatAreNotTrainedAsOneAreRefused() throws {
    let table: [(first: String, second: String, adding: String, words: String)] = [
      ("a", "b", "a[0..<1]", "adds to a part of `a`, which `x` trains as one"),
      ("a[0..<3]", "b", "a[0..<1]", "adds to a part of `a[0..<3]`, which `x` trains as one"),
      ("a[0..<2]", "a[2..<4]", "a", "trained in parts: `a[0..<2]` by `x`, `a[2..<4]` by `y`"),
      ("b", "a[2..<4]", "a[0..<1]", "adds to `a[0..<1]`, which no other objective trains"),
    ]
    for row in table {
      let model = Pair()
      let c = model.graph.variable("c", shape: [], dtype: .f64, initializer: .ones)
      let third = model.second * c
      let session = try quietSession(model.graph)
      let refused = try error {
        _ = try session.compile(updates: [
          .minimize(model.first, training: try Selection(row.first), with: sgd, named: "x"),
          .minimize(model.second, training: try Selection(row.second), with: sgd, named: "y"),
          .minimize(third, training: "c", adding: try Selection(row.adding), with: sgd, named: "z"),
        ])
      }
      #expect(refused.code == .invalidSelection && refused.message.contains(row.words), "\(refused)")
    }
  }

  @Test func gradientsOfSeveralResultsNameNodes() throws {
    let model = Pair()
    let slopes = model.graph.gradients(of: [model.first], withRespectTo: [model.a, model.b])
    #expect(slopes[1].name.contains(":"))
    let session = try quietSession(model.graph)
    let adam = Adam(learningRate: .steps(initial: 1, factor: 1, every: 1))
    let program = try session.compile(updates: [
      .update(model.a, by: slopes[1], with: adam), .update(model.b, by: slopes[0], with: sgd),
    ])
    #expect(program.objectives == ["gradients_1", "gradients"])
    #expect(session.variables.contains { $0.name == "adam/gradients_1/step" })
    let text = program.graph.text
    #expect(try GraphDef(parsing: text, catalogue: .standard).text == text)
    try session.run(program, feeding: model.feeds())
  }

  @Test func twoMasksOfOneVariableAreRefused() throws {
    let model = Pair()
    let mask = model.graph.placeholder("mask", shape: [4], dtype: .bool)
    let session = try quietSession(model.graph)
    let refused = try error {
      _ = try session.compile(minimizing: model.first, with: sgd, holding: [model.a: mask, "a": mask])
    }
    #expect(refused.code == .invalidArgument && refused.message == "two masks hold elements of `a`")
  }

  // MARK: Memory

  private struct Counting: Optimizer {
    var name: String { "counting" }
    var slot: @Sendable (TrainedPart) -> OptimizerSlot

    func slots(for part: TrainedPart) -> [OptimizerSlot] { [slot(part)] }
    func update(_ update: ParameterUpdate) -> UpdatedParameter {
      UpdatedParameter(value: update.value - update.slots[0], slots: [update.slots[0]])
    }
  }

  @Test func slotsBeginAsDeclaredLast() throws {
    let starting = Counting { OptimizerSlot("m", startingAtValueOf: $0) }
    let fixed = Counting { OptimizerSlot("m", type: $0.type, initializer: .constant(3)) }
    for (first, last, wanted) in [(starting, fixed, 7.0), (fixed, starting, 0.0)] {
      // Never run, and then run, frozen and thawed: the memory begins as the last program says.
      for isRun in [false, true] {
        let model = Pair()
        let session = try quietSession(model.graph)
        let program = try session.compile(minimizing: model.first, with: first, freezing: "b")
        if isRun {
          try session.run(program, feeding: model.feeds())
          try session.setValue(NDArray([10.0, 10, 10, 10]), of: "a")
          _ = try session.compile(minimizing: model.first, with: first, freezing: "a")
        }
        let next = try session.compile(minimizing: model.first, with: last, freezing: "b")
        try session.run(next, feeding: model.feeds())
        #expect(try session.value(of: "a").doubles == Array(repeating: wanted, count: 4))
      }
    }
  }

  @Test func windowsGoOnInTheProgramCompiledNext() throws {
    let model = Pair()
    let session = try quietSession(model.graph)
    func program(_ freezing: Selection?, runs: Int = 4, named name: String? = nil) throws -> Program {
      try session.compile(
        updates: [
          .minimize(
            model.first, with: sgd, accumulating: Accumulation(runs), named: name)
        ], freezing: freezing)
    }
    func values() throws -> [Double] {
      [try session.value(of: "a").doubles[0], try session.value(of: "b").doubles[0]]
    }
    let first = try program("b")
    for scale in [1.0, 2] { try session.run(first, feeding: model.feeds(scale)) }
    // Midway `b` is thawed: the two runs before count for it as gradients of zero.
    let second = try program(nil)
    for scale in [3.0, 6] {
      #expect(try values() == [10, 10])
      try session.run(second, feeding: model.feeds(scale))
    }
    #expect(try values() == [10 - 12.0 / 4, 10 - 9.0 / 4])
    // Another length counts from where the window began.
    let (a, b) = (try values()[0], try values()[1])
    try session.run(second, feeding: model.feeds(1))
    let third = try program(nil, runs: 2)
    try session.run(third, feeding: model.feeds(3))
    #expect(try values() == [a - 2, b - 2])
    #expect(try session.value(of: "sgd/accumulated_runs").scalar == 0)
  }

  /// An objective that skips a run adds nothing to another's gradients in it.
  @Test func whatSkipsARunAddsNothing() throws {
    let model = Pair()
    let session = try quietSession(model.graph)
    let step = try session.compile(updates: [
      .minimize(model.first, training: "a", with: sgd),
      .minimize(model.second, training: "b", adding: "a", with: sgd, when: .every(2)),
    ])
    for (a, b) in [(1.0, 0.0), (12, 10), (13, 10), (24, 20)] {
      try session.run(step, feeding: model.feeds())
      #expect(try session.value(of: "a").doubles == [1, 2, 3, 4].map { 10 - a * $0 })
      #expect(try session.value(of: "b").doubles == [1, 2, 3, 4].map { 10 - b * $0 })
    }
  }

  @Test func whatIsHeldHasNoPartInTheNorm() throws {
    let model = Pair()
    let mask = model.graph.constant(NDArray([true, true, false, false]))
    let session = try quietSession(model.graph)
    let step = try session.compile(
      updates: [.minimize(model.first, with: sgd, clipping: .globalNorm(1))], holding: [model.a: mask])
    try session.run(step, feeding: model.feeds())
    // 3, 4 of one and 1, 2, 3, 4 of the other.
    let norm = 55.0.squareRoot()
    for (name, moved) in [("a", [0.0, 0, 3, 4]), ("b", [1, 2, 3, 4])] {
      for (found, gradient) in zip(try session.value(of: name).doubles, moved) {
        #expect(abs(found - (10 - gradient / norm)) < 1e-12, "\(name)")
      }
    }
  }

  /// What is held from the middle of a window on has no part in the norm of its mean.
  @Test func heldFromTheMiddleOfAWindow() throws {
    let model = Pair()
    let mask = model.graph.constant(NDArray([true, true, true, true]))
    let session = try quietSession(model.graph)
    func run(holding isHeld: Bool) throws {
      let step = try session.compile(
        updates: [.minimize(model.first, with: sgd, clipping: .globalNorm(1), accumulating: 2)],
        holding: isHeld ? [model.a: mask] : [:])
      try session.run(step, feeding: model.feeds())
    }
    try run(holding: false)
    try run(holding: true)
    #expect(try session.value(of: "a").doubles == [10, 10, 10, 10])
    for (found, gradient) in zip(try session.value(of: "b").doubles, [1.0, 2, 3, 4]) {
      #expect(abs(found - (10 - gradient / 30.0.squareRoot())) < 1e-12)
    }
  }

  /// A program that accumulates goes on with the moments of one that did not, and the other way round.
  @Test(arguments: [false, true]) func momentsOutliveAChangeOfWindows(_ isResumed: Bool) throws {
    let model = Pair()
    func program(_ session: Session, accumulating runs: Accumulation?) throws -> Program {
      try session.compile(updates: [
        .minimize(model.first, with: Adam(learningRate: 0.1), accumulating: runs, named: "o")
      ])
    }
    let (plain, windowed) = (try quietSession(model.graph), try quietSession(model.graph))
    for session in [plain, windowed] {
      let step = try program(session, accumulating: nil)
      for scale in [1.0, -4, 2] { try session.run(step, feeding: model.feeds(scale)) }
    }
    var session = windowed
    let step: Program
    if isResumed {
      let before = try program(windowed, accumulating: nil)
      let checkpoint = try Checkpoint(of: windowed, running: before, step: 3)
      session = try quietSession(model.graph)
      step = try program(session, accumulating: 2)
      let reports = try checkpoint.resume(in: session).slots
      #expect(reports.map(\.origin) == [.kept, .kept])
    } else {
      step = try program(session, accumulating: 2)
      #expect(step.slotReport.map(\.origin) == [.kept, .kept])
    }
    // Gradients are proportional to what is fed: their mean is that of 2.
    for scale in [1.0, 3] { try session.run(step, feeding: model.feeds(scale)) }
    let one = try program(plain, accumulating: nil)
    #expect(one.slotReport.map(\.origin) == [.kept, .kept])
    try plain.run(one, feeding: model.feeds(2))
    #expect(try session.snapshot() == plain.snapshot())
    let again = try program(session, accumulating: nil)
    #expect(again.slotReport.map(\.origin) == [.kept, .kept])
    for (session, step) in [(session, again), (plain, one)] {
      try session.run(step, feeding: model.feeds(5))
    }
    #expect(try session.snapshot() == plain.snapshot())
    #expect(try plain.value(of: "a/adam/step").scalar == 5)
  }

  /// Where what counts a window is new, no sum of another window is in its mean.
  @Test func windowsOfAnotherCountBeginAnew() throws {
    let model = Pair()
    let session = try quietSession(model.graph)
    let one = try session.compile(updates: [.minimize(model.first, with: sgd, accumulating: 2)])
    try session.run(one, feeding: model.feeds(100))
    let two = try session.compile(updates: [
      .minimize(model.first, training: "a", with: sgd, accumulating: 2, named: "x"),
      .minimize(model.second, training: "b", with: sgd, named: "y"),
    ])
    for _ in 0..<2 { try session.run(two, feeding: model.feeds()) }
    #expect(try session.value(of: "a").doubles == [9, 8, 7, 6])
  }
}
