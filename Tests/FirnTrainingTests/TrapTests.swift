import FirnCompiler
import FirnGraph
import FirnNN
import FirnOps
import FirnTraining
import Testing

@testable import FirnRuntime

/// Traps of partial training that only a session can fall into; the others are with the compiler's tests.
@Suite struct SessionTrapTests {
  /// No call between two runs can switch a program's modes: they are compiled.
  @Test func trap02NothingWakesAFrozenScope() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 4])
    let code = graph.scope("encoder") { Dropout(0.5)(Dense(8)(x)) }
    let loss = Dense(1, name: "head")(code).mean()
    let session = try Session(graph, seed: 3)
    session.onWarning = { _ in }
    let frozen = try session.compile(
      minimizing: loss, with: SGD(learningRate: 0.1), freezing: "encoder", fetching: [code])
    let feeds: Feeds = [x: try Initializer.normal(deviation: 1).values(shape: [5, 4])]
    let calm = try session.run(try session.compile(fetching: [code]), feeding: feeds)[code]
    #expect(try session.run(frozen, feeding: feeds)[code] == calm)
    let awake = try session.compile(fetching: [code], inTrainingMode: true)
    #expect(try session.run(awake, feeding: feeds)[code] != calm)
    #expect(try session.run(frozen, feeding: feeds)[code] == calm)
  }

  /// A selection is compiled once, and its program keeps what it was made of.
  @Test func trap25SelectionsDoNotRecompileEachOther() throws {
    let model = try Chain()
    let session = try Session(model.graph)
    session.onWarning = { _ in }
    let selections: [Selection] = ["lower", "middle", "lower | middle", "role(bias)"]
    let programs = try selections.map {
      try session.compile(minimizing: model.loss, with: SGD(learningRate: 0.01), freezing: $0)
    }
    func executions() throws -> [Execution] {
      try programs.map { program in
        try session.run(program, feeding: model.feeds)
        return try session.execution(of: program, binding: ["batch": 7, "time": 2])
      }
    }
    let first = try executions()
    for _ in 0..<3 { #expect(try zip(executions(), first).allSatisfy { $0 === $1 }) }
    #expect(session.executionCount == selections.count)
  }
}
