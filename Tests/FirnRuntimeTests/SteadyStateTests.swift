import CFirnAllocations
import FirnCompiler
import FirnGraph
import FirnNotation
import FirnNN
import FirnOps
@testable import FirnRuntime
import FirnTraining
import Testing

/// What a run leaves where it is, and what it says when numbers go wrong.
@Suite struct SteadyStateTests {
  private func trainer() throws -> (session: Session, program: Program, feeds: (Int) throws -> Feeds) {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", "time", 3])
    let encoded = LSTM(4)(x)
    let loss = square(Dense(2)(encoded)).mean() + square(images(encoded)).mean()
    let session = try Session(graph, threads: 1)
    let program = try session.compile(minimizing: loss, with: Adam())
    return (session, program, { [x: try noise([$0, 4, 3]).converted(to: .f32)] })
  }

  /// Four features taken for an image: convolutions of two kinds, a pool and upsampling.
  private func images(_ x: Tensor) -> Tensor {
    var y = x.reshaped(to: ["batch", 2, 2, 1])
    y = conv2d(
      y, x.graph.variable("windows", shape: [3, 3, 1, 6]), strides: (1, 2), padding: .symmetric(1, 1))
    y = conv2d(y, x.graph.variable("depthwise", shape: [1, 3, 1, 6]), padding: .same, groups: 6)
    return maxPool2d(upsample(y, by: (3, 3), .bilinear()), window: (3, 2))
  }

  // MARK: Memory

  /// One plan and one set of buffers for each binding, made at the first run and never again.
  @Test func plansAreMadeOncePerBinding() throws {
    let (session, program, feeds) = try trainer()
    #expect(session.executionCount == 0)
    try session.run(program, feeding: feeds(2))
    #expect(session.executionCount == 1)
    let first = try session.execution(of: program, binding: ["batch": 2, "time": 4])
    let pointers = first.plan.placements.indices.map { first.pointer(to: $0) }
    for _ in 0..<5 { try session.run(program, feeding: feeds(2)) }
    let later = try session.execution(of: program, binding: ["batch": 2, "time": 4])
    #expect(later === first && later.arena.pointer == first.arena.pointer)
    #expect(later.plan.placements.indices.map { later.pointer(to: $0) } == pointers)
    try session.run(program, feeding: feeds(3))
    try session.run(program, feeding: feeds(2))
    #expect(session.executionCount == 2)
  }

  /// Ever other lengths do not fill the memory: the bindings used last stay.
  @Test func onlyTheLastBindingsStay() throws {
    let (session, program, feeds) = try trainer()
    func execution(_ batch: Int) throws -> Weak {
      Weak(execution: try session.execution(of: program, binding: ["batch": batch, "time": 4]))
    }
    let all = try (1...ExecutionCache.bindingLimit).map { batch in
      try session.run(program, feeding: feeds(batch))
      return try execution(batch)
    }
    try session.run(program, feeding: feeds(1))
    try session.run(program, feeding: feeds(ExecutionCache.bindingLimit + 1))
    #expect(session.executionCount == ExecutionCache.bindingLimit)
    #expect(all.indices.filter { all[$0].execution == nil } == [1])
  }

  private struct Weak {
    weak var execution: Execution?
  }

  /// What nobody can run any more holds no memory.
  @Test func programsTakeTheirBuffersWithThem() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: [2])
    let session = try Session(graph)
    let feeds: Feeds = [x: NDArray([1, 2] as [Float])]
    func run(_ program: Program) throws -> Weak {
      try session.run(program, feeding: feeds)
      return Weak(execution: try session.execution(of: program, binding: [:]))
    }
    let kept = try session.compile(fetching: [x * 2])
    let first = try run(kept)
    let second = try run(session.compile(fetching: [x * 3]))
    #expect(session.executionCount == 1)
    let third = try run(session.compile(fetching: [x * 4]))
    #expect(first.execution != nil && second.execution == nil && third.execution != nil)
    try session.run(kept, feeding: feeds)
  }

  /// A variable stays where it is while it is assigned, unless a snapshot shares it: then the snapshot keeps the old bytes.
  @Test func variablesMoveOnlyWhenShared() throws {
    let (session, program, feeds) = try trainer()
    func places() -> [UnsafeMutableRawPointer?] {
      session.variables.map { session.store[$0.name]?.storage?.pointer }
    }
    try session.run(program, feeding: feeds(2))
    let before = places()
    try session.run(program, feeding: feeds(2))
    #expect(!before.contains(nil) && places() == before)
    let snapshot = try session.snapshot()
    let copy = try snapshot.values.map { try NDArray($0.array.floats, shape: $0.array.shape) }
    try session.run(program, feeding: feeds(2))
    #expect(snapshot.values.map(\.array) == copy)
    for entry in snapshot.values {
      #expect(session.store[entry.name]?.storage?.pointer != entry.array.storagePointer)
    }
    let moved = places()
    try session.run(program, feeding: feeds(2))
    #expect(places() == moved)
  }

  @Test func arenasAreAligned() throws {
    let (session, program, feeds) = try trainer()
    try session.run(program, feeding: feeds(2))
    let execution = try session.execution(of: program, binding: ["batch": 2, "time": 4])
    for (slot, placement) in execution.plan.placements.enumerated() {
      guard case .arena(let offset) = placement else { continue }
      #expect(execution.pointer(to: slot) == execution.arena.pointer + offset)
      #expect(Int(bitPattern: execution.pointer(to: slot)) % 64 == 0)
    }
    #expect(
      try session.arenaBytes(of: program, binding: ["batch": 2, "time": 4]) == execution.plan.arenaBytes)
  }

  /// After the first run a step allocates nothing; around it, only what is handed in and out.
  @Test(.enabled(if: isOptimized, "without optimisation closures and enumerations allocate"))
  func stepsAllocateNothing() throws {
    let (session, program, feeds) = try trainer()
    let feed = try feeds(2)
    try session.run(program, feeding: feed)
    let execution = try session.execution(of: program, binding: ["batch": 2, "time": 4])
    let step = try allocations { try execution.run(checksNumerics: false) }
    let checked = try allocations { try execution.run(checksNumerics: true) }
    guard step >= 0 else { return }
    #expect(step == 0 && checked == 0)
    let runs = try (0..<5).map { _ in try allocations { try session.run(program, feeding: feed) } }
    #expect(Set(runs).count == 1, "\(runs)")
    // The counter does count.
    #expect(try allocations { _ = try NDArray(zeros: [1000]) } > 0)
  }

  /// What measurements repeat changes nothing, and goes on from what is there now.
  @Test func stepsAloneChangeNothing() throws {
    let (session, program, feeds) = try trainer()
    let feed = try feeds(2)
    try session.run(program, feeding: feed)
    let before = try session.snapshot(Selection("**"))
    let steps = try session.steps(of: program, binding: ["batch": 2, "time": 4])
    for _ in 0..<3 { try steps() }
    #expect(try session.snapshot(Selection("**")) == before && session.runs == 1)
    let (other, same, otherFeeds) = try trainer()
    let otherFeed = try otherFeeds(2)
    try other.run(same, feeding: otherFeed)
    let results = try (session.run(program, feeding: feed), other.run(same, feeding: otherFeed))
    let (repeated, plain) = (results.0.arrays, results.1.arrays)
    #expect(zip(repeated, plain).allSatisfy { $0?.floats == $1?.floats })
    #expect(throws: FirnError.self) { try session.steps(of: same, binding: ["batch": 2, "time": 4]) }
  }

  private func allocations(_ body: () throws -> Void) throws -> Int {
    firn_allocations_begin()
    try body()
    return firn_allocations_end()
  }

  // MARK: Numerics

  private func fault(_ build: (Graph, Tensor) -> Tensor) throws -> FirnError? {
    let graph = Graph()
    let x = graph.placeholder("x", shape: [3])
    let y = build(graph, x)
    let session = try Session(graph, threads: 1)
    let program = try session.compile(fetching: [y])
    let feed = NDArray([1, 0, -1] as [Float])
    _ = try session.run(program, feeding: [x: feed])
    session.checksNumerics = true
    return #expect(throws: FirnError.self) { try session.run(program, feeding: [x: feed]) }
  }

  @Test func firstOpIsNamed() throws {
    let error = try fault { graph, x in
      graph.scope("head") { exp(log(x) + 1) }
    }
    #expect(error?.code == .notFinite && error?.place == "head/log")
    #expect(error?.message.contains("`head/log` produced") == true)
    #expect(error?.message.contains("-inf at element 1 of f32[3]") == true, "\(String(describing: error))")
  }

  @Test func firstOpOfALoopIsNamed() throws {
    let error = try fault { graph, x in
      graph.scope("cell") {
        scan(initial: [x], length: 3) { step in
          ScanResult(carries: [
            scan(initial: [step.carries[0]], length: 2, name: "inner") { inner in
              ScanResult(carries: [sqrt(inner.carries[0] - 1)])
            }.carries[0]
          ])
        }.carries[0]
      }
    }
    #expect(error?.place == "cell/scan/inner/sqrt")
    #expect(error?.message.contains("nan at element 1") == true, "\(String(describing: error))")
  }

  /// Faults of kernels have the whole path too, whether or not numbers are checked.
  @Test(arguments: [false, true]) func indexFaultsHaveTheirPath(_ checks: Bool) throws {
    let graph = Graph()
    let table = graph.variable("table", shape: [4, 2])
    let index = graph.placeholder("index", shape: [2], dtype: .i32)
    let rows = scan(over: [index], in: graph, name: "outer") { step in
      ScanResult(
        carries: [],
        outputs: scan(initial: [], length: 2, in: step.index.graph, name: "inner") { inner in
          let row = (step.slices[0] + inner.index).reshaped(to: [1])
          return ScanResult(carries: [], outputs: [gather(table, indices: row)])
        }.outputs)
    }.outputs[0]
    let session = try Session(graph, threads: 1)
    session.checksNumerics = checks
    let program = try session.compile(fetching: [rows])
    let before = try session.snapshot()
    let error = #expect(throws: FirnError.self) {
      try session.run(program, feeding: [index: NDArray([1, 7] as [Int32])])
    }
    #expect(error?.code == .indexOutOfRange && error?.place == "outer/inner/gather")
    #expect(try session.snapshot() == before)
  }

  @Test func feedsAreChecked() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: [2])
    let session = try Session(graph, threads: 1)
    session.checksNumerics = true
    let program = try session.compile(fetching: [exp(x)])
    let error = #expect(throws: FirnError.self) {
      try session.run(program, feeding: [x: NDArray([1, .nan] as [Float])])
    }
    #expect(error?.place == "x")
  }

  /// A step that fails leaves every variable as it was.
  @Test func failedStepsChangeNothing() throws {
    let graph = Graph()
    let w = graph.variable("w", shape: [2], initializer: .ones)
    let x = graph.placeholder("x", shape: [2])
    let loss = log(w * x).sum()
    let session = try Session(graph, threads: 1)
    let program = try session.compile(minimizing: loss, with: SGD(learningRate: 1, momentum: 0.5))
    session.checksNumerics = true
    let before = try session.snapshot(Selection("**"))
    #expect(throws: FirnError.self) { try session.run(program, feeding: [x: NDArray([1, -1] as [Float])]) }
    #expect(try session.snapshot(Selection("**")) == before)
    try session.run(program, feeding: [x: NDArray([1, 1] as [Float])])
    #expect(try session.snapshot(Selection("**")) != before)
  }
}

#if DEBUG
  private let isOptimized = false
#else
  private let isOptimized = true
#endif
