import FirnGraph
import FirnOps
import FirnTestSupport
import Testing

/// What the analysis says cannot change does not, on graphs of the real ops and in loops.
@Suite struct DependenceTests {
  /// Changes one source at a time: only values that carry its bit may differ.
  @Test(arguments: 0..<120) func whatHasNoBitDoesNotVary(_ seed: Int) throws {
    let model = RandomModel(seed: seed)
    let graph = model.graph.definition.mapping(.binding(model.binding))
    let trained: Set<String> = ["a", "c"]
    let analysis = DependenceAnalysis(graph, trained: trained)
    var base = PlainEvaluator()
    for variable in graph.variables {
      base.variables[variable.name] = try variable.initializer.sample(
        #require(ArrayType(variable.type)), seed: 0, name: variable.name)
    }
    for feed in model.feeds { base.feeds[feed.tensor.name] = feed.array }
    let before = try base.values(of: graph)

    var source = RandomSource(seed: seed + 1000)
    func check(_ bit: Dependence, _ change: (inout PlainEvaluator) -> Void) throws {
      var changed = base
      change(&changed)
      let after = try changed.values(of: graph)
      for (value, array) in before where !analysis[value].contains(bit) {
        let isSame = after[value].map { $0.isBitwiseEqual(to: array) } ?? false
        #expect(isSame, "`\(graph.name(of: value))` is \(analysis[value]) and varies with \(bit)")
      }
    }
    try check(.data) { evaluator in
      for feed in model.feeds { evaluator.feeds[feed.tensor.name] = source.array(feed.array.shape, .f64) }
    }
    try check(.trainable) { evaluator in
      for name in trained.sorted() {
        evaluator.variables[name] = evaluator.variables[name].map { source.array($0.shape, .f64) }
      }
    }
    try check(.random) { $0.run = 7 }
    try check(.state) { evaluator in
      for name in ["left", "right", "last"] {
        evaluator.variables[name] = evaluator.variables[name].map { source.array($0.shape, .f64) }
      }
    }
  }

  private static let loop = """
    firn 1
    variable w : f32[3] {kind = "parameter", role = "", trainable = true, initializer = ["constant", 1.0]}
    variable v : f32[3] {kind = "parameter", role = "", trainable = true, initializer = ["constant", 1.0]}
    %x = placeholder() {dtype = f32, shape = [4,3]} : f32[4,3]
    %w = read() {variable = "w", dtype = f32, shape = [3]} : f32[3]
    %v = read() {variable = "v", dtype = f32, shape = [3]} : f32[3]
    %scan:2 = scan(%w, %x, %v) {carries = 1, slices = 1, captures = 1, length = 4, reversed = false, body = {
      %t = loop_input() {kind = "index", position = 0, dtype = i32, shape = []} : i32[]
      %h = loop_input() {kind = "carry", position = 0, dtype = f32, shape = [3]} : f32[3]
      %x = loop_input() {kind = "slice", position = 0, dtype = f32, shape = [3]} : f32[3]
      %v = loop_input() {kind = "capture", position = 0, dtype = f32, shape = [3]} : f32[3]
      %folded = exp(%v) : f32[3]
      %k = constant() {value = f32[3](1.0, 2.0, 3.0)} : f32[3]
      %scaled = mul(%folded, %k) : f32[3]
      %next = add(%h, %scaled) : f32[3]
      %out = mul(%x, %next) : f32[3]
      return %next, %out
    }} : f32[3], f32[4,3]
    %frozen = exp(%v) : f32[3]
    return %scan, %scan:1, %frozen
    """

  @Test func loopsHandOnWhatGoesIn() throws {
    let graph = try parsed(Self.loop)
    let analysis = DependenceAnalysis(graph, trained: ["w"])
    let scan = try #require(graph.index(ofNodeNamed: "scan"))
    #expect(analysis[Value(scan)] == .trainable)
    #expect(analysis[Value(scan, 1)] == [.data, .trainable])
    #expect(analysis[graph.outputs[2]] == [])
  }

  /// One op of each kind of source, and what is made of it alone.
  @Test func everySourceHasItsBit() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: [3])
    let frozen = graph.variable("frozen", shape: [3])
    let trained = graph.variable("trained", shape: [3])
    let mean = graph.variable("mean", shape: [3], kind: .state)
    let still = graph.variable("still", shape: [3], kind: .state)
    let fixed = exp(frozen) * 2 + graph.constant(NDArray([1, 2, 3] as [Float]))
    let values: [(Tensor, Dependence)] = [
      (tanh(x), .data), (fixed, []), (trained * fixed, .trainable), (-mean, .state), (still * 2, []),
      (graph.randomNormal([3]), .random), (x * trained, [.data, .trainable]),
      (stopGradient(trained), .trainable), (floor(x + mean), [.data, .state]),
    ]
    let assignment = graph.assign(fixed, to: mean)
    let definition = graph.definition
    try graph.validate()
    let analysis = DependenceAnalysis(definition, trained: ["trained"])
    for (tensor, bits) in values { #expect(analysis[tensor.value] == bits, "\(tensor.name)") }
    #expect(analysis[assignment.value] == [])
  }

  /// A loop's result has the bits of what its body makes it of, however many rounds it takes to get there.
  @Test func resultsOfLoopsAreToldApart() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: [4, 3])
    let frozen = graph.variable("frozen", shape: [3])
    let trained = graph.variable("trained", shape: [3])
    let mean = graph.variable("mean", shape: [3], kind: .state)
    let zero = graph.constant(NDArray([0, 0, 0] as [Float]))
    let noise = graph.randomNormal([3])
    // Each carry takes the one before, so that what goes in at the first gets to the last in three rounds.
    let (carries, outputs) = scan(over: [x], initial: [frozen, zero, zero, zero]) { step in
      let inner = scan(over: [step.slices[0].reshaped(to: [3, 1])], initial: [zero]) { inner in
        ScanResult(carries: [inner.carries[0] + noise], outputs: [inner.slices[0], trained * frozen])
      }
      return ScanResult(
        carries: [step.carries[0] * trained, step.carries[0], step.carries[1], tanh(step.carries[3])],
        outputs: [
          step.slices[0], step.index.cast(to: .f32), step.carries[2] + mean, inner.carries[0],
          inner.outputs[0], inner.outputs[1], exp(frozen),
        ])
    }
    _ = graph.assign(mean * 2, to: mean)
    try graph.validate()
    let analysis = DependenceAnalysis(graph.definition, trained: ["trained"])
    let told = (carries + outputs).map { analysis[$0.value] }
    #expect(
      told == [
        .trainable, .trainable, .trainable, [], .data, [], [.trainable, .state], .random, .data, .trainable,
        [],
      ])
    let untrained = DependenceAnalysis(graph.definition)
    #expect(carries.allSatisfy { untrained[$0.value] == [] })
  }

  /// In the body, what is made of captures and constants alone does not vary from step to step.
  @Test func bodiesTellWhatVariesByStep() throws {
    let graph = try parsed(Self.loop)
    let position = try #require(graph.index(ofNodeNamed: "scan"))
    let body = try #require(graph.nestedGraph(of: position))
    let analysis = DependenceAnalysis(
      body, loopInputs: { ($0.op as? LoopInput)?.kind == .capture ? [] : .step })
    let varying = body.nodes.indices.filter { analysis[Value($0)].contains(.step) }
      .map { body.nodes[$0].name }
    #expect(varying == ["t", "h", "x", "next", "out"])
  }
}
