import FirnCompiler
import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
import FirnRuntime
import FirnTestSupport
import FirnTraining
import Testing

/// `recomputing:`: scopes whose values are not kept but computed again have the same bits, and less is kept.
@Suite struct RecomputedScopesTests {
  /// Blocks of random layers with dropout, batch norms, pools, loops and states, one scope each.
  private struct Model {
    let graph = Graph()
    let x: Tensor
    private(set) var loss: Tensor
    private(set) var blocks: [String] = []

    init(seed: Int) {
      var source = RandomSource(seed: seed)
      let x = graph.placeholder("x", shape: ["batch", 6, 6, 4])
      self.x = x
      loss = graph.constant(0)
      var value = x
      for number in 0..<3 + source.below(3) {
        let name = "block_\(number)"
        blocks.append(name)
        value = graph.scope(name) { () -> Tensor in
          var value = value
          for _ in 0..<1 + source.below(3) { value = Self.layer(value, &source) }
          return value
        }
        if source.chance(30) { loss = loss + square(value).mean() }
      }
      loss = loss + square(Dense(3, name: "head")(value.mean(axes: [1, 2]))).mean()
    }

    private static func layer(_ x: Tensor, _ source: inout RandomSource) -> Tensor {
      switch source.below(8) {
      case 0, 1: return relu(Conv2D(3 + source.below(4), kernel: 3, padding: .same)(x))
      case 2: return relu(BatchNorm()(x))
      case 3: return dropout(x, rate: 0.3)
      case 4: return x + tanh(x)
      case 5: return maxPool2d(x, window: (3, 3), strides: (1, 1), padding: .same)
      case 6:
        let rows = x.mean(axes: [2])
        let states = LSTM(5, name: "lstm").run(rows).sequence
        let wide = Dense(x.shape[3].value ?? 1)(states).mean(axes: [1], keepingAxes: true)
        return x + wide.reshaped(to: Shape(["batch", 1, 1, x.shape[3]])).broadcast(to: x.shape)
      default: return gelu(x)
      }
    }

    /// Two steps of training: the losses and every variable.
    func trained(
      recomputing: [String], freezing: Selection? = nil, passes: String = ""
    ) throws -> (values: [String: NDArray], program: Program) {
      let session = try Session(graph, seed: 5)
      session.onWarning = { _ in }
      session.passes = passes
      let program = try session.compile(
        minimizing: loss, with: SGD(learningRate: 0.05, momentum: 0.9), freezing: freezing,
        recomputing: recomputing)
      let feed = try Initializer.normal().values(shape: [3, 6, 6, 4], name: "x")
      var values: [String: NDArray] = [:]
      for step in 0..<2 { values["loss \(step)"] = try session.run(program, feeding: [x: feed])[loss] }
      for variable in session.variables { values[variable.name] = try session.value(of: variable.name) }
      return (values, program)
    }
  }

  private func isSame(_ a: NDArray, _ b: NDArray) -> Bool {
    a.isBitwiseEqual(to: b)
      || a.type == b.type && zip(a.doubles, b.doubles).allSatisfy { $0 == $1 || $0.isNaN && $1.isNaN }
  }

  /// Losses, weights, slots and moving averages after two steps, whichever scopes are computed again and frozen; and
  /// whether masks are kept or values.
  @Test(arguments: 0..<60) func everyBitStays(_ seed: Int) throws {
    let model = Model(seed: seed)
    var source = RandomSource(seed: seed + 1000)
    let again = model.blocks.filter { _ in source.chance(60) }
    let frozen = model.blocks.filter { _ in source.chance(30) }
      .filter { block in model.graph.variables.contains { Path.isWithin($0.name, block) } }
    let freezing = frozen.isEmpty ? nil : try Selection(frozen.joined(separator: " | "))
    let plain = try model.trained(recomputing: [], freezing: freezing, passes: "-keep-bits,-remake-quick")
    for (recomputing, passes) in [
      ([], ""), ([], "-keep-bits"), (again, ""), (again, "-keep-bits"), (again, "-keep-bits,-remake-quick"),
      (["*"], ""),
    ] {
      let other = try model.trained(recomputing: recomputing, freezing: freezing, passes: passes)
      #expect(other.values.count == plain.values.count)
      for (name, value) in plain.values {
        #expect(
          other.values[name].map { isSame($0, value) } == true,
          "\(name), \(recomputing), \(passes), \(frozen)")
      }
      // Masks are compared forward.
      if !passes.isEmpty { #expect(other.program.cost.forwardFLOPs == plain.program.cost.forwardFLOPs) }
    }
  }

  /// Bits of a frozen loop's ReLUs in the place of their values, through layers that run one way and both, with lengths
  /// and without: what is trained has the bits it has with values.
  @Test(arguments: [1, 3]) func masksOfLoopsChangeNoBit(_ threads: Int) throws {
    for isBidirectional in [false, true] {
      let graph = Graph()
      let x = graph.placeholder("x", shape: ["batch", 7, 5])
      let lengths = graph.placeholder("lengths", shape: ["batch"], dtype: .i32)
      let low = Dense(6, name: "low")(x)
      let middle = SimpleRNN(33, activation: .relu, isBidirectional: isBidirectional, name: "middle")
      let top = SimpleRNN(34, activation: .relu, isBidirectional: isBidirectional, name: "top")
      let rows = top.run(middle.run(low, lengths: lengths).sequence).sequence
      let loss = square(Dense(3, name: "high")(rows)).mean()
      func trained(_ passes: String) throws -> ([NDArray], MemoryReport) {
        let session = try Session(graph, seed: 5, threads: threads)
        session.onWarning = { _ in }
        session.passes = passes
        let program = try session.compile(
          minimizing: loss, with: SGD(learningRate: 0.1), freezing: "middle | top | high")
        for batch in [3, 5] {
          _ = try session.run(
            program,
            feeding: [
              x: Initializer.normal().values(shape: [batch, 7, 5], name: "x\(batch)"),
              lengths: NDArray((0..<batch).map { Int32(7 - $0) }),
            ])
        }
        return (
          try ["low/kernel", "low/bias"].map { try session.value(of: $0) }, program.memoryReport
        )
      }
      let ((bits, less), (values, plain)) = (try trained(""), try trained("-keep-bits"))
      #expect(zip(bits, values).allSatisfy { $0.isBitwiseEqual(to: $1) })
      #expect(less.condensed.count >= (isBidirectional ? 2 : 1) && plain.condensed.isEmpty, "\(less)")
      let kept = [less, plain].map { $0.keptBytes.bound(by: ["batch": 5]).value ?? 0 }
      #expect(2 * kept[0] < kept[1], "\(kept)")
    }
  }

  /// Were nothing computed again, the test above would show nothing.
  @Test func mostModelsKeepLess() throws {
    var (again, masks) = (0, 0)
    for seed in 0..<20 {
      let model = Model(seed: seed)
      let plain = try model.trained(recomputing: []).program
      let less = try model.trained(recomputing: ["block_*"]).program
      let bytes = [plain, less].map { $0.cost.keptBytes.bound(by: ["batch": 3]).value ?? 0 }
      if bytes[1] < bytes[0] { again += 1 }
      if !plain.memoryReport.condensed.isEmpty { masks += 1 }
    }
    #expect(again >= 14 && masks >= 5, "\(again) and \(masks) of 20")
  }

  /// A prefix that no gradient passes is not computed again, whoever asks; checkpointed modules of PyTorch lose all
  /// gradients there or compute for nothing.
  @Test func aFrozenPrefixIsNotComputedAgain() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 8])
    let low = graph.scope("low") { tanh(Dense(16)(tanh(Dense(24)(x)))) }
    let middle = graph.scope("middle") { tanh(Dense(16)(tanh(Dense(24)(low)))) }
    let loss = square(Dense(3, name: "head")(middle)).mean()
    let session = try Session(graph)
    session.onWarning = { _ in }
    let program = try session.compile(
      minimizing: loss, with: SGD(learningRate: 0.1), freezing: "low", recomputing: ["low", "middle"])
    #expect(program.memoryReport.recomputed.map(\.scope) == ["middle"])
    let frozen = try session.compile(
      minimizing: loss, with: SGD(learningRate: 0.1), freezing: "low | middle",
      recomputing: ["low", "middle"])
    #expect(frozen.memoryReport.recomputed.isEmpty)
    #expect(!frozen.graph.nodes.contains { $0.name.hasPrefix("recomputed/") })
    let thawed = try session.compile(
      minimizing: loss, with: SGD(learningRate: 0.1), recomputing: ["low", "middle"])
    #expect(thawed.memoryReport.recomputed.map(\.scope) == ["low", "middle"])
    #expect(thawed.description.contains("2 scopes computed again"))
  }

  /// The memory a run takes falls, not only the count of it.
  @Test func theArenaIsSmaller() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 64])
    var value = x
    for number in 0..<8 {
      value = graph.scope("block_\(number)") {
        var value = value
        for _ in 0..<6 { value = gelu(Dense(64)(value)) }
        return value
      }
    }
    let loss = square(value).mean()
    let session = try Session(graph)
    session.onWarning = { _ in }
    func bytes(_ recomputing: [String]) throws -> Int {
      let program = try session.compile(
        minimizing: loss, with: SGD(learningRate: 0.1), recomputing: recomputing)
      return try session.arenaBytes(of: program, binding: ["batch": 1024])
    }
    let (plain, again) = (try bytes([]), try bytes(["block_*"]))
    #expect(Double(again) < 0.4 * Double(plain), "\(again) of \(plain)")
  }

  @Test func aScopeThatIsNotThereIsAnError() throws {
    let model = Model(seed: 1)
    let session = try Session(model.graph)
    let error = try #require(throws: FirnError.self) {
      _ = try session.compile(
        minimizing: model.loss, with: SGD(learningRate: 0.1), recomputing: ["blok_0"])
    }
    #expect(error.code == .invalidSelection && error.remedy?.contains("block_0") == true)
  }
}
