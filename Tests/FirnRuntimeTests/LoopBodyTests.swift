import FirnCompiler
import FirnGraph
import FirnNotation
import FirnOps
import FirnRuntime
import Testing

/// What the body of a loop may hold: other loops over anything, and requests for gradients.
@Suite struct LoopBodyTests {
  private func variable(_ graph: Graph, _ name: String, _ shape: [Int]) throws -> Tensor {
    graph.variable(name, shape: Shape(shape), dtype: .f64, initializer: .array(try noise(shape, name)))
  }

  private func loops(_ graph: GraphDef) -> Int { graph.nodes.count { $0.mnemonic == "scan" } }

  /// Attention over a memory from outside, position by position, in a decoder's loop: the loop inside has operands from
  /// outside only, and reads the state of the loop around it.
  @Test func attentionOverAMemory() throws {
    let graph = Graph()
    let (memory, steps, start) = (
      try variable(graph, "memory", [5, 2, 3]), try variable(graph, "steps", [4, 2, 3]),
      try variable(graph, "start", [2, 3])
    )
    let (carries, outputs) = scan(over: [steps], initial: [start]) { step in
      let query = step.carries[0]
      let (_, scores) = scan(over: [memory]) { at in
        ScanResult(carries: [], outputs: [(at.slices[0] * query).sum(axes: [1])])
      }
      let weights = softmax(scores[0], axis: 0).inserted
      let context = (weights * memory).sum(axes: [0])
      return ScanResult(carries: [tanh(context + step.slices[0])], outputs: [context])
    }
    // The same without the loop inside.
    let (plain, contexts) = scan(over: [steps], initial: [start]) { step in
      let scores = (memory * step.carries[0]).sum(axes: [2])
      let context = (softmax(scores, axis: 0).inserted * memory).sum(axes: [0])
      return ScanResult(carries: [tanh(context + step.slices[0])], outputs: [context])
    }
    try graph.validate()
    let session = try Session(graph)
    let results = try session.run(session.compile(fetching: [carries[0], outputs[0], plain[0], contexts[0]]))
    for (a, b) in [(carries[0], plain[0]), (outputs[0], contexts[0])] {
      #expect(try zip(results[a].doubles, results[b].doubles).allSatisfy { abs($0 - $1) < 1e-14 })
    }
    let loss = square(carries[0]).sum() + sin(outputs[0]).sum()
    try checkGradients(of: loss, by: [memory, steps, start], in: session)
  }

  /// A loop without operands of its own sees the loop around it too.
  @Test func aLoopOfALengthOnly() throws {
    let graph = Graph()
    let x = try variable(graph, "x", [3])
    let total = scan(initial: [x], length: 3) { step in
      let (_, powers) = scan(length: 2, in: graph) { inner in
        ScanResult(carries: [], outputs: [step.carries[0] * (inner.index.cast(to: .f64) + 1)])
      }
      return ScanResult(carries: [powers[0].sum(axes: [0])])
    }.carries[0]
    try graph.validate()
    let session = try Session(graph)
    let values = try session.value(of: x).doubles
    #expect(try session.run(session.compile(fetching: [total]))[total].doubles == values.map { $0 * 27 })
  }

  /// No step makes the index: a carry that becomes it is given a copy, also where the carries are stacked.
  @Test(arguments: [false, true]) func aCarryMayBecomeTheIndex(_ isReversed: Bool) throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: [3])
    let start = graph.placeholder("start", shape: [], dtype: .i32)
    // Something else that lives while the loop runs.
    let kept = exp(x)
    let found = scan(initial: [start], length: 5, reversed: isReversed) {
      ScanResult(carries: [$0.index], outputs: [$0.carries[0]])
    }
    let made = scan(initial: [start.reshaped(to: [1])], length: 5, reversed: isReversed) { step in
      let next = step.index.reshaped(to: [1])
      return ScanResult(carries: [next], outputs: [next, step.carries[0]])
    }
    try graph.validate()
    let session = try Session(graph, threads: 1)
    let fetches = [
      found.carries[0], found.outputs[0], made.carries[0], made.outputs[0], made.outputs[1], kept,
    ]
    let feeds = Feeds([
      ("x", try NDArray([Float](repeating: 0, count: 3), shape: [3])), ("start", NDArray(scalar: Int32(9))),
    ])
    let results = try session.run(session.compile(fetching: fetches), feeding: feeds)
    let steps: [Double] = isReversed ? [4, 3, 2, 1, 0] : [0, 1, 2, 3, 4]
    let old = [9] + steps.dropLast()
    // Stacked by place, whichever way the loop goes.
    let (now, before) = isReversed ? (Array(steps.reversed()), Array(old.reversed())) : (steps, old)
    let values = try fetches.map { try results[$0].doubles }
    #expect(values == [[steps[4]], before, [steps[4]], now, before, [1, 1, 1]])
  }

  /// What reads nothing of the loop around it runs once.
  @Test func loopsThatReadNothingOfItStayOutside() throws {
    let graph = Graph()
    let (w, x) = (try variable(graph, "w", [3]), try variable(graph, "x", [4, 3]))
    let result = scan(over: [x], initial: [w]) { step in
      let inner = scan(initial: [w], length: 2) { ScanResult(carries: [sin($0.carries[0]) * w]) }
      return ScanResult(carries: [step.carries[0] * inner.carries[0] + step.slices[0]])
    }.carries[0]
    try graph.validate()
    #expect(loops(graph.definition) == 2)
    try checkGradients(of: square(result).sum(), by: [w, x], in: Session(graph))
  }

  /// Descent on an inner loss, step by step, and the gradient of what comes of it: as in MAML (Finn et al., ICML 2017).
  @Test func innerStepsOfDescent() throws {
    let graph = Graph()
    let (w, scale, tasks) = (
      try variable(graph, "w", [3]), try variable(graph, "scale", [3]), try variable(graph, "tasks", [4, 3])
    )
    func inner(_ fast: Tensor, _ task: Tensor) -> Tensor { (square(sin(fast * scale) - task)).sum() }
    let looped = scan(over: [tasks], initial: [w]) { step in
      let gradient = graph.gradients(
        of: [inner(step.carries[0], step.slices[0])], withRespectTo: [step.carries[0]])[0]
      return ScanResult(carries: [step.carries[0] - 0.1 * gradient])
    }.carries[0]
    var unrolled = w
    for task in 0..<4 {
      let slice = tasks.sliced(axis: 0, from: Dim(task), to: Dim(task + 1)).reshaped(to: [3])
      unrolled =
        unrolled - 0.1 * graph.gradients(of: [inner(unrolled, slice)], withRespectTo: [unrolled])[0]
    }
    try graph.validate()
    let session = try Session(graph)
    let results = try session.run(session.compile(fetching: [looped, unrolled]))
    #expect(try zip(results[looped].doubles, results[unrolled].doubles).allSatisfy { abs($0 - $1) < 1e-14 })
    try checkGradients(of: square(looped).sum(), by: [w, scale, tasks], in: session)
  }

  /// By a variable from outside and in a loop in a loop; trained through, a stop inside cuts.
  @Test func gradientsByWhatIsOutside() throws {
    let graph = Graph()
    let (w, x) = (try variable(graph, "w", [3]), try variable(graph, "x", [2, 2, 3]))
    let rows = scan(over: [x]) { outer in
      let (_, rows) = scan(over: [outer.slices[0]]) { step in
        let y = (square(w) * step.slices[0]).sum()
        return ScanResult(carries: [], outputs: [graph.gradients(of: [y], withRespectTo: [w])[0]])
      }
      return ScanResult(carries: [], outputs: rows)
    }.outputs[0]
    try graph.validate()
    let session = try Session(graph)
    let (weights, data) = (try session.value(of: w).doubles, try session.value(of: x).doubles)
    let made = try session.run(session.compile(fetching: [rows]))[rows].doubles
    let wanted = data.indices.map { 2 * weights[$0 % 3] * data[$0] }
    #expect(zip(made, wanted).allSatisfy { abs($0 - $1) < 1e-15 })
    try checkGradients(of: square(rows).sum(), by: [w, x], in: session)
  }

  /// A frozen variable has no gradient in a loop either; the reason is its own.
  @Test func frozenVariablesAreUnconnectedInLoops() throws {
    let graph = Graph()
    let (w, v) = (try variable(graph, "w", [3]), try variable(graph, "v", [3]))
    func loss(_ unconnected: Unconnected) -> Tensor {
      scan(initial: [v], length: 2) { step in
        let y = (square(w) * step.carries[0]).sum()
        let gradient = graph.gradients(of: [y], withRespectTo: [w], unconnected: unconnected)[0]
        return ScanResult(carries: [sin(step.carries[0]) + gradient])
      }.carries[0].sum()
    }
    let (strict, zero, none) = (loss(.error), loss(.zero), loss(.none))
    let session = try Session(graph)
    session.onWarning = { _ in }
    let fault = try #require(throws: FirnError.self) {
      try session.compile(minimizing: strict, with: Plain(), freezing: "w")
    }
    #expect(fault.code == .noGradient && fault.message.contains("freezing: w"), "\(fault)")
    #expect(fault.place == "scan/gradients", "\(fault)")
    let absent = try #require(throws: FirnError.self) {
      try session.compile(minimizing: none, with: Plain(), freezing: "w")
    }
    #expect(absent.code == .noGradient && absent.remedy?.contains(".zero") == true, "\(absent)")
    _ = try session.compile(minimizing: zero, with: Plain(), freezing: "w")
    _ = try session.compile(minimizing: strict, with: Plain())
  }

  /// What reads nothing of the loop was put outside; a gradient in the body counts it all the same.
  @Test func pathsThatLeaveTheLoopCount() throws {
    let graph = Graph()
    let (w, x) = (try variable(graph, "w", [3]), try variable(graph, "x", [2, 3]))
    let doubled = graph.scope("encoder") { w * 2 }
    func rows(_ targets: (Tensor) -> [Tensor], stopping: [Tensor] = []) -> [Tensor] {
      scan(over: [x]) { step in
        let product = doubled * w * step.slices[0]
        let gradients = graph.gradients(
          of: [product.sum()], withRespectTo: targets(product), stopping: stopping)
        return ScanResult(carries: [], outputs: gradients)
      }.outputs
    }
    let all = rows { [w, doubled, $0] }
    let held = rows({ _ in [w] }, stopping: [doubled])
    try graph.validate()
    let session = try Session(graph)
    let (weights, data) = (try session.value(of: w).doubles, try session.value(of: x).doubles)
    let results = try session.run(session.compile(fetching: all + held))
    func off(_ tensor: Tensor, _ wanted: (Double, Double) -> Double) throws -> Double {
      let made = try results[tensor].doubles
      return zip(made, data.indices.map { wanted(weights[$0 % 3], data[$0]) }).map { abs($0 - $1) }.max() ?? 1
    }
    #expect(try off(all[0]) { 4 * $0 * $1 } < 1e-15)
    #expect(try off(all[1]) { $0 * $1 } < 1e-15)
    #expect(try off(all[2]) { _, _ in 1 } == 0)
    #expect(try off(held[0]) { 2 * $0 * $1 } < 1e-15)
    try checkGradients(of: square(all[0]).sum() + square(held[0]).sum(), by: [w, x], in: session)
  }

  /// A long chain outside costs no stack, and many targets no walk each.
  @Test func longPathsThatLeaveTheLoopCount() throws {
    let graph = Graph()
    let (w, x) = (try variable(graph, "w", [3]), try variable(graph, "x", [2, 3]))
    var chain = [w]
    for _ in 0..<30_000 { chain.append(-chain[chain.count - 1]) }
    let last = chain[chain.count - 1]
    let targets = (0..<2000).map { chain[$0 * 7] }
    var copied = 0
    _ = scan(over: [x]) { step in
      let loss = (last * step.slices[0]).sum()
      let before = loss.graph.nodes.count
      let gradients = graph.gradients(of: [loss], withRespectTo: targets)
      copied = loss.graph.nodes.count - before
      return ScanResult(carries: [], outputs: [gradients[0], gradients[1999]])
    }
    try graph.validate()
    #expect(copied > 30_000 && copied < 33_000)
  }
}

/// Descent at rate 1.
private struct Plain: Optimizer {
  var name: String { "plain" }
  func slots(for part: TrainedPart) -> [OptimizerSlot] { [] }
  func update(_ update: ParameterUpdate) -> UpdatedParameter {
    UpdatedParameter(value: update.value - update.gradient)
  }
}

extension Tensor {
  /// With an axis of 1 behind.
  fileprivate var inserted: Tensor { reshaped(to: Shape(shape.dimensions + [1])) }
}
