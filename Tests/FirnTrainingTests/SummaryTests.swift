import FirnCompiler
import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
import FirnRuntime
import FirnTraining
import Foundation
import Testing

/// The table of a model.
@Suite struct SummaryTests {
  private struct Model {
    let graph = Graph()
    let loss: Tensor

    init() {
      let graph = self.graph
      let x = graph.placeholder("x", shape: ["batch", 8])
      let h = graph.scope("encoder") {
        let y = relu(Dense(6, name: "first")(x))
        return relu(Dense(5, name: "last")(BatchNorm(name: "norm")(y)))
      }
      let y = graph.scope("head") { Dense(3, name: "out")(h) }
      loss = square(y).mean()
    }
  }

  private func row(_ summary: ModelSummary, _ path: String) throws -> ModelSummary.Row {
    try #require(summary.scopes.first { $0.path == path })
  }

  /// Numbers as counted by hand, as Keras and torchinfo count them.
  @Test func numbersAreThoseOfTheModel() throws {
    let model = Model()
    let session = try quietSession(model.graph)
    let summary = try session.summary(freezing: "encoder/first")
    #expect(
      summary.scopes.map(\.path) == [
        "encoder", "encoder/first", "encoder/norm", "encoder/last", "head", "head/out",
      ])
    #expect(summary.total.parameters == (8 * 6 + 6) + 12 + (6 * 5 + 5) + (5 * 3 + 3))
    #expect(summary.total.state == 12)
    #expect(summary.total.bytes == 4 * (summary.total.parameters + 12))
    #expect(summary.total.trained == 0 && summary.total.trainable == summary.total.parameters - 54)
    #expect(try row(summary, "encoder").trainable == 12 + 35 && row(summary, "encoder/first").trainable == 0)
    #expect(summary.description.contains("parameters: 119, of which 65 trainable and 54 not; state: 12"))
    #expect(!summary.description.contains("trained"))
    #expect(try row(summary, "encoder").result == "f32[batch,5]")
    #expect(try row(summary, "encoder/first").result == "f32[batch,6]")
    #expect(try row(summary, "head").result == "f32[batch,3]")
    #expect(try row(summary, "encoder/first").status == .frozen)
    #expect(try row(summary, "encoder").status == .partly)
    #expect(summary.total.cost.backwardNodes == 0)
    // A product of [batch,8] and [8,6] and a bias.
    #expect(
      try row(summary, "encoder/first").cost.forwardFLOPs.bound(by: ["batch": 10]).value == 10 * 6
        * (2 * 8 + 1))
  }

  @Test func programsSayWhatTheyTrain() throws {
    let model = Model()
    let session = try quietSession(model.graph)
    let program = try session.compile(minimizing: model.loss, with: Adam(), freezing: "encoder")
    let summary = try program.summary()
    #expect(summary.total.trainable == 18)
    #expect(summary.total.trained == 18 && summary.total.frozen == summary.total.parameters - 18)
    #expect(try row(summary, "encoder").trained == 0 && row(summary, "encoder").status == .frozen)
    #expect(
      try row(summary, "encoder").cost.backwardFLOPs == 0 && row(summary, "encoder/first").cost.keptBytes == 0
    )
    #expect(try row(summary, "head").status == .trained)
    let report = try program.costReport()
    #expect(summary.total.cost == report.total)
    for scope in report.scopes { #expect(try row(summary, scope.path).cost == scope.cost) }
    // Sums of the outermost scopes and what stands in none.
    let outer = summary.scopes.filter { !$0.path.contains("/") }
    #expect(outer.map(\.parameters).reduce(0, +) == summary.total.parameters)
    #expect(outer.map(\.trained).reduce(0, +) == summary.total.trained)
    let text = summary.bound(by: ["batch": 32]).description
    #expect(text.contains("parameters: 119, of which 18 trained and 101 not; state: 12"))
    #expect(!text.contains("batch*"))
    let read = try JSONDecoder().decode(ModelSummary.self, from: JSONEncoder().encode(summary))
    #expect(read == summary)
  }

  @Test func partsAndEmptyModels() throws {
    let graph = Graph()
    let w = graph.variable("w", shape: [6, 2])
    let session = try quietSession(graph)
    let program = try session.compile(
      minimizing: square(w).mean(), with: SGD(learningRate: 1), freezing: "w[0..<4]")
    let summary = try program.summary()
    #expect(summary.scopes.isEmpty && summary.total.parameters == 12 && summary.total.trained == 4)
    #expect(try session.summary(freezing: "w[0..<4]").total.trainable == 4)
    #expect(summary.total.status == .partly)
    let nothing = try quietSession(Graph()).summary()
    #expect(nothing.scopes.isEmpty && nothing.total.parameters == 0)
  }
}
