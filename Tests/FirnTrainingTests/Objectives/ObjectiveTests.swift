import FirnCompiler
import FirnGraph
import FirnNotation
import FirnOps
import FirnRuntime
import FirnTraining
import Testing

/// Several objectives of one program: whose gradient goes where, and when.
@Suite struct ObjectiveTests {
  /// Two layers and two losses of both.
  private struct Pair {
    let graph = Graph()
    let (x, a, b, first, second): (Tensor, Tensor, Tensor, Tensor, Tensor)
    let feeds: Feeds

    init(dtype: DType = .f32) throws {
      let graph = self.graph
      x = graph.placeholder("x", shape: ["batch", 3], dtype: dtype)
      a = graph.variable("a", shape: [3, 4], dtype: dtype)
      b = graph.variable("b", shape: [4, 2], dtype: dtype)
      let y = matmul(tanh(matmul(x, a)), b)
      first = graph.scope("first") { square(y).mean() }
      second = graph.scope("second") { square(y - 1).mean() }
      feeds = ["x": try noise([5, 3], dtype: dtype)]
    }
  }

  private func values(_ session: Session, _ names: [String]) throws -> [NDArray] {
    try names.map { try session.value(of: $0) }
  }

  // MARK: Gradients

  @Test func oneLossIsTheShortForm() throws {
    let model = try Pair()
    for freezing in [nil, "a", "a[0..<2]"] {
      let selection = try freezing.map { try Selection($0) }
      let session = try quietSession(model.graph)
      let short = try session.compile(
        minimizing: model.first, with: Adam(weightDecay: 0.1), freezing: selection, clippingNorm: 1)
      let long = try session.compile(
        updates: [.minimize(model.first, with: Adam(weightDecay: 0.1), clipping: .globalNorm(1))],
        freezing: selection)
      #expect(short.graph.text == long.graph.text)
      #expect(short.status == long.status && long.objectives == [model.first.name])
    }
  }

  /// Each loss moves its own, as if nothing else were trained; where the other loss leads does not matter.
  @Test func eachLossMovesItsOwn() throws {
    let (model, own) = (try Pair(), try Pair())
    let session = try quietSession(model.graph)
    let program = try session.compile(updates: [
      .minimize(model.first, training: "a", with: SGD(learningRate: 0.5)),
      .minimize(model.second, training: "b", with: SGD(learningRate: 0.25, momentum: 0.5)),
    ])
    try session.run(program, feeding: model.feeds)
    for (loss, frozen, name, rate) in [(own.first, "b", "a", 0.5), (own.second, "a", "b", 0.25)] {
      let alone = try quietSession(own.graph)
      let step = try alone.compile(
        minimizing: loss, with: SGD(learningRate: rate), freezing: try Selection(frozen))
      try alone.run(step, feeding: own.feeds)
      #expect(try session.value(of: name) == alone.value(of: name))
    }
  }

  /// Blocks of one variable can be two objectives'.
  @Test(arguments: ["a[0..<1]", "a[axis 1: 1..<3]"]) func blocksAreApart(_ block: String) throws {
    let (model, own) = (try Pair(), try Pair())
    let session = try quietSession(model.graph)
    let part = try Selection(block)
    let program = try session.compile(updates: [
      .minimize(model.first, training: part, with: Adam()),
      .minimize(model.second, training: !part & "a", with: SGD(learningRate: 0.5)),
    ])
    try session.run(program, feeding: model.feeds)
    let moved = try session.value(of: "a").doubles
    let alone = try quietSession(own.graph)
    let kept = try alone.snapshot()
    let steps = [
      try alone.compile(minimizing: own.first, with: Adam(), freezing: !part),
      try alone.compile(minimizing: own.second, with: SGD(learningRate: 0.5), freezing: "b" | part),
    ]
    let before = try alone.value(of: "a").doubles
    var sum = before
    for step in steps {
      try alone.restore(kept)
      try alone.run(step, feeding: own.feeds)
      for (index, value) in try alone.value(of: "a").doubles.enumerated() where value != before[index] {
        sum[index] = value
      }
    }
    #expect(moved == sum && zip(moved, before).allSatisfy { $0 != $1 })
    #expect(try session.value(of: "b") == alone.value(of: "b"))
  }

  /// The same gradient, made by the user, makes the same bits; of a block too.
  @Test(arguments: [nil, "a[0..<2]"]) func gradientsCanBeGiven(_ freezing: String?) throws {
    let (model, given) = (try Pair(), try Pair())
    let frozen = try freezing.map { try Selection($0) }
    let (one, two) = (try quietSession(model.graph), try quietSession(given.graph))
    let minimizing = try one.compile(
      minimizing: model.first, with: Adam(), freezing: frozen, clippingNorm: 0.1)
    let gradients = given.graph.gradients(
      of: [given.first], withRespectTo: [given.a, given.b], unconnected: .zero)
    let updating = try two.compile(
      updates: [
        .update([given.a: gradients[0], given.b: gradients[1]], with: Adam(), clipping: .globalNorm(0.1))
      ], freezing: frozen)
    for _ in 0..<3 {
      try one.run(minimizing, feeding: model.feeds)
      try two.run(updating, feeding: given.feeds)
    }
    // Clipped by the same norm: of a block that stays, no part.
    for name in ["a", "b"] {
      let off = zip(try one.value(of: name).doubles, try two.value(of: name).doubles).map { abs($0 - $1) }
        .max()
      #expect((off ?? 1) < 1e-6)
      #expect(try one.value(of: name) == two.value(of: name) || freezing != nil)
    }
    let single = try two.compile(updates: [.update("b", by: gradients[1], with: Adam())])
    #expect(single.trained.map(\.name) == ["b"] && single.fetches.isEmpty)
    #expect(single.status.variables.map(\.status) == [.frozen, .trained])
  }

  // MARK: Runs

  /// Every second run takes part, and nothing of the objective moves in the others.
  @Test func runsAreSkipped() throws {
    let model = try Pair()
    let session = try quietSession(model.graph)
    let flag = model.graph.placeholder("flag", shape: [], dtype: .bool)
    let momentum = SGD(learningRate: .steps(initial: 0.5, factor: 0.5, every: 1), momentum: 0.5)
    let program = try session.compile(updates: [
      .minimize(model.first, training: "a", with: momentum, when: .every(2), named: "slow"),
      .minimize(model.second, training: "b", with: SGD(learningRate: 0.5, name: "other"), when: .holds(flag)),
    ])
    let slow = ["a", "a/sgd/velocity", "sgd/slow/step"]
    var seen: [[NDArray]] = [try values(session, slow + ["b"])]
    for run in 0..<6 {
      try session.run(
        program, feeding: ["x": try noise([5, 3]), "flag": NDArray(scalar: run < 2)])
      seen.append(try values(session, slow + ["b"]))
    }
    for run in 0..<6 {
      for (index, pair) in zip(seen[run], seen[run + 1]).enumerated() {
        #expect((pair.0 != pair.1) == (index == 3 ? run < 2 : run % 2 == 1), "run \(run), \(index)")
      }
    }
    #expect(try session.value(of: "sgd/slow/step").scalar == 3)
  }

  /// A run without weight adds nothing to its window, be its gradient NaN, as the mean of a batch that is all padding.
  @Test func runsWithoutWeightAddNothing() throws {
    let graph = Graph()
    let (x, mask) = (graph.placeholder("x", shape: [2]), graph.placeholder("mask", shape: [2]))
    let w = graph.variable("w", shape: [2], initializer: .constant(1))
    let total = mask.sum()
    let loss = (square(w * x) * mask).sum() / total
    let session = try quietSession(graph)
    let program = try session.compile(
      updates: [
        .minimize(loss, with: SGD(learningRate: 0.1), accumulating: .init(3, weightedBy: total))
      ])
    let rows = try NDArray([1, 2] as [Float], shape: [2])
    for masked in [[1, 1], [0, 0], [1, 0]] as [[Float]] {
      try session.run(program, feeding: ["x": rows, "mask": NDArray(masked, shape: [2])])
    }
    // (2 · (1, 4) + 1 · (2, 0)) / 3
    let expected = [1 - 0.1 * 4 / 3, 1 - 0.1 * 8 / 3]
    for (a, b) in zip(try session.value(of: "w").doubles, expected) { #expect(abs(a - b) < 1e-6) }
    // A weight that is NaN is none of 0, and stays visible.
    for _ in 0..<3 {
      try session.run(program, feeding: ["x": rows, "mask": NDArray([.nan, 1] as [Float], shape: [2])])
    }
    #expect(try session.value(of: "w").doubles.allSatisfy(\.isNaN))
  }

  /// Short batches weighed by their sizes are one large one, with a frozen part, clipping and a window closed early.
  @Test func accumulatedBatchesAreOne() throws {
    for sizes in [[2, 3, 1, 2], [3, 1, 2]] {
      let (model, large) = (try Pair(dtype: .f64), try Pair(dtype: .f64))
      let count = model.graph.placeholder("count", shape: [], dtype: .i32)
      let last = model.graph.placeholder("last", shape: [], dtype: .bool)
      let (session, whole) = (try quietSession(model.graph), try quietSession(large.graph))
      let program = try session.compile(
        updates: [
          .minimize(
            model.second, with: Adam(learningRate: 0.1, weightDecay: 0.1), clipping: .globalNorm(0.05),
            accumulating: .init(4, weightedBy: count, closedBy: last))
        ], freezing: "a[0..<1]")
      let step = try whole.compile(
        minimizing: large.second, with: Adam(learningRate: 0.1, weightDecay: 0.1), freezing: "a[0..<1]",
        clippingNorm: 0.05)
      for epoch in 0..<3 {
        let rows = try noise([sizes.reduce(0, +), 3], "rows\(epoch)", dtype: .f64)
        try whole.run(step, feeding: ["x": rows])
        let before = try session.value(of: "b")
        var start = 0
        for (number, size) in sizes.enumerated() {
          #expect(try session.value(of: "b") == before)
          try session.run(
            program,
            feeding: [
              "x": try rows.rows(Array(start..<start + size)), "count": NDArray(scalar: Int32(size)),
              "last": NDArray(scalar: number == sizes.count - 1),
            ])
          start += size
        }
      }
      for name in ["a", "b", "b/adam/first_moment", "b/adam/step", "a/adam/rows_1_3/second_moment"] {
        let off = zip(try session.value(of: name).doubles, try whole.value(of: name).doubles).map {
          abs($0 - $1)
        }
        #expect((off.max() ?? 1) < 1e-12, "\(name)")
      }
      #expect(try session.value(of: "adam/accumulated_weight").scalar == 0)
    }
  }

  // MARK: Memory

  /// Two optimisers of one name and one program: each variable has its own memory, each objective its own counts, and a
  /// resumed run goes on to the same bits.
  @Test func checkpointsHoldAllObjectives() throws {
    func made() throws -> (Session, Program, Feeds) {
      let model = try Pair()
      let session = try quietSession(model.graph)
      let schedule = Schedule.cosine(initial: 0.1, over: 9)
      let program = try session.compile(updates: [
        .minimize(
          model.first, training: "a", with: Adam(learningRate: schedule), accumulating: 2, named: "one"),
        .minimize(model.second, training: "b", with: Adam(learningRate: schedule), when: .every(2)),
      ])
      return (session, program, model.feeds)
    }
    let (session, program, feeds) = try made()
    for _ in 0..<5 { try session.run(program, feeding: feeds) }
    let checkpoint = try Checkpoint(of: session, running: program, step: 5)
    for _ in 0..<4 { try session.run(program, feeding: feeds) }
    let (other, again, _) = try made()
    let resumption = try checkpoint.resume(in: other)
    #expect(resumption.slots.map(\.origin) == [.kept, .kept])
    for _ in 0..<4 { try other.run(again, feeding: feeds) }
    #expect(try session.everything() == other.everything())
    #expect(session.variables.map(\.name).contains("adam/one/accumulated_runs"))
    #expect(try session.value(of: "adam/one/step").scalar == 4)
  }

  // MARK: Reports

  @Test func reportsSpeakOfEach() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 2])
    func weight(_ name: String) -> Tensor { graph.variable(name, shape: [2]) }
    let (trunk, left, right) = (weight("trunk"), weight("left"), weight("right"))
    let h = x * trunk
    let one = graph.scope("one") { square(h * left).mean() }
    let two = graph.scope("two") { square(stopGradient(h) * right).mean() }
    let session = try quietSession(graph)
    let program = try session.compile(updates: [
      .minimize(one, training: "left", with: Adam(), named: "one"),
      .minimize(two, training: "right | trunk", with: Adam(), named: "two"),
    ])
    func statuses(_ report: StatusReport) -> [TrainingStatus] { report.variables.map(\.status) }
    #expect(statuses(program.status) == [.cutOff, .trained, .trained])
    #expect(statuses(try program.explanation().status) == [.cutOff, .trained, .trained])
    let (first, second) = (try program.explanation(of: "one"), try program.explanation(of: "two"))
    #expect(statuses(first.status) == [.frozen, .trained, .frozen])
    #expect(statuses(second.status) == [.cutOff, .frozen, .trained])
    #expect(first.status.variables[0].reason == "`training: left` does not name it")
    #expect(try program.lint().filter { $0.code == .starved }.map(\.subjects) == [["trunk"]])
    #expect(first.lint().allSatisfy { $0.code != .starved })
    #expect(second.lint().filter { $0.code == .starved }.map(\.subjects) == [["trunk"]])
    #expect(try program.why("right").connection?.verdict == .connected)
    #expect(try program.why("trunk").connection?.verdict == .cut)
    #expect(try first.why("right").connection?.verdict == .unconnected)
    // The costs of each are part of what both cost together.
    let whole = try program.costReport().total
    for cost in [try first.cost().total, try second.cost().total] {
      #expect(cost.backwardNodes < whole.backwardNodes && cost.slotBytes != whole.slotBytes)
    }
    #expect(try program.explanation().pins().isEmpty)
    #expect(try program.dot(of: "one") != program.dot(of: "two"))
    let refused = try error { _ = try program.explanation(of: "three") }
    #expect(refused.code == .unknownName && refused.description.contains("two"))
  }

  // MARK: Faults

  @Test func faultyObjectivesAreRefused() throws {
    let model = try Pair()
    let graph = model.graph
    let flag = graph.placeholder("flag", shape: [], dtype: .bool)
    let vector = graph.placeholder("vector", shape: [2])
    let session = try quietSession(graph)
    let sgd = SGD(learningRate: 1)
    let table: [([Objective], FirnError.Code, String)] = [
      ([], .invalidArgument, "without an objective"),
      ([.minimize(vector, with: sgd)], .notScalar, "the loss is f32[2]"),
      ([.minimize(model.first, with: sgd, clipping: .value(0))], .invalidArgument, "clipping bound is 0.0"),
      ([.minimize(model.first, with: sgd, accumulating: 0)], .invalidArgument, "over 0 runs"),
      (
        [.minimize(model.first, with: sgd, accumulating: .init(2, weightedBy: flag))], .typeMismatch, "weight"
      ),
      (
        [.minimize(model.first, with: sgd, accumulating: .init(2, closedBy: vector))], .shapeMismatch,
        "closes"
      ),
      ([.minimize(model.first, with: sgd, when: .every(0))], .invalidArgument, "every run of 0"),
      ([.minimize(model.first, with: sgd, when: .holds(vector))], .shapeMismatch, "condition"),
      ([.minimize(model.first, with: sgd, named: "no name")], .invalidArgument, "`no name`"),
      (
        [
          .minimize(model.first, training: "a", with: sgd, named: "x"),
          .minimize(model.second, training: "b", with: sgd, named: "x"),
        ], .invalidArgument, "two objectives are called `x`"
      ),
      (
        [.minimize(model.first, training: "a", adding: "b", with: sgd)], .invalidSelection,
        "no other objective"
      ),
      (
        [
          .minimize(model.first, training: "a", with: sgd),
          .minimize(model.second, training: "b", adding: "a[0..<1]", with: sgd),
        ], .invalidSelection, "adds to a part of `a`"
      ),
      (
        [
          .minimize(model.first, training: "a", with: sgd),
          .minimize(model.second, training: "b", adding: "a", with: sgd, accumulating: 2),
        ], .invalidArgument, "accumulates adds"
      ),
      ([.update("a", by: model.b, with: sgd)], .shapeMismatch, "no gradient of `a`"),
      ([.update("a", by: model.a.cast(to: .f64), with: sgd)], .typeMismatch, "no gradient of `a`"),
      ([.update(model.x, by: model.x, with: sgd)], .invalidArgument, "is no variable"),
      ([.update(["a": model.a, model.a: model.a], with: sgd)], .invalidArgument, "two gradients"),
    ]
    for (objectives, code, words) in table {
      let refused = try error { _ = try session.compile(updates: objectives) }
      #expect(refused.code == code && refused.message.contains(words), "\(refused)")
      #expect(session.variables.map(\.name) == ["a", "b"])
    }
    let frozen = try error {
      _ = try session.compile(updates: [.update("a", by: model.a, with: sgd)], freezing: "a")
    }
    #expect(frozen.message.contains("a gradient is given for `a`, but it is frozen by `freezing: a`"))
    let masks: [(any TensorReference, any TensorReference, FirnError.Code)] = [
      ("a", vector, .shapeMismatch), ("a", model.a, .typeMismatch), (model.x, model.x, .invalidArgument),
    ]
    for (variable, mask, code) in masks {
      let refused = try error {
        _ = try session.compile(minimizing: model.first, with: sgd, holding: [variable: mask])
      }
      #expect(refused.code == code)
    }
  }
}
