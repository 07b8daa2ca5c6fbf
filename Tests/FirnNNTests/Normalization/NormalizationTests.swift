import FirnNotation
import FirnCompiler
import FirnGraph
import FirnNN
import FirnOps
import FirnRuntime
import FirnTraining
import Testing

/// Normalisation as PyTorch and Keras have it, in values, gradients and moved averages.
@Suite struct NormalizationTests {
  private static func layer(_ name: String) -> any Layer {
    switch name {
    case "layer": LayerNorm(name: "n")
    case "layer-two-axes": LayerNorm(axes: [-1, -2], name: "n")
    case "layer-axis-1": LayerNorm(axes: [1], name: "n")
    case "layer-plain": LayerNorm(usesGain: false, usesBias: false, name: "n")
    case "layer-no-bias": LayerNorm(usesBias: false, name: "n")
    case "layer-keras-axes": LayerNorm(axes: [1, 2], usesGain: false, name: "n")
    case "group": GroupNorm(groups: 2, name: "n")
    case "group-instance": GroupNorm(groups: 4, name: "n")
    case "batch-plain": BatchNorm(isAffine: false, name: "n")
    case "batch-momentum": BatchNorm(momentum: 0.7, epsilon: 1e-2, name: "n")
    case "batch-cumulative": BatchNorm(isCumulative: true, name: "n")
    case "batch-keras", "batch-keras-inference": BatchNorm(convention: .keras, name: "n")
    case "batch-keras-momentum": BatchNorm(convention: .keras, momentum: 0.8, name: "n")
    default: BatchNorm(name: "n")
    }
  }

  @Test(arguments: [DType.f64, .f32]) func agreesWithPyTorchAndKeras(_ dtype: DType) throws {
    let fixtures = try Fixture.load("norms.json")
    #expect(fixtures.count == 18)
    for fixture in fixtures {
      let layer = Self.layer(fixture.name)
      let seeds = try #require(fixture.seeds)
      let computed = try #require(fixture.results)
      let gradientsExpected = try #require(fixture.gradients)
      let graph = Graph()
      let calls = fixture.inputs.keys.sorted()
      let inputs = try calls.map { name in
        graph.variable(
          name, shape: Shape(try #require(fixture.inputs[name]).shape), dtype: dtype,
          initializer: .array(try fixture.input(name, dtype)))
      }
      let outputs = inputs.map { layer($0) }
      let terms = try outputs.enumerated().map { call, output in
        output * graph.constant(try #require(seeds["y\(call)"]).array(dtype))
      }
      let loss = terms.dropFirst().reduce(terms[0].sum()) { $0 + $1.sum() }
      let wanted = try gradientsExpected.keys.sorted().map { name in
        (name, try #require(graph.tensor(named: name.hasPrefix("x") ? name : "n/\(name)")))
      }
      let gradients = graph.gradients(of: [loss], withRespectTo: wanted.map(\.1))
      let session = try quietSession(graph)
      for (name, array) in try fixture.weights(dtype) { try session.setValue(array, of: "n/\(name)") }
      let program = try session.compile(
        fetching: outputs + gradients, inTrainingMode: !fixture.name.hasSuffix("inference"))
      let results = try session.run(program)

      let tolerance = dtype == .f64 ? 1e-12 : 2e-6
      func check(_ got: NDArray, _ expected: Fixture.Numbers?, _ what: String) throws {
        let distance = try difference(got, #require(expected))
        #expect(distance <= tolerance, "\(fixture.name) \(what): off by \(distance)")
      }
      for (call, output) in outputs.enumerated() {
        try check(results[output], computed["y\(call)"], "y\(call)")
      }
      for (place, (name, _)) in wanted.enumerated() {
        try check(results[gradients[place]], gradientsExpected[name], "gradient of \(name)")
      }
      for name in ["moving_mean", "moving_variance"] where computed[name] != nil {
        try check(session.value(of: "n/\(name)"), computed[name], name)
      }
    }
  }

  /// The gain is that of each feature, and learns.
  @Test func rootMeanSquaresHaveAGain() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 2], dtype: .f64)
    let y = RMSNorm(epsilon: 1e-12, name: "n")(x)
    let gamma = try #require(graph.tensor(named: "n/gamma"))
    let gradient = graph.gradients(of: [y.sum()], withRespectTo: [gamma])[0]
    let session = try quietSession(graph)
    try session.setValue(NDArray([10.0, 100]), of: "n/gamma")
    let results = try session.run(
      session.compile(fetching: [y, gradient]), feeding: [x: NDArray([1.0, 7], shape: [1, 2])])
    #expect(zip(try results[y].doubles, [2.0, 140]).allSatisfy { abs($0 - $1) < 1e-9 })
    #expect(zip(try results[gradient].doubles, [0.2, 1.4]).allSatisfy { abs($0 - $1) < 1e-9 })
  }

  /// Each run counts its batch; inference and a frozen scope count none.
  @Test func cumulativeAveragesCountBatches() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 2], dtype: .f64)
    let y = BatchNorm(isCumulative: true, name: "n")(x)
    let session = try quietSession(graph)
    #expect(graph.variables.map(\.name).contains("n/batch_count"))
    let training = try session.compile(fetching: [y], inTrainingMode: true)
    let batches = try (0..<3).map { try noise([4, 2]) + Double($0) }
    for batch in batches { try session.run(training, feeding: [x: batch]) }
    let mean = try concatenate(batches).mean(axes: [0])
    #expect(try session.value(of: "n/moving_mean").isClose(to: mean, relative: 1e-14))
    #expect(try session.value(of: "n/batch_count").scalar == 3)
    for program in [
      try session.compile(fetching: [y]),
      try session.compile(fetching: [y], freezing: "n", inTrainingMode: true),
    ] {
      try session.run(program, feeding: [x: batches[2]])
    }
    #expect(try session.value(of: "n/batch_count").scalar == 3)
  }

  /// The other convention's momentum is warned of where a program trains, with the layer and its line.
  @Test func aMomentumOfTheOtherConventionWarns() throws {
    func warnings(_ layer: BatchNorm, training: Bool = true) throws -> [String] {
      let graph = Graph()
      let x = graph.placeholder("x", shape: ["batch", 2])
      let loss = square(graph.scope("net") { layer(x) }).mean()
      let session = try Session(graph)
      var heard: [String] = []
      session.onWarning = { heard.append($0) }
      let program =
        training
        ? try session.compile(minimizing: loss, with: plainDescent) : try session.compile(fetching: [loss])
      #expect(program.warnings == heard)
      return heard
    }
    let found = try warnings(BatchNorm(momentum: 0.99, name: "n"))
    #expect(
      found.count == 1 && found[0].hasPrefix("`net/n`: batch norm: a momentum of 0.99 in PyTorch's sense"))
    #expect(found.first?.contains("Keras would call it 0.01 (") == true)
    #expect(found.first?.contains("NormalizationTests.swift") == true)
    #expect(try warnings(BatchNorm(convention: .keras, momentum: 0.1)).count == 1)
    #expect(try warnings(BatchNorm(momentum: 0.99), training: false) == [])
    for layer in [
      BatchNorm(), BatchNorm(momentum: 0.5), BatchNorm(convention: .keras), BatchNorm(isCumulative: true),
      BatchNorm(convention: .keras, momentum: 0.5),
    ] {
      #expect(try warnings(layer) == [])
    }
  }

  /// Differentiating twice leaves one writer and the same moves.
  @Test func secondDerivativesGoThroughBatchStatistics() throws {
    let graph = Graph()
    let x = graph.variable("x", shape: [4, 2], dtype: .f64, initializer: .uniform(-1, 1))
    let y = tanh(BatchNorm(name: "n")(x))
    let slope = graph.gradients(of: [y.sum()], withRespectTo: [x])[0]
    let loss = square(slope).sum()
    let session = try quietSession(graph)
    try checkGradients(of: loss, by: [x], in: session, inTrainingMode: true)
    let program = try session.compile(
      fetching: graph.gradients(of: [loss], withRespectTo: [x]), inTrainingMode: true)
    #expect(program.graph.writtenVariables.sorted() == ["n/moving_mean", "n/moving_variance"])
  }

  @Test func momentsMoveOnlyWithWhatIsComputed() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 3])
    let other = graph.placeholder("other", shape: ["batch", 3])
    let (a, b) = (BatchNorm(name: "a")(x), BatchNorm(name: "b")(other))
    let session = try quietSession(graph)
    let program = try session.compile(fetching: [a], inTrainingMode: true)
    #expect(program.graph.writtenVariables == ["a/moving_mean", "a/moving_variance"])
    try session.run(program, feeding: [x: noise([5, 3], .f32)])
    let inference = try session.compile(fetching: [a, b])
    #expect(inference.graph.writtenVariables.isEmpty)
    // What inference does not read is not there: no statistics of batches.
    #expect(!inference.graph.nodes.contains { $0.mnemonic == "reduce_mean" })
  }

  /// One value a channel is its own mean: training would give a constant and learn nothing.
  ///
  /// PyTorch refuses it, too.
  @Test(arguments: [Dim(1), "batch"]) func oneValueAChannelIsRefusedInTraining(_ batch: Dim)
    throws
  {
    let graph = Graph()
    let x = graph.placeholder("x", shape: [batch, 3])
    let y = BatchNorm(name: "n")(x)
    let session = try quietSession(graph)
    let one = try noise([1, 3], .f32)
    let program = try session.compile(fetching: [y], inTrainingMode: true)
    let fault = try #require(throws: FirnError.self) { try session.run(program, feeding: [x: one]) }
    #expect(fault.code == .invalidArgument && fault.message.contains("1 value in training"), "\(fault)")
    #expect(fault.place?.hasPrefix("n/") == true && fault.remedy?.contains("freeze") == true)
    #expect(try session.value(of: "n/moving_variance").doubles == [1, 1, 1], "nothing moved")
    let inference = try session.compile(fetching: [y])
    #expect(try session.run(inference, feeding: [x: one])[y].doubles.allSatisfy { $0 != 0 })
    let frozen = try session.compile(fetching: [y], freezing: "n", inTrainingMode: true)
    #expect(try session.run(frozen, feeding: [x: one])[y].doubles.allSatisfy { $0 != 0 })
  }

  /// Pixels count as examples do.
  @Test func oneImageHasStatistics() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 2, 1, 3])
    let y = BatchNorm(name: "n")(x)
    let session = try quietSession(graph)
    let program = try session.compile(fetching: [y], inTrainingMode: true)
    let values = try session.run(program, feeding: [x: noise([1, 2, 1, 3], .f32)])[y].doubles
    #expect(zip(values, values.dropFirst(3)).allSatisfy { abs($0 + $1) < 1e-5 && $0 != 0 })
  }

  @Test(arguments: ["batch", "layer", "group", "rms"], [0, -1e-5, .nan])
  func epsilonIsPositive(_ kind: String, _ epsilon: Double) throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 4])
    switch kind {
    case "batch": _ = BatchNorm(epsilon: epsilon, name: "n")(x)
    case "layer": _ = LayerNorm(epsilon: epsilon, name: "n")(x)
    case "rms": _ = RMSNorm(epsilon: epsilon, name: "n")(x)
    default: _ = GroupNorm(groups: 2, epsilon: epsilon, name: "n")(x)
    }
    let fault = try #require(throws: FirnError.self) { try graph.validate() }
    #expect(fault.place == "n" && fault.message.contains("epsilon \(epsilon)"), "\(fault)")
  }

  @Test func faultsNameTheLayerAndBothNumbers() throws {
    func fault(_ build: (Graph) -> Void) throws -> FirnError {
      let graph = Graph()
      graph.scope("net") { build(graph) }
      return try #require(throws: FirnError.self) { try graph.validate() }
    }
    let widths = try fault { graph in
      let layer = BatchNorm(name: "n")
      _ = layer(graph.placeholder("x", shape: ["batch", 3]))
      _ = layer(graph.placeholder("z", shape: ["batch", 4]))
    }
    #expect(widths.place == "net/n" && widths.message.contains("4 channels, the layer 3"))
    let features = try fault { graph in
      let layer = RMSNorm(name: "n")
      _ = layer(graph.placeholder("x", shape: ["batch", 3]))
      _ = layer(graph.placeholder("z", shape: ["batch", 4]))
    }
    #expect(features.place == "net/n" && features.constraint == "C1")
    let groups = try fault { _ = GroupNorm(groups: 4, name: "g")($0.placeholder("x", shape: ["batch", 6])) }
    #expect(groups.place == "net/g" && groups.message.contains("4 groups do not divide the 6"))
    let momentum = try fault { _ = BatchNorm(momentum: 1.5)($0.placeholder("x", shape: ["batch", 6])) }
    #expect(momentum.message.contains("1.5") && momentum.remedy?.contains("0.9") == true)
    let both = try fault {
      _ = BatchNorm(momentum: 0.1, isCumulative: true)($0.placeholder("x", shape: ["batch", 6]))
    }
    #expect(both.constraint == "C5" && both.message.contains("cumulative"))
    for axes in [[], [2], [-3], [1, -1]] {
      let fault = try fault { _ = LayerNorm(axes: axes)($0.placeholder("x", shape: ["batch", 6])) }
      #expect(fault.constraint == "C3" && fault.message.contains("\(axes)"), "\(fault)")
    }
    let named = try fault { _ = LayerNorm(axes: [0, 1])($0.placeholder("x", shape: ["batch", 6])) }
    #expect(named.constraint == "C1" && named.message.contains("[batch,6]"))
    let loop = try fault { graph in
      let x = graph.placeholder("x", shape: ["time", 5, 6])
      let layer = BatchNorm(name: "n")
      _ = scan(over: [x], initial: []) { step in
        ScanResult(carries: [], outputs: [layer(step.slices[0])])
      }
    }
    #expect(loop.code == .invalidGraph && loop.message.contains("loop"))
    let body = try fault { graph in
      let x = graph.placeholder("x", shape: ["time", 5])
      let count = graph.variable("count", shape: [5], kind: .state)
      _ = scan(over: [x], initial: []) { step in
        graph.assign(count + 1, to: count, whenTraining: step.slices[0])
        return ScanResult(carries: [], outputs: [step.slices[0]])
      }
    }
    #expect(body.code == .invalidGraph && body.message.contains("count"))
  }
}
