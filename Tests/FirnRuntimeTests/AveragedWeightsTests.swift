import FirnCompiler
import FirnGraph
import FirnOps
import FirnTraining
import Testing

@testable import FirnRuntime

/// An average of weights, by a step and by a program of its own: what lint warns of, and its remedy, in numbers.
@Suite struct AveragedWeightsTests {
  @Test(arguments: [(false, 9.994662), (true, 9.995618)])
  func averages(_ isFetchedWithTheStep: Bool, _ expected: Double) throws {
    let graph = Graph()
    let w = graph.variable("w", shape: [], initializer: .constant(10))
    let average = graph.variable("average", shape: [], initializer: .constant(10), kind: .state)
    let next = graph.assign(0.99 * average + 0.01 * w, to: average)
    let session = try Session(graph, threads: 1)
    let step = try session.compile(
      minimizing: w * 1, with: SGD(learningRate: 0.01), fetching: isFetchedWithTheStep ? [next] : [])
    let own = try session.compile(fetching: [next])
    for _ in 0..<10 {
      try session.run(step)
      if !isFetchedWithTheStep { try session.run(own) }
    }
    #expect(abs(try session.value(of: w).doubles[0] - 9.9) < 1e-5)
    #expect(abs(try session.value(of: average).doubles[0] - expected) < 3e-6)
    #expect(try step.lint().map(\.code) == (isFetchedWithTheStep ? [.laggingAssignment] : []))
  }
}
