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
