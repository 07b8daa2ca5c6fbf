import FirnCompiler
import FirnGraph
import FirnNN
import FirnOps
import FirnTestSupport
import FirnTraining
import Testing

@testable import FirnRuntime

/// What a program says it costs is what its plan runs.
@Suite struct ExecutedCostTests {
  @Test(
    arguments: [nil, "lstm", "lstm/kernel", "head", "role(bias)", "lstm/bias[gate: forget]"] as [Selection?])
  func flopsAreThoseOfThePlan(_ freezing: Selection?) throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", "time", 3])
    let y = graph.placeholder("y", shape: ["batch"], dtype: .i32)
    let loss = sparseSoftmaxCrossEntropy(logits: Dense(4, name: "head")(LSTM(5)(x)), labels: y).mean()
    let session = try Session(graph)
    session.onWarning = { _ in }
    let program = try session.compile(minimizing: loss, with: Adam(), freezing: freezing)
    let binding: DimensionBinding = ["batch": 2, "time": 7]
    let told = try Node.Phase.allCases.reduce(0) {
      try $0 + #require(program.cost.flops($1, binding: binding))
    }
    #expect(try session.execution(of: program, binding: binding).plan.flops == told)
    #expect(told > 0)
  }

  @Test(arguments: 0..<60) func flopsOfRandomModels(_ seed: Int) throws {
    let model = RandomModel(seed: seed)
    let session = try Session(model.graph, threads: 1)
    let program = try session.compile(fetching: [model.loss])
    let told = Node.Phase.allCases.compactMap { program.cost.flops($0) }
    guard told.count == Node.Phase.allCases.count, program.graph.dimensionNames.isEmpty else { return }
    #expect(try session.execution(of: program, binding: [:]).plan.flops == told.reduce(0, +))
  }
}
