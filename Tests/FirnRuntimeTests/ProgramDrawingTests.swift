import FirnCompiler
import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
import FirnTraining
import Testing

@testable import FirnRuntime

/// `program.graph.dot()` draws variables as the program treats them, not as they were declared.
@Suite struct ProgramDrawingTests {
  private func classes(_ text: String) -> [String: String] {
    var result: [String: String] = [:]
    for line in text.split(separator: "\n") {
      guard let name = line.firstMatch(of: /^ *"([^"]+)" \[/)?.1,
        let look = line.firstMatch(of: /class="([^"]+)"/)?.1
      else { continue }
      result[String(name)] = String(look)
    }
    return result
  }

  /// What caching stores is drawn where it goes on, and nothing is without being asked.
  @Test func theCachedBoundaryIsDrawn() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 30])
    let code = Dense(4, activation: .tanh, name: "encoder")(x)
    let loss = square(Dense(2, name: "head")(code)).mean()
    let session = try Session(graph, threads: 1)
    session.onWarning = { _ in }
    let program = try session.compile(
      minimizing: loss, with: SGD(learningRate: 0.1), freezing: "encoder")
    let cut = try #require(program.frozenBoundary().cut)
    let name = try #require(cut.values.first?.name)
    let drawn = program.dot(DOTOptions(depth: .max, legend: true), caching: cut).split(separator: "\n")
    let edges = drawn.filter { $0.contains("class=\"stored\"") }
    #expect(!edges.isEmpty && edges.allSatisfy { $0.contains("\"\(name)\" ->") })
    #expect(drawn.contains { $0.contains("stored for each example") })
    #expect(program.dot(DOTOptions(depth: .max)).contains("class=\"stored\"") == false)
    // Boxes keep the mark.
    #expect(program.dot(caching: cut).contains("class=\"stored\""))
  }

  /// Nodes of the bound program are drawn dashed, all of them and no others; the step's own graph has its values
  /// instead.
  @Test func whatIsComputedOnceIsDrawnSo() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 9, 9, 4])
    let code = graph.scope("encoder") {
      relu(BatchNorm(name: "bn")(Conv2D(24, kernel: 3, usesBias: false, name: "conv")(x)))
    }
    let loss = square(Dense(2, name: "head")(code.mean(axes: [1, 2]))).mean()
    let session = try Session(graph, threads: 1)
    session.onWarning = { _ in }
    let program = try session.compile(
      minimizing: loss, with: SGD(learningRate: 0.1), freezing: "encoder")
    let drawn = program.dot(DOTOptions(depth: .max, legend: true))
    let bound = Set(classes(drawn).filter { $0.value == "bound" }.keys)
    let made = program.boundGraph.nodes.filter { $0.op.effect == .none }.map(\.name)
    #expect(bound == Set(made) && made.count > 3, "\(bound.symmetricDifference(made).sorted())")
    #expect(drawn.contains("op, computed once"))
    let step = Set(classes(program.graph.dot(DOTOptions(depth: .max))).filter { $0.value == "bound" }.keys)
    #expect(step == Set(program.graph.nodes.filter { $0.mnemonic == "bound" }.map(\.name)))
    #expect(step.count == program.frozenReport.values.count)
  }

  @Test func frozenIsDrawnFrozen() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 3])
    let lower = Dense(4, activation: .tanh, name: "lower")(x)
    let middle = Dense(4, trainable: false, name: "middle")(lower)
    let loss = Dense(2, name: "head")(middle).mean()
    let session = try Session(graph, threads: 1)
    session.onWarning = { _ in }
    let program = try session.compile(
      minimizing: loss, with: SGD(learningRate: 0.1), freezing: "lower | head/kernel[0..<1]",
      thawing: "middle/bias")
    let whole = DOTOptions(depth: .max)
    let looks = classes(program.graph.dot(whole))
    #expect(looks["lower/kernel"] == "frozen" && looks["lower/bias"] == "frozen")
    #expect(looks["middle/kernel"] == "frozen" && looks["middle/bias"] == "trainable")
    #expect(looks["head/kernel"] == "partly-frozen" && looks["head/bias"] == "trainable")
    // What is said by hand wins, and the graph as built knows no program.
    #expect(
      classes(program.graph.dot(DOTOptions(depth: .max, frozen: ["head/bias"])))["head/bias"] == "frozen")
    let own = DOTOptions(depth: .max) { _ in .trainable }
    #expect(classes(program.graph.dot(own))["lower/kernel"] == "trainable")
    #expect(classes(graph.definition.dot(whole))["lower/kernel"] == "trainable")
    #expect(program.graph.dot(whole).contains("lower (frozen)"))
  }
}
