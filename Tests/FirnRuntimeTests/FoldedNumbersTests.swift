import FirnCompiler
import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
@testable import FirnRuntime
import FirnTestSupport
import FirnTraining
import Testing

/// What is folded rounds differently, by how much `Docs/Numbers.md` says.
@Suite struct FoldedNumbersTests {
  /// ResNet-18 with all but its head frozen, and batch norms that are no identities.
  private struct Network {
    let session: Session
    let x, y, scores, loss: Tensor
    let head: [Tensor]
    let feeds: Feeds

    init(size: Int) throws {
      let graph = Graph()
      x = graph.placeholder("x", shape: ["batch", Dim(size), Dim(size), 3])
      y = graph.placeholder("y", shape: ["batch"], dtype: .i32)
      let model = ResNet(.resNet18, classes: 20)
      scores = model(x)
      loss = sparseSoftmaxCrossEntropy(logits: scores, labels: y).mean()
      let kernel = graph.variables.filter { $0.name.hasPrefix("fc/") }
      head = try kernel.map { variable in
        try #require(graph.nodes.first { $0.op.effect == .reads(variable.name) }).name
      }.map { try #require(graph.tensor(named: $0)) }
      session = try Session(graph, threads: 2)
      session.onWarning = { _ in }
      for variable in graph.variables {
        let role = Path.last(of: variable.name)
        guard ["gamma", "beta", "moving_mean", "moving_variance"].contains(role) else { continue }
        let isPositive = role == "gamma" || role == "moving_variance"
        let initializer: Initializer = isPositive ? .uniform(0.5, 1.5) : .uniform(-0.5, 0.5)
        let shape = try #require(variable.type.shape.extents)
        try session.setValue(initializer.values(shape: shape, name: variable.name), of: variable.name)
      }
      feeds = [
        x: try Initializer.normal().values(shape: [2, size, size, 3], name: "x"),
        y: NDArray([3, 17] as [Int32]),
      ]
    }

    func program(_ passes: String) throws -> (program: Program, gradients: [Tensor]) {
      session.passes = passes
      defer { session.passes = nil }
      let gradients = session.graph.gradients(of: [loss], withRespectTo: head)
      return (
        try session.compile(fetching: gradients + [scores, loss], freezing: "!fc"), gradients
      )
    }
  }

  private func distance(_ a: NDArray, _ b: NDArray) -> Double {
    let scale = b.doubles.map(abs).max() ?? 1
    return zip(a.doubles, b.doubles).map { abs($0 - $1) }.max().map { $0 / max(scale, 1e-30) } ?? 0
  }

  /// Outputs and the head's gradients are within 10⁻⁵, and the step has no batch norm left.
  @Test func aFrozenTrunkHasNoBatchNorm() throws {
    let network = try Network(size: 64)
    let folded = try network.program("-transform-frozen")
    let plain = try network.program("-fold-frozen,-transform-frozen,-hoist-frozen")
    let (got, expected) = try (
      network.session.run(folded.program, feeding: network.feeds),
      network.session.run(plain.program, feeding: network.feeds)
    )
    // Convolutions by transforms besides leave as little.
    let both = try network.program("")
    let made = try network.session.run(both.program, feeding: network.feeds)
    #expect(both.program.frozenReport.transforms.count == 10)
    #expect(both.program.graph.unfused.nodes.count { $0.mnemonic == "winograd_convolution" } == 10)
    for (a, b) in zip([network.scores] + both.gradients, [network.scores] + plain.gradients) {
      #expect(try distance(made[a], expected[b]) < 1e-5, "\(a)")
    }
    #expect(try distance(got[network.scores], expected[network.scores]) < 1e-5)
    for (a, b) in zip(folded.gradients, plain.gradients) {
      #expect(try distance(got[a], expected[b]) < 1e-5, "\(a)")
    }
    let report = folded.program.frozenReport
    #expect(report.folds.count { $0.kind == .scale } == 20)
    let step = folded.program.graph.unfused
    #expect(!step.nodes.contains { ["rsqrt", "pack", "pack_kernel"].contains($0.mnemonic) })
    #expect(!step.nodes.contains { $0.mnemonic == "mul" && $0.phase == .forward && $0.name.contains("bn") })
    #expect(step.nodes.count { $0.mnemonic == "conv2d_packed" } == 20)
    // Kernels are read as they are only where no batch norm stands behind them, which is nowhere.
    let reads = step.nodes.compactMap { node -> String? in
      if case .reads(let name) = node.op.effect { name } else { nil }
    }
    #expect(Set(reads).isSubset(of: ["fc/kernel", "fc/bias"]), "\(reads)")
  }

  /// Setting one of a batch norm's variables is seen in the kernel that it is folded into, and makes nothing else.
  @Test func aFoldedVariableIsNotStale() throws {
    let network = try Network(size: 32)
    let (program, _) = try network.program("")
    _ = try network.session.run(program, feeding: network.feeds)
    let name = "layer2/0/bn1/gamma"
    let value = try network.session.value(of: name)
    try network.session.setValue(
      NDArray(value.doubles.map { $0 * 1.5 }, shape: value.shape).converted(to: .f32), of: name)
    let before = network.session.boundValuesMade
    let got = try network.session.run(program, feeding: network.feeds)[network.scores]
    let made = network.session.boundValuesMade - before
    let readers = program.frozenReport.values.filter { $0.variables.contains(name) }.map(\.name)
    #expect(made == readers.count && network.session.lastBoundValues == readers && (1...2).contains(made))
    let plain = try network.program("-fold-frozen,-transform-frozen")
    let expected = try network.session.run(plain.program, feeding: network.feeds)[network.scores]
    #expect(distance(got, expected) < 1e-5)
  }

  /// Random models with any of their variables frozen, with the pass and without.
  @Test(arguments: 0..<300) func randomModelsAreNear(_ seed: Int) throws {
    var options = RandomModel.Options()
    options.dtype = .f64
    options.isSmooth = true
    let model = RandomModel(seed: seed, options: options)
    var source = RandomSource(seed: seed)
    let frozen = model.variables.filter { _ in source.chance(75) }
    let paths = frozen.map { Selection.path($0.name) }
    guard let selection = paths.dropFirst().reduce(paths.first, { left, right in left.map { $0 | right } })
    else {
      return
    }
    let fetches = model.outputs + [model.loss]
    let session = try Session(model.graph, threads: 1)
    session.onWarning = { _ in }
    let feeds = Feeds(model.feeds.map { (name: $0.tensor.name, array: $0.array) })
    func results(_ passes: String) throws -> [NDArray] {
      session.passes = passes
      session.runs = 0
      let program = try session.compile(fetching: fetches, freezing: selection)
      return try session.run(program, feeding: feeds).arrays.map { try #require($0) }
    }
    for (a, b) in zip(try results(""), try results("-fold-frozen")) {
      let scale = max(1, b.doubles.filter(\.isFinite).map(abs).max() ?? 0)
      let isNear = zip(a.doubles, b.doubles).allSatisfy { a, b in
        a == b || !(a.isFinite && b.isFinite) || abs(a - b) <= 1e-9 * scale
      }
      #expect(isNear, "\(a) is not \(b)")
    }
  }

  /// The rest of a half-frozen chain of linear maps learns what it would: values and gradients of what is trained.
  @Test func trainingIsNear() throws {
    func trained(_ passes: String) throws -> (Snapshot, Int) {
      let graph = Graph()
      let x = graph.placeholder("x", shape: ["batch", 12])
      let lower = Dense(20, activation: .tanh, name: "lower")(x)
      let middle = Dense(16, name: "middle")(lower)
      let scaled = graph.scope("norm") {
        middle * graph.variable("gamma", shape: [16], initializer: .uniform(0.5, 1.5))
          + graph.variable("beta", shape: [16], initializer: .normal())
      }
      let upper = Dense(8, name: "upper")(scaled)
      let loss = square(Dense(4, name: "head")(tanh(upper))).mean()
      let session = try Session(graph, threads: 1)
      session.onWarning = { _ in }
      session.passes = passes
      let program = try session.compile(
        minimizing: loss, with: SGD(learningRate: 0.1), freezing: "middle | norm | upper")
      let feeds: Feeds = [x: try Initializer.normal().values(shape: [6, 12], name: "x")]
      for _ in 0..<5 { try session.run(program, feeding: feeds) }
      return (try session.snapshot(), program.frozenReport.folds.count)
    }
    let ((folded, count), (plain, none)) = (try trained(""), try trained("-fold-frozen"))
    #expect(count > 0 && none == 0)
    for (a, b) in zip(folded.values, plain.values) {
      #expect(a.name == b.name && distance(a.array, b.array) < 1e-5, "\(a.name)")
    }
  }
}
