import FirnCompiler
import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
import FirnTraining
import Testing

@testable import FirnRuntime

/// Loops whose rows keep apart are run in shares, to the bits of the loop run at once.
@Suite struct LoopRowsTests {
  private static let cells = ["lstm", "gru", "rnn", "stacked", "recomputing", "attention", "own"]

  /// A model over `[batch, 6, 5]`, and its loss.
  private func model(_ cell: String, _ graph: Graph) throws -> Tensor {
    let x = graph.placeholder("x", shape: ["batch", 6, 5])
    let result: Tensor
    switch cell {
    case "lstm": result = LSTM(7, name: "net")(x)
    case "gru": result = GRU(7, name: "net")(x)
    case "rnn": result = SimpleRNN(7, name: "net")(x)
    case "stacked": result = LSTM(7, layers: 2, isBidirectional: true, name: "net")(x)
    case "attention":
      let memory = LSTM(7, name: "memory").run(x).sequence
      let query = graph.variable("query", shape: [7, 7])
      let start = memory.sum(axes: [1]) * 0.1
      result =
        scan(initial: [start], length: 4) { step in
          let scores = (memory * matmul(step.carries[0], query).reshaped(to: ["batch", 1, 7])).sum(axes: [2])
          let weights = softmax(scores)
          let read = (memory * weights.reshaped(to: ["batch", 6, 1])).sum(axes: [1])
          return ScanResult(carries: [tanh(read + step.carries[0])])
        }.carries[0]
    default:
      let w = graph.variable("w", shape: [5, 5])
      result = scan(
        over: [x.transposed([1, 0, 2])], initial: [x.sum(axes: [1])],
        recomputation: cell == "recomputing" ? .every(2) : .none
      ) { step in
        let next = tanh(matmul(step.carries[0], w) + step.slices[0])
        return ScanResult(carries: [next], outputs: [softmax(next)])
      }.outputs[0].sum(axes: [0])
    }
    return square(result).mean()
  }

  /// Of each innermost loop.
  private func shares(_ plan: Plan) -> [[Range<Int>?]] {
    plan.steps.flatMap { step -> [[Range<Int>?]] in
      guard case .loops(let loops) = step.work else { return [] }
      let inner = shares(loops[0].body)
      return inner.isEmpty ? [loops.map(\.rows)] : inner
    }
  }

  private func plan(_ graph: Graph, _ loss: Tensor, workers: Int, batch: Int) throws -> Plan {
    let compilation = try Compiler.compile(
      CompilationRequest(
        graph: graph.definition, fetches: [],
        training: .init(loss: loss.value, optimizer: SGD(learningRate: 0.1))))
    return try Plan(compilation.graph.mapping(.binding(["batch": batch])), workers: workers)
  }

  @Test(arguments: cells) func everyLoopOfACellIsShared(_ cell: String) throws {
    let graph = Graph()
    let loss = try model(cell, graph)
    let halves: [Range<Int>?] = [0..<16, 16..<33]
    let shares = shares(try plan(graph, loss, workers: 2, batch: 33))
    #expect(shares.count >= 2 && shares.allSatisfy { $0 == halves }, "\(shares)")
    // Too thin for two.
    #expect(self.shares(try plan(graph, loss, workers: 2, batch: 15)).allSatisfy { $0 == [nil] })
    #expect(self.shares(try plan(graph, loss, workers: 1, batch: 33)).allSatisfy { $0 == [nil] })
  }

  @Test(arguments: cells) func bitsAreThoseOfOneThread(_ cell: String) throws {
    let array = try Initializer.normal().values(shape: [35, 6, 5])
    func trained(_ threads: Int) throws -> Snapshot {
      let graph = Graph()
      let loss = try model(cell, graph)
      let session = try Session(graph, threads: threads)
      let program = try session.compile(minimizing: loss, with: Adam(learningRate: 0.05))
      for _ in 0..<3 { try session.run(program, feeding: ["x": array]) }
      return try session.snapshot()
    }
    let alone = try trained(1)
    for threads in [2, 3, 8] { #expect(try trained(threads) == alone, "\(threads) threads") }
  }

  /// What goes over rows, or has none.
  @Test(arguments: ["sum", "carry", "transposed", "draw"]) func otherLoopsAreNot(_ body: String) throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: [6, 32, 5])
    let w = graph.variable("w", shape: [5])
    let result: Tensor
    switch body {
    case "sum":
      result =
        scan(over: [x], initial: [x.sum(axes: [0])]) { step in
          let mean = step.slices[0].mean(axes: [0]).reshaped(to: [1, 5])
          return ScanResult(carries: [tanh(step.carries[0] * w - mean)])
        }.carries[0]
    case "carry":
      result =
        scan(over: [x], initial: [w]) { step in
          ScanResult(carries: [step.carries[0] * 0.5], outputs: [step.slices[0] * step.carries[0]])
        }.outputs[0]
    case "transposed":
      result =
        scan(over: [x], initial: [x.sum(axes: [0]).transposed([1, 0])]) { step in
          ScanResult(carries: [tanh(step.carries[0] + step.slices[0].transposed([1, 0]))])
        }.carries[0]
    default:
      result =
        scan(over: [x], initial: [x.sum(axes: [0])]) { step in
          ScanResult(carries: [dropout(tanh(step.carries[0] * w + step.slices[0]), rate: 0.5)])
        }.carries[0]
    }
    let loss = square(result).mean() + square(w).sum()
    let shares = shares(try plan(graph, loss, workers: 2, batch: 1))
    // The loop forward; one back may have no more to do than rows allow.
    #expect(shares.first == [nil], "\(shares)")
  }

  /// What all shares read whole is counted wherever it lies, in the body too.
  @Test(arguments: [true, false]) func wholeOperandsAreCounted(_ isInBody: Bool) throws {
    let constant = "constant() {value = f32[3,3](1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)} : f32[3,3]"
    let given = #"loop_input() {kind = "capture", position = 0, dtype = f32, shape = [3,3]} : f32[3,3]"#
    let text = """
      firn 1
      %x = placeholder() {dtype = f32, shape = [32,3]} : f32[32,3]
      \(isInBody ? "" : "%w = \(constant)\n")%loop = scan(%x\(isInBody ? "" : ", %w")) {carries = 1, slices = 0, captures = \(isInBody ? 0 : 1), length = 4, reversed = false, body = {
        %state = loop_input() {kind = "carry", position = 0, dtype = f32, shape = [32,3]} : f32[32,3]
        %kernel = \(isInBody ? constant : given)
        %y = matmul(%state, %kernel) {transpose_a = false, transpose_b = false} : f32[32,3]
        return %y
      }} : f32[32,3]
      return %loop
      """
    let graph = try GraphDef(parsing: text, catalogue: .standard)
    for (most, count) in [(36, 2), (35, 1)] {
      let plan = try Plan(graph, workers: 2, sharing: LoopSharing(leastRows: 8, mostBytes: most))
      #expect(shares(plan).map(\.count) == [count])
    }
  }

  /// Each loop is looked into once a level, not twice for each around it.
  @Test(.timeLimit(.minutes(1))) func nestingIsNoTrouble() throws {
    let graph = Graph()
    func nested(_ depth: Int, _ value: Tensor) -> Tensor {
      depth == 0
        ? tanh(value)
        : scan(initial: [value], length: 2) { ScanResult(carries: [nested(depth - 1, $0.carries[0])]) }
          .carries[0]
    }
    let result = nested(24, graph.placeholder("x", shape: [16, 8]))
    try graph.validate()
    let compilation = try Compiler.compile(
      CompilationRequest(graph: graph.definition, fetches: [result.value]))
    let plan = try Plan(compilation.graph, workers: 2)
    #expect(plan.steps.count == 1)
    guard case .loops(let loops)? = plan.steps.last?.work else { throw CancellationError() }
    #expect(loops.map(\.rows) == [0..<8, 8..<16])
  }

  /// A loop that looks words up in a table larger than what each share may read whole.
  private func lookup(in graph: Graph) -> Tensor {
    let words = graph.placeholder("words", shape: [6, "batch"], dtype: .i32)
    let table = graph.variable("table", shape: [2_200, 128])
    let start = gather(table, indices: words.sliced(axis: 0, from: 0, to: 1).reshaped(to: ["batch"])) * 0
    return scan(over: [words], initial: [start]) { step in
      ScanResult(carries: [tanh(step.carries[0] + gather(table, indices: step.slices[0]))])
    }.carries[0]
  }

  @Test func lookupsAreByRows() throws {
    let graph = Graph()
    let last = lookup(in: graph)
    let compilation = try Compiler.compile(CompilationRequest(graph: graph.definition, fetches: [last.value]))
    let plan = try Plan(compilation.graph.mapping(.binding(["batch": 32])), workers: 2)
    #expect(shares(plan) == [[0..<16, 16..<32]])
    let words = try NDArray((0..<6 * 35).map { Int32($0 * 97 % 2_200) }, shape: [6, 35])
    func made(_ threads: Int) throws -> NDArray {
      let session = try Session(graph, threads: threads)
      let program = try session.compile(fetching: [last])
      return try session.run(program, feeding: ["words": words])[last]
    }
    let alone = try made(1)
    for threads in [2, 3, 8] { #expect(try made(threads) == alone, "\(threads) threads") }
  }

  /// Of several faults the one is told that the loop as a whole meets first, by its place in the whole.
  @Test func faultsOfSharesAreOfTheWholeLoop() throws {
    let graph = Graph()
    let last = lookup(in: graph)
    var words = [Int32](repeating: 7, count: 6 * 32)
    let sound = try NDArray(words, shape: [6, 32])
    // The first share meets one in step 4, the second one in step 3.
    (words[4 * 32 + 1], words[3 * 32 + 20]) = (9_000, 8_000)
    let faulty = try NDArray(words, shape: [6, 32])
    func fault(_ threads: Int) throws -> String {
      let session = try Session(graph, threads: threads)
      let program = try session.compile(fetching: [last])
      let before = try session.run(program, feeding: ["words": sound])[last]
      let error = try #require(throws: FirnError.self) {
        try session.run(program, feeding: ["words": faulty])
      }
      #expect(try session.run(program, feeding: ["words": sound])[last] == before)
      return error.description
    }
    #expect(try fault(2) == fault(1))
    #expect(try fault(2).contains("index 8000 at position 20"))
  }

  /// Where each value is looked through, a fault is told of the whole.
  @Test func faultsAreOfTheWholeLoop() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 6, 2])
    let sequence = scan(over: [x.transposed([1, 0, 2])]) { step in
      ScanResult(carries: [], outputs: [log(step.slices[0])])
    }.outputs[0]
    func fault(_ threads: Int) throws -> String {
      let session = try Session(graph, threads: threads)
      session.checksNumerics = true
      let program = try session.compile(fetching: [sequence])
      var values = [Float](repeating: 1, count: 32 * 12)
      values[31 * 12] = -1
      let array = try NDArray(values, shape: [32, 6, 2])
      return try #require(throws: FirnError.self) { try session.run(program, feeding: ["x": array]) }
        .description
    }
    #expect(try fault(2) == fault(1))
    #expect(try fault(2).contains("element 62 of f32[32,2]"))
  }
}
