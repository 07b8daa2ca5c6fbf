import FirnCompiler
import FirnGraph
import FirnNN
import FirnOps
import FirnRuntime
import FirnTraining
import Testing

/// A model in use, in which something is about to be done wrong.
struct Workbench {
  let graph: Graph
  let x: Tensor
  let ids: Tensor
  let series: Tensor
  let risky: Tensor
  let riskyLoop: Tensor
  let loss: Tensor
  let feeds: Feeds
  let session: Session
  /// A program that works, and what it answers.
  let program: Program
  let answer: Double
  private let before: [String: NDArray]

  init() throws {
    let graph = Graph()
    self.graph = graph
    x = graph.placeholder("x", shape: ["batch", 3])
    ids = graph.placeholder("ids", shape: ["batch"], dtype: .i32)
    series = graph.placeholder("series", shape: ["time", 2])
    let (x, ids, series) = (x, ids, series)
    let hidden = graph.scope("encoder") {
      Dense(4, activation: .tanh)(x) + Embedding(count: 5, width: 4)(ids)
    }
    loss = sparseSoftmaxCrossEntropy(logits: Dense(5, name: "head")(hidden), labels: ids).mean()
    risky = graph.scope("risky") { log(x).sum() }
    riskyLoop = graph.scope("risky_loop") {
      scan(over: [series], initial: [graph.constant(0)]) { step in
        ScanResult(carries: [step.carries[0] + sqrt(step.slices[0]).sum()])
      }.carries[0]
    }
    feeds = ["x": try noise([7, 3]), "ids": labels(7, classes: 5)]
    session = try quietSession(graph)
    let training = try session.compile(minimizing: loss, with: Adam())
    for _ in 0..<3 { try session.run(training, feeding: feeds) }
    program = try session.compile(fetching: [loss])
    answer = try session.run(program, feeding: feeds).scalar(loss)
    before = try session.everything()
  }

  /// The feeds with some of them replaced.
  func feeds(_ changes: KeyValuePairs<String, NDArray>) throws -> Feeds {
    var arrays: [(name: String, array: NDArray)] = [
      ("x", try noise([7, 3])), ("ids", labels(7, classes: 5)),
    ]
    for (name, array) in changes {
      arrays.removeAll { $0.name == name }
      arrays.append((name, array))
    }
    return Feeds(arrays)
  }

  /// Runs `body` with a check of every op's results.
  func checkingNumerics(_ body: () throws -> Void) throws {
    session.checksNumerics = true
    defer { session.checksNumerics = false }
    try body()
  }

  /// The fault has changed no variable, and the program answers as before.
  func expectUnharmed(sourceLocation: Testing.SourceLocation = #_sourceLocation) throws {
    for (name, array) in before {
      let after = try session.value(of: name)
      #expect(after == array, "\(name) changed", sourceLocation: sourceLocation)
    }
    let again = try session.run(program, feeding: feeds).scalar(loss)
    #expect(again == answer, sourceLocation: sourceLocation)
  }
}

/// Something a user might do wrong, and what Firn must say to it.
struct FaultyInput: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let code: FirnError.Code
  /// Parts of the message, the place, the operands or the remedy.
  let says: [String]
  let attempt: @Sendable (Workbench) throws -> Void

  init(
    _ name: String, _ code: FirnError.Code, _ says: [String],
    _ attempt: @escaping @Sendable (Workbench) throws -> Void
  ) {
    testDescription = name
    self.code = code
    self.says = says
    self.attempt = attempt
  }

  /// A fault of the graph, which compiling what is made of it reports.
  static func building(
    _ name: String, _ code: FirnError.Code, _ says: [String],
    _ build: @escaping @Sendable (Workbench) throws -> Tensor
  ) -> FaultyInput {
    FaultyInput(name, code, says) { bench in
      let tensor = try build(bench)
      _ = try bench.session.compile(fetching: [tensor])
    }
  }
}

@Suite struct FaultyInputTests {
  @Test(arguments: FaultyInput.running + FaultyInput.compiling + FaultyInput.building)
  func faultIsReportedAndHarmsNothing(_ input: FaultyInput) throws {
    let bench = try Workbench()
    let fault = try error { try input.attempt(bench) }
    #expect(fault.code == input.code, "\(fault)")
    for part in input.says { #expect(fault.description.contains(part), "no \(part) in\n\(fault)") }
    for fault in fault.causes.isEmpty ? [fault] : fault.causes {
      #expect(fault.remedy != nil, "no remedy in\n\(fault)")
    }
    #expect(!fault.message.contains("\n"))
    try bench.expectUnharmed()
  }

  /// All faults of a model are reported at once, each with its line.
  @Test func twoShapeErrorsAreReportedTogether() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 3])
    let first = #line + 1
    let a = matmul(x, graph.constant(try NDArray(zeros: [4, 2])))
    let second = #line + 1
    let b = try graph.scope("inner") { x + graph.constant(try NDArray(zeros: [5])) }
    _ = a + b
    let fault = try error { _ = try Session(graph) }
    #expect(fault.code == .invalidGraph)
    #expect(fault.message.contains("2 faults"))
    #expect(fault.causes.map(\.location?.line) == [first, second])
    for cause in fault.causes {
      #expect(cause.code == .shapeMismatch)
      #expect(cause.location?.file.hasSuffix("Workbench.swift") == true)
      #expect(cause.remedy != nil)
    }
    #expect(fault.causes[0].description.contains("f32[4,2]"), "\(fault)")
    #expect(
      fault.causes[1].place == "inner" || fault.causes[1].place?.hasPrefix("inner/") == true, "\(fault)")
  }

  /// What follows a fault is silent: one mistake, one report.
  @Test func oneMistakeIsOneReport() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 3])
    let bad = x + graph.constant(try NDArray(zeros: [5]))
    let more = LSTM(3)(Dense(2)(bad).expandingAxis(at: 1))
    let loss = sparseSoftmaxCrossEntropy(logits: more, labels: bad.argmax(axis: -1)).mean()
    _ = graph.gradients(of: [loss], withRespectTo: [bad])
    _ = scan(over: [bad], initial: [loss]) { ScanResult(carries: $0.carries, outputs: $0.slices) }
    let fault = try error { try graph.validate() }
    #expect(fault.code == .shapeMismatch)
    #expect(fault.causes.isEmpty)
  }
}
