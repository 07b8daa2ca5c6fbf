import FirnCompiler
import FirnGraph
import FirnNotation
import FirnNN
import FirnOps
import FirnTraining
import Foundation
import Testing

/// One model for every rule, and one that breaks none.
@Suite struct LintTests {
  private func lint(
    _ graph: Graph, _ loss: Tensor, freezing: Selection? = nil, thawing: Selection? = nil,
    loaded: Set<String>? = nil
  ) throws -> LintReport {
    try graph.validate()
    return try Explanation(
      graph: graph.definition, loss: loss.value, freezing: freezing, thawing: thawing
    ).lint(loaded: loaded)
  }

  private func codes(_ findings: some Sequence<Finding>) -> [Finding.Code] { findings.map(\.code) }

  /// `first`, `second`, `third`, one after the other; `cut` comes between the second and the third.
  private func layers(_ cut: (Tensor) -> Tensor = { $0 }) -> (Graph, Tensor) {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 3])
    let first = Dense(4, activation: .tanh, name: "first")(x)
    let second = cut(Dense(5, activation: .tanh, name: "second")(first))
    return (graph, Dense(2, name: "third")(second).mean())
  }

  @Test func soundModelsHaveNoFindings() throws {
    let (graph, loss) = layers()
    for freezing in [nil, "first", "first | second", "second"] as [Selection?] {
      #expect(try lint(graph, loss, freezing: freezing).isEmpty)
    }
  }

  /// The well-known recipe: the first layer shall be frozen, the stop stands on the second one's output.
  @Test func stopOnTheSecondLayerStarvesIt() throws {
    let (graph, loss) = layers { stopGradient($0) }
    let bare = try lint(graph, loss)
    #expect(codes(bare) == [.starved, .starved, .starved, .starved, .stopBeyondItsScope])
    #expect(bare.last?.subjects == ["first/kernel", "first/bias"])
    // With the first frozen by name the second still starves, and nothing else is wrong.
    let frozen = try lint(graph, loss, freezing: "first")
    #expect(codes(frozen) == [.starved, .starved])
    #expect(frozen.flatMap(\.subjects) == ["second/kernel", "second/bias"])
    #expect(
      frozen.allSatisfy { $0.places.map(\.op) == ["stop_gradient"] && $0.message.contains("`stop_gradient`") }
    )
  }

  @Test func frozenAndRandom() throws {
    let (graph, loss) = layers()
    #expect(try lint(graph, loss, freezing: "first").isEmpty, "what is loaded is not known")
    let findings = try lint(graph, loss, freezing: "first", loaded: ["first/bias"])
    #expect(codes(findings) == [.frozenAndRandom] && findings[0].subjects == ["first/kernel"])
  }

  @Test func stopWithoutEffect() throws {
    let (graph, loss) = layers { stopGradient($0) }
    let findings = try lint(graph, loss, freezing: "first | second")
    #expect(codes(findings) == [.stopWithoutEffect])
    #expect(findings[0].message.contains("nothing trained lies behind it"))
    let aside = graph.scope("aside") { stopGradient(loss * 2) }
    #expect(try lint(graph, loss, freezing: "first | second").count == 2)
    #expect(aside.name == "aside/stop_gradient")
  }

  @Test func doubleStop() throws {
    let (graph, loss) = layers { stopGradient(stopGradient($0)) }
    let findings = try lint(graph, loss, freezing: "first").filter { $0.code != .starved }
    #expect(codes(findings) == [.stopBehindStop])
    #expect(findings[0].places.map(\.name) == ["stop_gradient", "stop_gradient_1"])
  }

  /// A loop whose body has stops where `cut` puts them; `lower` is below it, `upper` above.
  private func loop(_ cut: @escaping (Tensor) -> Tensor) -> (Graph, Tensor) {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["time", 3])
    let lower = x * graph.variable("lower", shape: [3])
    let state = scan(over: [lower], initial: [graph.constant(0).broadcast(to: [3])], name: "loop") { step in
      ScanResult(carries: [tanh(step.carries[0] + cut(step.slices[0]))])
    }.carries[0]
    return (graph, (state * graph.variable("upper", shape: [3])).sum())
  }

  @Test func stopsInLoopsAreJudged() throws {
    let (graph, loss) = loop { stopGradient($0) }
    #expect(codes(try lint(graph, loss)) == [.starved])
    let idle = try lint(graph, loss, freezing: "lower")
    #expect(codes(idle) == [.stopWithoutEffect])
    #expect(idle[0].places.map(\.path) == ["loop › stop_gradient"])
    #expect(idle[0].message.contains("`loop › stop_gradient`"))
    let (doubled, second) = loop { stopGradient(stopGradient($0)) }
    let double = try lint(doubled, second)
    #expect(codes(double) == [.starved, .stopBehindStop])
    #expect(double[1].places.map(\.path) == ["loop › stop_gradient", "loop › stop_gradient_1"])
    // Behind a stop outside.
    let (behind, _) = loop { stopGradient($0) }
    let node = try #require(behind.tensor(named: "mul_1"))
    let stopped = (stopGradient(node) * behind.variable("top", shape: [3])).sum()
    let outside = try lint(behind, stopped).filter { $0.code == .stopBehindStop }
    #expect(outside.map(\.places).map { $0.map(\.path) } == [["loop › stop_gradient", "stop_gradient"]])
  }

  @Test func scopeNotUnderTheLoss() throws {
    let (graph, loss) = layers()
    _ = graph.scope("aside") { Dense(2, name: "inner")(graph.placeholder("z", shape: ["batch", 2])) }
    let findings = try lint(graph, loss)
    #expect(codes(findings) == [.notUnderLoss] && findings[0].subjects == ["aside"])
    #expect(try lint(graph, loss, freezing: "aside").isEmpty)
  }

  @Test func tiedVariableNamedTwice() throws {
    let graph = Graph()
    let ids = graph.placeholder("ids", shape: ["batch"], dtype: .i32)
    let table = graph.scope("shared") { graph.variable("table", shape: [5, 4]) }
    let embedded = graph.scope("embed") { gather(table, indices: ids) * graph.variable("scale", shape: [4]) }
    let logits = graph.scope("output") { matmul(embedded, table, transposeB: true) }
    let loss = sparseSoftmaxCrossEntropy(logits: logits, labels: ids).mean()
    #expect(try lint(graph, loss).isEmpty)
    let twice = try lint(graph, loss, freezing: "shared", thawing: "shared")
    #expect(codes(twice) == [.tiedAndSplit] && twice[0].subjects == ["shared/table"])
    #expect(codes(try lint(graph, loss, freezing: "embed")) == [.tiedAndSplit])
    #expect(codes(try lint(graph, loss, freezing: "shared")) == [.tiedAndSplit])
  }

  // MARK: Selections and numbered scopes

  @Test(
    arguments: [
      ("body", nil, ["body", "body_1", "body_2"]), (nil, "body", ["body", "body_1", "body_2"]),
      ("body | body_2", nil, ["body", "body_1"]), ("body & role(kernel)", nil, ["body", "body_1", "body_2"]),
      ("body | body_1 | body_2", nil, nil), ("body*", nil, nil), ("body_1", nil, nil),
      ("role(kernel)", nil, nil),
      ("!body", nil, nil), (nil, nil, nil),
    ] as [(String?, String?, [String]?)])
  func selectionsThatLeaveNumberedScopesOut(
    _ freezing: String?, _ thawing: String?, _ subjects: [String]?
  ) throws {
    let graph = Graph()
    var x = graph.placeholder("x", shape: ["batch", 3])
    for _ in 0..<3 { x = graph.newScope("body") { Dense(3, activation: .tanh)(x) } }
    x = graph.scope("body_like") { Dense(3)(x) }
    let findings = try lint(
      graph, x.mean(), freezing: try freezing.map { try Selection($0) },
      thawing: try thawing.map { try Selection($0) })
    #expect(codes(findings) == (subjects == nil ? [] : [.numberedSibling]))
    #expect(findings.first?.subjects == subjects)
    if let text = freezing ?? thawing, let finding = findings.first {
      #expect(finding.message.contains("\(freezing == nil ? "thawing" : "freezing"): \(text)"), "\(finding)")
    }
  }

  /// A scope entered again is one scope, and a selection of it leaves nothing out.
  @Test func scopesEnteredAgainAreOne() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 3])
    let first = graph.scope("body") { Dense(3)(x) }
    let second = graph.scope("body") { Dense(3)(first) }
    let loss = Dense(1, name: "head")(second).mean()
    let explanation = try Explanation(graph: graph.definition, loss: loss.value, freezing: "body")
    #expect(
      explanation.status.variables.filter { $0.status == .frozen }.map(\.name) == [
        "body/dense/kernel", "body/dense/bias", "body/dense_1/kernel", "body/dense_1/bias",
      ])
    #expect(explanation.lint().isEmpty)
  }

  // MARK: Averages

  /// What a step assigns is made of the weights before it; what is made of data, as a batch's statistics are, may be.
  @Test func averagesOfAStepLag() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 3])
    let loss = BatchNorm(name: "norm")(Dense(2, name: "layer")(x)).mean()
    let bias = try #require(graph.tensor(named: "layer/bias"))
    let average = graph.variable("average", shape: [2], kind: .state)
    let assigned = graph.assign(0.99 * average + 0.01 * bias, to: average)
    let peak = graph.variable("peak", shape: [], kind: .state)
    let highest = graph.assign(maximum(peak, loss), to: peak)
    func findings(_ fetches: [Tensor], freezing: Selection? = nil) throws -> [Finding] {
      let request = CompilationRequest(
        graph: graph.definition, fetches: fetches.map(\.value),
        training: .init(loss: loss.value, optimizer: SGD(learningRate: 0.1)), freezing: freezing)
      return try Explanation(request).lint().filter { $0.code == .laggingAssignment }
    }
    let found = try findings([assigned, highest])
    #expect(found.map(\.subjects) == [["average", "layer/bias"]])
    #expect(found[0].places.map(\.op) == ["assign"])
    #expect(found[0].message.contains("before the step") && found[0].remedy.contains("program of its own"))
    #expect(try findings([highest]).isEmpty, "nothing fetches it")
    #expect(try findings([assigned], freezing: "layer").isEmpty, "the weights do not move")
  }

  /// An assignment that comes with training lags as well.
  @Test func averagesThatComeWithTrainingLag() throws {
    let (graph, loss) = layers()
    let bias = try #require(graph.tensor(named: "third/bias"))
    let average = graph.variable("average", shape: [2], kind: .state)
    graph.assign(average * 0.5 + bias * 0.5, to: average, whenTraining: loss)
    #expect(codes(try lint(graph, loss)) == [.laggingAssignment])
  }

  // MARK: Selects

  @Test(arguments: [
    ("sqrt", 1), ("log", 1), ("quotient", 1), ("quotient of a trained numerator", 1), ("in between", 1),
    ("guarded inside", 0), ("with epsilon", 0), ("bounded", 0), ("of data alone", 0), ("smooth", 0),
    ("behind a stop", 0),
  ])
  func selectsThatDiscardNaN(_ form: String, _ count: Int) throws {
    let graph = Graph()
    let data = graph.placeholder("x", shape: ["batch", 3])
    let x = data * graph.variable("w", shape: [3])
    let fits = greater(x, 0)
    let value =
      switch form {
      case "sqrt": sqrt(x)
      case "log": log(x)
      case "quotient": 1 / x
      case "quotient of a trained numerator": x / data
      case "in between": (square(log(x)) + 1).reshaped(to: ["batch", 3]) * 2
      case "guarded inside": log(select(where: fits, x, otherwise: x * 0 + 1))
      case "with epsilon": sqrt(square(x) + 1e-6)
      case "bounded": log(maximum(x, 1e-6))
      case "of data alone": log(data)
      case "behind a stop": stopGradient(log(x))
      default: tanh(x) * exp(x)
      }
    let loss = (select(where: fits, value, otherwise: x * 0) + x).sum()
    let findings = try lint(graph, loss).filter { $0.code == .poisonedSelect }
    #expect(findings.count == count, "\(findings)")
    if let finding = findings.first {
      #expect(finding.places.first?.op == "select" && finding.places.count == 2)
      #expect(["sqrt", "log", "div", "reciprocal"].contains(finding.places[1].op))
    }
  }

  /// In the body of a loop as well, named behind the loop.
  @Test func selectsInLoopsDiscardNaN() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["time", 2])
    let w = graph.variable("w", shape: [2])
    let outputs = scan(over: [x], initial: []) { step in
      let y = step.slices[0] * w
      return ScanResult(carries: [], outputs: [select(where: greater(y, 0), log(y), otherwise: y)])
    }.outputs
    let findings = try lint(graph, outputs[0].sum())
    #expect(
      codes(findings) == [.poisonedSelect]
        && findings[0].places.map(\.path) == ["scan › select", "scan › log"])
  }

  /// Every code has its section on the page.
  @Test func everyCodeIsDocumented() throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let page = try String(contentsOf: root.appending(path: "Docs/Lint.md"), encoding: .utf8)
    for code in Finding.Code.allCases {
      #expect(page.contains("## \(code.rawValue) \(code.title)\n"), "\(code)")
    }
  }
}
