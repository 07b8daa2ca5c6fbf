import FirnCompiler
import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
import FirnRuntime
import FirnTraining
import Testing

/// Tables of which a step updates the rows it looked up, held against the update of all rows and against numbers made
/// here.
@Suite struct TouchedRowsTests {
  /// An optimiser that moves every row, by the same formulas.
  private struct EveryRow: Optimizer {
    let base: any Optimizer

    init(_ base: any Optimizer) { self.base = base }

    var name: String { base.name }
    var sharedSlots: [OptimizerSlot] { base.sharedSlots }
    func slots(for part: TrainedPart) -> [OptimizerSlot] { base.slots(for: part) }
    func update(_ update: ParameterUpdate) -> UpdatedParameter { base.update(update) }
    func updateShared(_ slots: [Tensor]) -> [Tensor] { base.updateShared(slots) }
  }

  /// Looks at more than a row: the gradient's norm.
  private struct Normalized: Optimizer {
    let name = "normalized"

    func slots(for part: TrainedPart) -> [OptimizerSlot] { [OptimizerSlot("last", type: part.type)] }
    func leavesUntouchedRows(of part: TrainedPart) -> Bool { true }

    func update(_ update: ParameterUpdate) -> UpdatedParameter {
      let squares = update.all.map { square($0.gradient).sum() }
      let norm = sqrt(squares.dropFirst().reduce(squares[0] + 1e-3) { $0 + $1 })
      let direction = update.gradient / norm
      return UpdatedParameter(
        value: update.value - 0.5 * direction, slots: [update.slots[0] + 0.25 * direction])
    }
  }

  /// A table of 11 rows, and what is looked up and made of it.
  private struct Model {
    let graph = Graph()
    let loss: Tensor
    let dtype: DType

    init(dtype: DType = .f32, _ loss: (_ table: Tensor, _ ids: Tensor, _ others: Tensor) -> Tensor) {
      self.dtype = dtype
      let ids = graph.placeholder("ids", shape: ["batch", 3], dtype: .i32)
      let others = graph.placeholder("others", shape: ["count"], dtype: .i32)
      let table = graph.variable("table", shape: [11, 5], dtype: dtype, initializer: .uniform(-1, 1))
      self.loss = loss(table, ids, others)
    }

    /// Other rows in each step, some of them more than once.
    func indices(_ step: Int) -> (ids: [Int], others: [Int]) {
      let rows = [4, 9, 4, 0, 9, 4, 2, 2].map { ($0 + step) % 11 }
      return (Array(rows.prefix(6)), [rows[6], rows[7], 10, rows[0], 10])
    }

    func feeds(_ step: Int) throws -> Feeds {
      let (ids, others) = indices(step)
      return [
        "ids": try NDArray(ids.map { Int32($0) }).reshaped(to: [2, 3]),
        "others": NDArray(others.map { Int32($0) }),
      ]
    }
  }

  /// What is looked up, by name; each has a gradient of rows alone.
  private static let lookups: [String: @Sendable (Tensor, Tensor, Tensor) -> Tensor] = [
    "once": { table, ids, _ in (square(gather(table, indices: ids)) * 0.3).sum() },
    "twice": { table, ids, others in
      (tanh(gather(table, indices: ids)).sum() + square(gather(table, indices: others)).sum()) * 0.7
    },
    "three times": { table, ids, others in
      let same = gather(table, indices: others)
      return square(gather(table, indices: ids)).sum() + (same * gather(table, indices: others)).sum()
    },
    "one row": { table, ids, _ in
      let first = ids.sliced(axis: 0, from: 0, to: 1).sliced(axis: 1, from: 0, to: 1)
      let row = gather(table, indices: first.reshaped(to: []))
      return square(row).sum() / 30
    },
    "masked": { table, ids, _ in
      let rows = gather(table, indices: ids)
      let isPadding = equal(ids, 4).expandingAxis(at: -1)
      return square(select(where: isPadding, stopGradient(rows), otherwise: rows)).sum()
    },
    // Among what is looked up are rows of what the table is a part of.
    "behind others": { table, ids, others in
      let before = Tensor.filled(0.5, type: TensorType(table.dtype, [2, 5]), in: table.graph)
      let all = concatenate([before, table], axis: 0)
      return square(gather(all, indices: ids)).sum() + gather(all, indices: others + 2).sum()
    },
    "before others": { table, ids, _ in
      let behind = Tensor.filled(0.5, type: TensorType(table.dtype, [2, 5]), in: table.graph)
      return square(gather(concatenate([table, behind], axis: 0), indices: ids + 2)).sum()
    },
  ]

  private func model(_ lookup: String, _ dtype: DType = .f32) throws -> Model {
    guard let loss = Self.lookups[lookup] else { throw CancellationError() }
    return Model(dtype: dtype, loss)
  }

  private static let optimizers: [String: any Optimizer] = [
    "rate": SGD(learningRate: 0.1),
    "schedule": SGD(learningRate: .steps(initial: 0.3, factor: 0.5, every: 2)),
    "own": Normalized(),
  ]

  private func isBySteps(_ program: Program) -> Bool { program.graph.count("assign_rows") > 0 }

  /// The same steps by two optimisers; everything has the same bits after each.
  private func expectSameBits(
    _ model: Model, _ optimizer: any Optimizer, freezing: String? = nil, clippingNorm: Double? = nil,
    byRows: Bool = true, threads: Int = 1, sourceLocation: Testing.SourceLocation = #_sourceLocation
  ) throws {
    let selection = try freezing.map { try Selection($0) }
    var sessions: [Session] = []
    var programs: [Program] = []
    for optimizer in [optimizer, EveryRow(optimizer)] {
      let session = try quietSession(model.graph, threads: threads)
      programs.append(
        try session.compile(
          minimizing: model.loss, with: optimizer, freezing: selection, clippingNorm: clippingNorm))
      sessions.append(session)
    }
    let indices = programs.map { program in
      program.graph.nodes.contains { $0.mnemonic == "assign_rows" && $0.inputs.count == 2 }
    }
    #expect(indices == [byRows, false], sourceLocation: sourceLocation)
    for step in 0..<5 {
      let losses = try zip(sessions, programs).map { session, program in
        try session.run(program, feeding: try model.feeds(step)).scalar(program.fetches[0])
      }
      #expect(losses[0] == losses[1], sourceLocation: sourceLocation)
      let (sparse, dense) = (try sessions[0].everything(), try sessions[1].everything())
      #expect(sparse.keys == dense.keys, sourceLocation: sourceLocation)
      for (name, array) in sparse {
        #expect(
          array.isBitwiseEqual(to: try #require(dense[name])), "\(name) after step \(step)",
          sourceLocation: sourceLocation)
      }
    }
  }

  // MARK: Bits

  @Test(arguments: lookups.keys.sorted(), optimizers.keys.sorted())
  func rowsHaveTheBitsOfTheTable(_ lookup: String, _ optimizer: String) throws {
    for dtype in [DType.f32, .f64] {
      let model = try self.model(lookup, dtype)
      try expectSameBits(model, try #require(Self.optimizers[optimizer]))
    }
  }

  /// The norm is of the whole gradient; what moves is still the rows.
  @Test(arguments: lookups.keys.sorted()) func clippedRowsHaveTheBitsOfTheTable(_ lookup: String) throws {
    try expectSameBits(
      try self.model(lookup), SGD(learningRate: 0.1), clippingNorm: 0.01)
  }

  @Test(arguments: [
    "table[0..<4]", "table[4..<11]", "table[3..<6]", "table[0..<2] | table[5..<7] | table[10..<11]",
    "table[axis 1: 1..<3]", "table[axis 1: 0..<2] | table[axis 1: 4..<5]",
  ]) func partsHaveTheBitsOfTheTable(_ freezing: String) throws {
    for lookup in Self.lookups.keys.sorted() {
      let model = try self.model(lookup)
      try expectSameBits(model, SGD(learningRate: 0.1), freezing: freezing)
      try expectSameBits(model, Normalized(), freezing: freezing)
      try expectSameBits(model, SGD(learningRate: 0.1), freezing: freezing, clippingNorm: 0.1)
    }
  }

  @Test func threadsChangeNoBit() throws {
    for threads in [2, 3] {
      try expectSameBits(
        try self.model("twice"), SGD(learningRate: 0.1), threads: threads)
    }
  }

  // MARK: What is not by rows

  /// A head that shares the table reads all of it: every row has a gradient.
  private static func tied(_ table: Tensor, _ ids: Tensor, _ others: Tensor) -> Tensor {
    let rows = gather(table, indices: others)
    return square(matmul(rows, table.transposed())).sum() * 0.01
  }

  /// In a loop the gradient is a total of the whole table.
  private static func looped(_ table: Tensor, _ ids: Tensor, _ others: Tensor) -> Tensor {
    let zero = table.graph.constant(0, dtype: table.dtype)
    let result = scan(over: [ids], initial: [zero]) { step in
      ScanResult(carries: [step.carries[0] + square(gather(table, indices: step.slices[0])).sum()])
    }
    return result.carries[0]
  }

  @Test func tiedTablesMoveAsAWhole() throws {
    for freezing in [nil, "table[0..<4]"] {
      for optimizer in [SGD(learningRate: 0.1), Adam(lazyRows: true)] as [any Optimizer] {
        try expectSameBits(Model(Self.tied), optimizer, freezing: freezing, byRows: false)
      }
    }
  }

  @Test func penalizedTablesMoveAsAWhole() throws {
    let model = Model { table, ids, _ in
      square(gather(table, indices: ids)).sum() + 0.1 * square(table).sum()
    }
    try expectSameBits(model, SGD(learningRate: 0.1), byRows: false)
  }

  @Test func otherAxesMoveAsAWhole() throws {
    let model = Model { table, _, others in
      square(gather(table, indices: minimum(others, 4), axis: 1)).sum()
    }
    try expectSameBits(model, SGD(learningRate: 0.1), byRows: false)
  }

  @Test func tablesInLoopsMoveAsAWhole() throws {
    try expectSameBits(Model(Self.looped), SGD(learningRate: 0.01), byRows: false)
  }

  @Test func whatMovesEveryRowIsNotByRows() throws {
    let all: [any Optimizer] = [
      SGD(learningRate: 0.1, momentum: 0.9), SGD(learningRate: 0.1, weightDecay: 0.1), Adam(),
      Adam(weightDecay: 0.1),
    ]
    for optimizer in all {
      try expectSameBits(try self.model("once"), optimizer, byRows: false)
    }
  }

  // MARK: What a program holds

  /// No node of the table's size but what reads it, and an arena that has no place for one.
  @Test(arguments: [SGD(learningRate: 0.1), Adam(lazyRows: true)] as [any Optimizer])
  func nothingHasTheTablesSize(_ optimizer: any Optimizer) throws {
    for frozen in [nil, "embedding/table[0..<40]", "embedding/table[1000..<2000]"] {
      let graph = Graph()
      let words = graph.placeholder("words", shape: ["batch", 4], dtype: .i32)
      let rows = Embedding(count: 4000, width: 16, name: "embedding")(words)
      let loss = square(Dense(3)(rows)).sum()
      let session = try quietSession(graph)
      let program = try session.compile(
        minimizing: loss, with: optimizer, freezing: try frozen.map { try Selection($0) })
      let large = program.graph.allNodes().filter {
        $0.node.types.contains { ($0.shape.elementCount.value ?? 0) >= 30_000 }
      }
      #expect(large.allSatisfy { $0.node.mnemonic == "read" }, "\(large.map(\.path))")
      #expect(program.graph.count("scatter_add") == 0)
      #expect(try session.arenaBytes(of: program, binding: ["batch": 8]) < 40_000)
    }
  }

  /// Adam moves every row that is trained, and has nothing of those that are not.
  @Test func frozenRowsOfADenseUpdateCostNothing() throws {
    let model = try self.model("twice")
    let session = try quietSession(model.graph)
    let program = try session.compile(
      minimizing: model.loss, with: Adam(weightDecay: 0.1), freezing: "table[0..<4]")
    let nodes = program.graph.unfused.allNodes()
    let whole = nodes.filter { $0.node.types.contains(TensorType(.f32, [11, 5])) }
    #expect(whole.map(\.node.mnemonic) == ["read"], "\(whole.map(\.path))")
    let scatters = program.graph.nodes.filter { $0.mnemonic == "scatter_add" }
    #expect(scatters.count == 2 && scatters.allSatisfy { $0.types[0].shape == [7, 5] })
    try expectSameBits(
      try self.model("twice"), Adam(weightDecay: 0.1), freezing: "table[0..<4]",
      byRows: false)
  }

  // MARK: Lazy rows

  private struct Element {
    var value: Double
    var first = 0.0
    var second = 0.0
  }

  /// The formulas as TensorFlow Addons' `LazyAdam` and PyTorch's `SparseAdam` have them, row by row.
  @Test func lazyRowsAreAsTheirFormula() throws {
    let adam = Adam(
      learningRate: 0.05, beta1: 0.8, beta2: 0.95, epsilon: 1e-6, weightDecay: 0.1, lazyRows: true)
    for freezing in [nil, "table[0..<3]"] {
      let model = try self.model("twice", .f64)
      let session = try quietSession(model.graph)
      let program = try session.compile(
        minimizing: model.loss, with: adam, freezing: try freezing.map { try Selection($0) })
      let start = freezing == nil ? 0 : 3
      var rows = try session.value(of: "table").doubles.map { Element(value: $0) }
      let scope = freezing == nil ? "table/adam" : "table/adam/rows_3_11"
      for step in 0..<6 {
        let feeds = try model.feeds(step)
        let before = try session.everything()
        try session.run(program, feeding: feeds)
        // The gradient of 0.7·(Σ tanh + Σ x²), added up over what is looked up.
        let (ids, others) = model.indices(step)
        var gradient = [Int: Double]()
        for row in ids {
          for column in 0..<5 {
            let x = rows[row * 5 + column].value
            gradient[row * 5 + column, default: 0] += 0.7 * (1 - tangent(x) * tangent(x))
          }
        }
        for row in others {
          for column in 0..<5 {
            gradient[row * 5 + column, default: 0] += 0.7 * 2 * rows[row * 5 + column].value
          }
        }
        for (place, g) in gradient where place / 5 >= start {
          let m = 0.8 * rows[place].first + 0.2 * g
          let v = 0.95 * rows[place].second + 0.05 * g * g
          let t = Double(step + 1)
          let (mean, spread) = (m / (1 - power(0.8, t)), v / (1 - power(0.95, t)))
          let w = rows[place].value
          let next = w - 0.05 * (mean / (spread.squareRoot() + 1e-6) + 0.1 * w)
          rows[place] = Element(value: next, first: m, second: v)
        }
        let (value, first, second) = (
          try session.value(of: "table").doubles, try session.value(of: scope + "/first_moment").doubles,
          try session.value(of: scope + "/second_moment").doubles
        )
        let old = (
          try #require(before["table"]).doubles, try #require(before[scope + "/first_moment"]).doubles
        )
        for place in 0..<55 {
          #expect((value[place] - rows[place].value).magnitude < 1e-12, "\(place) after step \(step)")
          let own = place - start * 5
          if own >= 0 {
            #expect((first[own] - rows[place].first).magnitude < 1e-12)
            #expect((second[own] - rows[place].second).magnitude < 1e-12)
          }
          if gradient[place] == nil || own < 0 {
            #expect(value[place] == old.0[place], "\(place) was not looked up in step \(step)")
            if own >= 0 { #expect(first[own] == old.1[own]) }
          }
        }
        #expect(try session.value(of: scope + "/step").doubles == [Double(step + 1)])
      }
    }
  }

  private func tangent(_ x: Double) -> Double { 1 - 2 / (exponential(2 * x) + 1) }
  private func exponential(_ x: Double) -> Double {
    (1...30).reversed().reduce(1) { 1 + x / Double($1) * $0 }
  }
  private func power(_ base: Double, _ exponent: Double) -> Double {
    (0..<Int(exponent)).reduce(1) { product, _ in product * base }
  }

  /// Where every row is looked up, lazy and not are one.
  @Test func lazyRowsThatAreAllTouchedMoveAsAdams() throws {
    let graph = Graph()
    let ids = graph.placeholder("ids", shape: ["batch"], dtype: .i32)
    let table = graph.variable("table", shape: [6, 3], initializer: .uniform(-1, 1))
    let loss = square(gather(table, indices: ids)).sum()
    let feeds: Feeds = ["ids": NDArray((0..<14).map { Int32($0 * 5 % 6) })]
    var values: [[String: NDArray]] = []
    for isLazy in [false, true] {
      let session = try quietSession(graph)
      let program = try session.compile(
        minimizing: loss, with: Adam(weightDecay: 0.1, lazyRows: isLazy), clippingNorm: 0.5)
      for _ in 0..<20 { try session.run(program, feeding: feeds) }
      values.append(try session.everything())
    }
    for (name, array) in values[0] {
      #expect(array.isBitwiseEqual(to: try #require(values[1][name])), "\(name)")
    }
  }

  /// Adam without asking moves rows that a step does not look up, as moments go on.
  @Test func lazinessIsAsked() throws {
    for isLazy in [false, true] {
      let model = try self.model("once")
      let session = try quietSession(model.graph)
      let program = try session.compile(minimizing: model.loss, with: Adam(lazyRows: isLazy))
      try session.run(program, feeding: try model.feeds(0))
      let before = try session.value(of: "table[4..<5]")
      // Looks up 6, 0 and 2.
      try session.run(program, feeding: try model.feeds(2))
      #expect(try session.value(of: "table[4..<5]").isBitwiseEqual(to: before) == isLazy)
      #expect(isBySteps(program) == isLazy)
    }
    #expect(Adam(lazyRows: true).description.hasSuffix("lazy rows"))
    #expect(!Adam().description.contains("lazy"))
  }

  // MARK: Sharing and failing

  @Test func snapshotsKeepWhatTheyHold() throws {
    let model = try self.model("twice")
    let session = try quietSession(model.graph)
    let program = try session.compile(minimizing: model.loss, with: SGD(learningRate: 0.1))
    let first = try session.value(of: "table")
    let copy = first.doubles
    try session.run(program, feeding: try model.feeds(0))
    let second = try session.value(of: "table")
    #expect(first.doubles == copy && second.doubles != copy)
    let kept = second.doubles
    try session.run(program, feeding: try model.feeds(1))
    #expect(second.doubles == kept)
    #expect(try session.value(of: "table").doubles != kept)
  }

  @Test(arguments: [Int32(-1), 11, .max, .min]) func indicesOutsideFailAndMoveNothing(_ index: Int32) throws {
    for freezing in [nil, "table[0..<4]"] {
      let model = try self.model("twice")
      let session = try quietSession(model.graph)
      let program = try session.compile(
        minimizing: model.loss, with: Adam(lazyRows: true), freezing: try freezing.map { try Selection($0) })
      let before = try session.everything()
      let fault = try error {
        try session.run(
          program,
          feeding: [
            "ids": try NDArray([Int32(1), 2, 3]).reshaped(to: [1, 3]), "others": NDArray([0, index]),
          ])
      }
      #expect(fault.code == .indexOutOfRange, "\(fault)")
      let after = try session.everything()
      for (name, array) in before { #expect(array.isBitwiseEqual(to: try #require(after[name])), "\(name)") }
    }
  }

  @Test func nothingLookedUpMovesNothing() throws {
    let model = try self.model("twice")
    let session = try quietSession(model.graph)
    let program = try session.compile(minimizing: model.loss, with: SGD(learningRate: 0.1))
    let before = try session.value(of: "table")
    try session.run(
      program,
      feeding: [
        "ids": try NDArray(zeros: [0, 3], dtype: .i32), "others": try NDArray(zeros: [0], dtype: .i32),
      ])
    #expect(try session.value(of: "table").isBitwiseEqual(to: before))
  }

  /// Who asked for lazy rows hears where every row moves, and why; who did not hears nothing.
  @Test func rowsThatAreNotLazyAreTold() throws {
    func warnings(
      _ optimizer: any Optimizer = Adam(lazyRows: true), isTied: Bool = false, isFollowed: Bool = false,
      accumulating: Accumulation? = nil, averaging: Averaging? = nil
    ) throws -> [String] {
      let model = Model { table, ids, _ in
        let own = square(gather(table, indices: ids)).sum()
        return isTied ? own + table.sum() : own
      }
      if isFollowed { model.graph.shadow(of: "table", as: "follower", decay: 0.5) }
      return try quietSession(model.graph).compile(
        updates: [.minimize(model.loss, with: optimizer, accumulating: accumulating)], averaging: averaging
      ).warnings
    }
    func text(_ reason: String) -> [String] {
      ["`adam` is to update rows that are looked up alone, but updates all of `table`: " + reason]
    }
    #expect(try warnings() == [])
    #expect(try warnings(Adam(), isTied: true, accumulating: 2) == [])
    #expect(try warnings(SGD(learningRate: 1), accumulating: 2) == [])
    #expect(try warnings(accumulating: 2) == text("gradients are accumulated"))
    #expect(try warnings(averaging: 0.5) == text("an average of it is kept"))
    #expect(try warnings(isFollowed: true) == text("a shadow follows it"))
    #expect(
      try warnings(isTied: true) == text("its gradient is not made of rows that are looked up alone"))
  }
}
