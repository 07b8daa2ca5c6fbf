import FirnCompiler
import FirnGraph
import FirnNN
import FirnOps
import FirnTestSupport
import FirnTraining
import Testing

@testable import FirnRuntime

/// Programs have the bits of the nodes they are made of.
@Suite struct FusionTests {
  /// Nothing of what is fused is in another program.
  private static let whole = Compiler.pipeline.filter { $0.name != "hoist-frozen" }
  private static let plain = Compiler.pipeline.filter { $0.name != "fuse" }

  /// What a compiled graph returns and what it writes, by name.
  private func values(
    _ graph: GraphDef, _ binding: DimBinding, _ feeds: [String: NDArray], workers: any Workers
  ) throws -> [(name: String, array: NDArray)] {
    let plan = try Plan(
      graph.mapping(.binding(binding)), workers: workers.count,
      sharing: LoopSharing(leastRows: 1, mostBytes: .max))
    var store = VariableStore(seed: 0)
    try store.add(graph.variables)
    let execution = Execution(plan, workers: workers)
    try execution.bind(to: &store)
    for (port, storage) in zip(plan.feeds, execution.feeds) {
      let feed = try #require(feeds[port.name])
      feed.withUnsafeBytes { bytes in
        if let base = bytes.baseAddress { storage.pointer.copyMemory(from: base, byteCount: bytes.count) }
      }
    }
    try execution.run(checksNumerics: false)
    return plan.outputs.enumerated().map { number, port in
      ("output \(number)", NDArray(port.type, copying: execution.pointer(to: port.slot)))
    } + plan.commits.map { ($0.name, NDArray($0.type, copying: execution.pointer(to: $0.slot))) }
  }

  private func expectSame(
    _ a: [(name: String, array: NDArray)], _ b: [(name: String, array: NDArray)], _ note: String
  ) {
    #expect(a.map(\.name) == b.map(\.name))
    for (a, b) in zip(a, b) {
      let isSame =
        a.array.isBitwiseEqual(to: b.array)
        || a.array.type == b.array.type
          && zip(a.array.doubles, b.array.doubles).allSatisfy { $0 == $1 || $0.isNaN && $1.isNaN }
      #expect(isSame, "\(note): \(a.name) is \(a.array), not \(b.array)")
    }
  }

  private func hasPrograms(_ graph: GraphDef) -> Bool {
    graph.nodes.contains { node in
      node.mnemonic == "fused" || node.op.asBodyOp.map { hasPrograms($0.body) } ?? false
    }
  }

  // MARK: Named dimensions

  /// What a node's window shows of a named dimension is held against what was fed, in a program as by itself.
  @Test(arguments: [DType.f32, .i32], [true, false])
  func windowsBeyondTheEndAreErrors(_ dtype: DType, _ isFused: Bool) throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", "time"], dtype: dtype)
    let other = graph.placeholder("other", shape: ["batch", 8], dtype: dtype)
    func piece(_ name: String, _ build: () -> Tensor) -> Tensor { graph.scope(name, build) }
    let cut = piece("cut") { x.sliced(axis: 1, from: 0, to: 8) + other }
    let parts = piece("parts") { x.split(sizes: [8, "time" - 8], axis: 1)[0] * other }
    let table = graph.constant(try NDArray(zeros: [4], dtype: dtype))
    let looked = piece("looked") { table.sliced(axis: 0, from: 0, to: "time") + x }
    let loop = piece("loop") {
      scan(over: [other], initial: [x]) { step in
        let x = step.carries[0]
        return ScanResult(carries: [x + x], outputs: [x.sliced(axis: 1, from: 0, to: 8) + step.slices[0]])
      }.outputs[0]
    }
    try graph.validate()
    let passes = isFused ? Compiler.pipeline : Self.plain
    func plan(_ tensor: Tensor, time: Int) throws -> Plan {
      let request = CompilationRequest(graph: graph.definition, fetches: [tensor.value])
      let compiled = try Compiler.compile(request, pipeline: passes).graph
      #expect(hasPrograms(compiled) == isFused)
      return try Plan(compiled.mapping(.binding(["batch": 3, "time": time])))
    }
    for (tensor, place, words) in [
      (cut, "cut/slice", "0..<8 is no part"), (parts, "parts/split", "-3"),
      (looked, "looked/slice", "0..<5 is no part"), (loop, "slice", "0..<8 is no part"),
    ] {
      let error = #expect(throws: FirnError.self) { try plan(tensor, time: 5) }
      #expect(error?.place == place && error?.location != nil, "\(String(describing: error))")
      #expect(error?.message.contains(words) == true, "\(String(describing: error))")
      _ = try plan(tensor, time: tensor == looked ? 4 : 8)
    }
  }

  // MARK: Signs

  /// Ops that differ in the sign of a zero are not merged, nor do they share a program.
  @Test func signsOfZeroStay() throws {
    let graph = Graph()
    let (x, y) = (graph.placeholder("x", shape: ["n"]), graph.placeholder("y", shape: ["n"]))
    let padded = [0.0, -0.0].map { 1 / x.padded(low: [1], high: [0], value: $0) }
    let bent = zip([x, y], [0.0, -0.0]).map { 1 / leakyReLU($0, alpha: $1) }
    try graph.validate()
    let session = try Session(graph, threads: 1)
    let feed = try NDArray([-1, -2, -3] as [Float], shape: [3])
    let program = try session.compile(fetching: padded + bent)
    let results = try session.run(program, feeding: ["x": feed, "y": feed])
    #expect(try padded.map { try results[$0].doubles[0] } == [.infinity, -.infinity])
    #expect(
      try bent.map { try results[$0].doubles }
        == [[-1, -1, -1], [1, 1, 1]].map { $0.map { $0 * .infinity } })
    #expect(
      Pad(low: [1], high: [0], interior: [0], value: .nan)
        == Pad(low: [1], high: [0], interior: [0], value: .nan))
  }

  // MARK: Random models

  @Test(arguments: 0..<200, [DType.f32, .f64])
  func randomModelsHaveTheSameBits(_ seed: Int, _ dtype: DType) throws {
    var options = RandomModel.Options()
    options.dtype = dtype
    options.convolves = seed % 2 == 1
    options.hasModes = seed % 3 == 1
    let model = RandomModel(seed: seed, options: options)
    let gradients = model.graph.gradients(
      of: [model.loss], withRespectTo: model.variables, unconnected: .zero)
    let fetches = gradients + model.outputs + model.assignments
    let request = CompilationRequest(
      graph: model.graph.definition, fetches: fetches.map(\.value), isTrainingMode: true)
    let fused = try Compiler.compile(request, pipeline: Self.whole).graph
    let plain = try Compiler.compile(request, pipeline: Self.plain).whole
    let feeds = Dictionary(uniqueKeysWithValues: model.feeds.map { ($0.tensor.name, $0.array) })
    let expected = try values(plain, model.binding, feeds, workers: WorkerPool(count: 1))
    let got = try values(fused, model.binding, feeds, workers: WorkerPool(count: 1))
    expectSame(got, expected, "fused")
    let apart = try values(fused.unfused, model.binding, feeds, workers: WorkerPool(count: 1))
    expectSame(apart, expected, "taken apart")
    let split = try values(fused, model.binding, feeds, workers: OddPieces())
    expectSame(split, expected, "split")
  }

  /// A test of programs that are never made would pass.
  @Test func mostRandomModelsHavePrograms() throws {
    var count = 0
    for seed in 0..<60 {
      let model = RandomModel(seed: seed)
      let request = CompilationRequest(
        graph: model.graph.definition, fetches: model.outputs.map(\.value), isTrainingMode: true)
      if hasPrograms(try Compiler.compile(request, pipeline: Self.whole).graph) { count += 1 }
    }
    #expect(count > 40, "\(count)")
  }

  /// Nothing that is repeated: columns are cut off, all of them or as many as there are, before rows go round.
  @Test(arguments: [(4, 4, 3), (2, 2, 3), (0, 4, 0), (0, 0, 3), (1, 3, 3)])
  func programsOfNothing(_ from: Int, _ to: Int, _ rows: Int) throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: [5, 4])
    let y = graph.placeholder("y", shape: ["rows", 5, Dim(to - from)])
    let part = x.sliced(axis: 1, from: Dim(from), to: Dim(to))
    let sum = tanh(part.broadcast(to: ["rows", 5, Dim(to - from)])) * y + part
    let total = exp(sum).sum(axes: [0])
    let request = CompilationRequest(graph: graph.definition, fetches: [sum.value, total.value])
    let (fused, plain) = (
      try Compiler.compile(request).graph, try Compiler.compile(request, pipeline: Self.plain).whole
    )
    #expect(hasPrograms(fused))
    let feeds = ["x": try NDArray(zeros: [5, 4]), "y": try NDArray(zeros: [rows, 5, to - from])]
    let expected = try values(plain, ["rows": rows], feeds, workers: WorkerPool(count: 1))
    expectSame(try values(fused, ["rows": rows], feeds, workers: WorkerPool(count: 1)), expected, "fused")
  }

  // MARK: Networks

  static let networks = ["lstm", "gru", "masked", "rnn", "convolution", "dense"]

  private func network(_ name: String, _ graph: Graph, _ dtype: DType) -> Tensor {
    graph.scope("model") {
      switch name {
      case "convolution":
        let x = graph.placeholder("x", shape: ["batch", 9, 8, 3])
        let first = relu(BatchNorm(name: "bn1")(Conv2D(5, kernel: (3, 3), name: "c1")(x)))
        let second = BatchNorm(name: "bn2")(Conv2D(5, kernel: (3, 3), padding: .same, name: "c2")(first))
        return square(relu(second + first)).mean()
      case "dense":
        let x = graph.placeholder("x", shape: ["batch", 37])
        return square(Dense(41, name: "b")(gelu(Dense(33, name: "a")(x)))).mean()
      default:
        let x = graph.placeholder("x", shape: ["batch", 6, 5])
        let cell: Tensor =
          switch name {
          case "lstm": LSTM(9, name: "net")(x)
          case "gru": GRU(9, name: "net")(x)
          case "masked":
            LSTM(9, name: "net").run(x, lengths: graph.placeholder("lengths", shape: ["batch"], dtype: .i32))
              .sequence
          default: SimpleRNN(9, name: "net")(x)
          }
        return square(cell).mean()
      }
    }
  }

  private func feeds(_ name: String, batch: Int) throws -> [String: NDArray] {
    let shape =
      switch name {
      case "convolution": [batch, 9, 8, 3]
      case "dense": [batch, 37]
      default: [batch, 6, 5]
      }
    let x = try Initializer.normal().values(shape: shape)
    let lengths = NDArray((0..<batch).map { Int32($0 % 7) })
    return ["model/x": x, "model/lengths": lengths]
  }

  private static let optimizers: [any Optimizer] = [
    Adam(learningRate: 0.05, weightDecay: 0.01), SGD(learningRate: 0.1, momentum: 0.9),
  ]

  @Test(arguments: networks, 0..<2)
  func networksTrainToTheSameBits(_ name: String, _ optimizer: Int) throws {
    let feeds = try feeds(name, batch: 19)
    func trained(_ pipeline: [Pass], threads: Int) throws -> Snapshot {
      let graph = Graph()
      let loss = network(name, graph, .f32)
      let session = try Session(graph, threads: threads)
      let program = try session.compile(
        CompilationRequest(
          graph: graph.definition, fetches: [],
          training: .init(loss: loss.value, optimizer: Self.optimizers[optimizer], clippingNorm: 1)),
        pipeline: pipeline)
      if pipeline.count == Compiler.pipeline.count { #expect(hasPrograms(program.graph)) }
      let given = Feeds(
        program.graph.nodes.compactMap { node -> (name: String, array: NDArray)? in
          node.op.effect == .feeds ? feeds[node.name].map { (node.name, $0) } : nil
        })
      for _ in 0..<3 { try session.run(program, feeding: given) }
      return try session.snapshot()
    }
    let expected = try trained(Self.plain, threads: 1)
    for threads in [1, 2, 3, 8] {
      #expect(try trained(Compiler.pipeline, threads: threads) == expected, "\(threads) threads")
    }
  }

  /// Fewer steps, and no more memory.
  @Test(arguments: networks) func plansAreShorterAndNoLarger(_ name: String) throws {
    let graph = Graph()
    let loss = network(name, graph, .f32)
    let request = CompilationRequest(
      graph: graph.definition, fetches: [], training: .init(loss: loss.value, optimizer: Adam()))
    func plan(_ pipeline: [Pass]) throws -> Plan {
      try Plan(try Compiler.compile(request, pipeline: pipeline).graph.mapping(.binding(["batch": 19])))
    }
    let (fused, plain) = (try plan(Compiler.pipeline), try plan(Self.plain))
    #expect(stepCount(fused) * 3 < stepCount(plain) * 2, "\(stepCount(fused)) of \(stepCount(plain))")
    #expect(fused.flops == plain.flops)
    // Scratch of a few registers, and what rounding up to 64 bytes makes of it.
    #expect(fused.arenaBytes <= plain.arenaBytes + 64 * 1024, "\(fused.arenaBytes), \(plain.arenaBytes)")
  }

  private func stepCount(_ plan: Plan) -> Int {
    plan.steps.reduce(0) { count, step in
      if case .loops(let loops) = step.work { count + stepCount(loops[0].body) } else { count + 1 }
    }
  }

  /// What goes beyond a block, by every kind of window.
  @Test(arguments: [1, 7, 1023, 1024, 1025, 5000], [1, 3]) func longOperands(_ rows: Int, _ columns: Int)
    throws
  {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["rows", Dim(columns)])
    let row = graph.placeholder("row", shape: [Dim(columns)])
    let column = graph.placeholder("column", shape: ["rows", 1])
    let one = graph.placeholder("one", shape: [])
    let made = tanh(x * row + column) * one
    let chosen = select(where: less(made, column), x, otherwise: made - one)
    let request = CompilationRequest(
      graph: graph.definition, fetches: [made.value, chosen.value], isTrainingMode: false)
    let fused = try Compiler.compile(request).whole
    #expect(hasPrograms(fused))
    var feeds: [String: NDArray] = [:]
    for (name, shape) in [("x", [rows, columns]), ("row", [columns]), ("column", [rows, 1]), ("one", [])] {
      feeds[name] = try Initializer.normal().values(shape: shape)
    }
    let binding: DimBinding = ["rows": rows]
    for dtype in [DType.f32, .f64] {
      let change = dtype == .f64 ? TypeChange.toReferencePrecision : .binding([:])
      let arrays = feeds.mapValues { dtype == .f64 ? $0.converted(to: .f64) : $0 }
      let program = fused.mapping(change)
      let expected = try values(
        program.unfused, binding, arrays, workers: WorkerPool(count: 1))
      for workers in [WorkerPool(count: 1), WorkerPool(count: 2), WorkerPool(count: 3)] {
        expectSame(try values(program, binding, arrays, workers: workers), expected, "\(dtype)")
      }
      expectSame(try values(program, binding, arrays, workers: OddPieces()), expected, "\(dtype) in pieces")
    }
  }

  /// A check of numerics looks at every value, those inside programs too, and names the node.
  @Test func numericsNameTheNode() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: [3])
    let y = tanh(identity(log(x), name: "inner") * 2) + 1
    let session = try Session(graph, threads: 1)
    session.checksNumerics = true
    let program = try session.compile(fetching: [y])
    #expect(hasPrograms(program.graph))
    do {
      _ = try session.run(program, feeding: [x: NDArray([1, 0, 2] as [Float])])
      Issue.record("minus infinity went unseen")
    } catch {
      #expect(error.place == "log", "\(error)")
    }
  }
}
