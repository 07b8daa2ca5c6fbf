import FirnCompiler
import FirnGraph
import FirnNN
import FirnOps
import FirnTraining
import Testing

@testable import FirnRuntime

/// What a run that checks numerics lets pass, and what it names.
@Suite struct NumericsTests {
  private let graph = Graph()

  private func run(_ fetch: Tensor, _ feeds: Feeds, training: Bool = false) throws -> NDArray {
    let session = try Session(graph, threads: 1)
    session.checksNumerics = true
    session.onWarning = { _ in }
    let program =
      training
      ? try session.compile(minimizing: fetch, with: SGD(learningRate: 0.1))
      : try session.compile(fetching: [fetch])
    return try session.run(program, feeding: feeds)[fetch]
  }

  private let scores = NDArray([1, 2, 3] as [Float])
  private let mask = NDArray([true, true, false])

  /// Masked attention: the user's own -inf stands until the softmax makes it 0, forward and backward.
  @Test(arguments: ["select", "sum", "log"]) func masksMayHoldInfinity(_ form: String) throws {
    let x = graph.placeholder("x", shape: [3])
    let within = graph.placeholder("within", shape: [3], dtype: .bool)
    let y = x * graph.variable("w", shape: [3], initializer: .ones)
    let minusInfinity = graph.constant(-.infinity)
    let masked =
      switch form {
      case "sum": y + graph.constant(NDArray([0, 0, -.infinity] as [Float]))
      default: select(where: within, y, otherwise: minusInfinity)
      }
    let weights = form == "log" ? exp(logSoftmax(masked)) : softmax(masked)
    let result = try run(weights, [x: scores, within: mask])
    let expected: [Float] = [0.26894142, 0.73105858, 0]
    #expect(zip(result.floats, expected).allSatisfy { abs($0 - $1) < 1e-6 }, "\(result.floats)")
    #expect(try run((weights * x).sum(), [x: scores, within: mask], training: true).scalar?.isFinite == true)
  }

  /// What only a run that checks wants to know is not looked for otherwise: it takes a pass over all constants.
  @Test func onlyPlansThatCheckReadConstants() throws {
    let x = graph.placeholder("x", shape: [3])
    let looped = scan(initial: [x], length: 2) { step in
      ScanResult(carries: [step.carries[0] + graph.constant(NDArray([0, 0, -.infinity] as [Float]))])
    }.carries[0]
    let within = graph.placeholder("within", shape: [3], dtype: .bool)
    let result = select(where: within, exp(looped), otherwise: graph.constant(-.infinity)) + looped
    let program = try Session(graph, threads: 1).compile(fetching: [result])
    func checks(_ plan: Plan) -> [NumericCheck] {
      plan.steps.flatMap { step -> [NumericCheck] in
        guard case .loops(let loops) = step.work else { return [step.check] }
        return [step.check] + loops.flatMap { checks($0.body) }
      }
    }
    #expect(
      checks(try Plan(program.graph)).allSatisfy {
        !$0.allowsInfinity && !$0.isDeferred && $0.answersFor.isEmpty
      })
    let checked = checks(try Plan(program.graph.unfused, checksNumerics: true))
    #expect(checked.contains { $0.allowsInfinity } && checked.contains { $0.isDeferred })
  }

  /// Inside a loop too, whether the mask is captured, sliced or carried.
  @Test func masksInLoopsMayHoldInfinity() throws {
    let x = graph.placeholder("x", shape: [2, 3])
    let captured = graph.constant(NDArray([0, 0, -.infinity] as [Float]))
    let result = scan(over: [x], initial: [captured]) { step in
      let masked = step.slices[0] + step.carries[0] + captured
      return ScanResult(carries: [step.carries[0] + captured], outputs: [softmax(masked), masked])
    }
    let rows = try NDArray([0, 0, 5, 1, 1, 7] as [Float], shape: [2, 3])
    #expect(try run(result.outputs[0], [x: rows]).floats == [0.5, 0.5, 0, 0.5, 0.5, 0])
    #expect(try run(result.carries[0], [x: rows]).floats == [0, 0, -.infinity])
  }

  /// What is not the mask's is found: an infinity where no constant has one, and NaN anywhere.
  @Test func otherInfinitiesAreFound() throws {
    let x = graph.placeholder("x", shape: [3])
    let minusInfinity = graph.constant(-.infinity)
    let big = exp(x * 100)
    let fault = try #require(throws: FirnError.self) { try run(big + minusInfinity, [x: scores]) }
    #expect(fault.code == .notFinite && fault.place == "exp" && fault.message.contains("inf"))
    let other = (x + minusInfinity) - minusInfinity
    let nan = try #require(throws: FirnError.self) { try run(other, [x: scores]) }
    #expect(nan.place == "sub" && nan.message.contains("nan"), "\(nan)")
    let sum = try #require(throws: FirnError.self) { try run((x + minusInfinity).sum(), [x: scores]) }
    #expect(sum.place == "reduce_sum", "\(sum)")
  }

  /// What `select` discards may be anything; what it takes may not, and the op that made it is named.
  @Test func whatIsDiscardedMayBeNaN() throws {
    let x = graph.placeholder("x", shape: [3])
    let within = graph.placeholder("within", shape: [3], dtype: .bool)
    let risky = (log(x).reshaped(to: [3, 1]) * 2).reshaped(to: [3])
    let y = select(where: within, risky + 1, otherwise: x)
    let feeds = NDArray([1, 1, -4] as [Float])
    #expect(try run(y, [x: feeds, within: mask]).floats == [1, 1, -4])
    let all = NDArray([true, true, true])
    let fault = try #require(throws: FirnError.self) { try run(y, [x: feeds, within: all]) }
    #expect(
      fault.code == .notFinite && fault.place == "log" && fault.message.contains("element 2"), "\(fault)")
    // Read by anything else it is looked at where it is made.
    let both = try #require(throws: FirnError.self) {
      try run(y + log(x).sum(), [x: feeds, within: mask])
    }
    #expect(both.place?.hasPrefix("log") == true || both.place == "reduce_sum")
    let shared = log(x)
    let kept = select(where: within, shared, otherwise: x) + shared
    let first = try #require(throws: FirnError.self) { try run(kept, [x: feeds, within: mask]) }
    #expect(first.place == "log_2" && first.message.contains("nan"), "\(first)")
  }

  /// The gradient of what is discarded is NaN all the same, which lint says of the graph, and a run of the step finds.
  @Test func gradientsOfWhatIsDiscardedAreFound() throws {
    let x = graph.placeholder("x", shape: [3])
    let within = graph.placeholder("within", shape: [3], dtype: .bool)
    let w = graph.variable("w", shape: [3], initializer: .ones)
    let loss = select(where: within, sqrt(x * w), otherwise: graph.constant(0)).sum()
    let feeds = NDArray([1, 1, 0] as [Float])
    let fault = try #require(throws: FirnError.self) {
      try run(loss, [x: feeds, within: mask], training: true)
    }
    #expect(fault.code == .notFinite && fault.place?.hasPrefix("gradients/") == true, "\(fault)")
    let other = Graph()
    let fed = other.placeholder("x", shape: [3])
    let v = other.variable("w", shape: [3], initializer: .ones)
    let fits = greater(fed, 0)
    let root = sqrt(select(where: fits, fed * v, otherwise: other.constant(1)))
    let cured = select(where: fits, root, otherwise: other.constant(0)).sum()
    let session = try Session(other, threads: 1)
    session.checksNumerics = true
    let program = try session.compile(minimizing: cured, with: SGD(learningRate: 1))
    try session.run(program, feeding: [fed: feeds])
    #expect(try session.value(of: v).floats == [0.5, 0.5, 1])
  }
}
