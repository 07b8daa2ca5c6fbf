import FirnCompiler
import FirnGraph
import FirnNotation
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
    withExtendedLifetime(programs) { #expect(session.executionCount == selections.count) }
  }

  /// Any subset of a recurrent network freezes, and what still trains moves as it would have, to the bit.
  @Test(arguments: ["lstm", "gru", "rnn"]) func trap11AnySubsetOfARecurrentNetworkFreezes(_ kind: String)
    throws
  {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", "time", 3])
    let lengths = graph.placeholder("lengths", shape: ["batch"], dtype: .i32)
    let net =
      switch kind {
      case "lstm": LSTM(4, layers: 2, name: "net") as RNN
      case "gru": GRU(4, layers: 2, name: "net")
      default: SimpleRNN(4, layers: 2, name: "net")
      }
    let loss = square(net.run(x, lengths: lengths).sequence).sum()
    let session = try Session(graph, seed: 5)
    session.onWarning = { _ in }
    let feeds: Feeds = [
      x: try Initializer.normal(deviation: 1).values(shape: [3, 6, 3]),
      lengths: NDArray([6, 4, 0] as [Int32]),
    ]
    let names = graph.variables.map(\.name)
    let gradients = graph.gradients(
      of: [loss], withRespectTo: names.compactMap { graph.tensor(named: $0) }, unconnected: .none)
    let whole = try session.run(try session.compile(fetching: gradients), feeding: feeds)
    for subset in 1..<(1 << names.count) - 1 {
      let frozen = names.indices.filter { subset >> $0 & 1 == 1 }
      // Eight variables have many subsets: those of one or two, their complements, and every seventh.
      guard [1, 2, names.count - 1, names.count - 2].contains(frozen.count) || subset % 7 == 0 else {
        continue
      }
      let selection = try Selection(frozen.map { names[$0] }.joined(separator: " | "))
      let program = try session.compile(fetching: gradients, freezing: selection)
      let part = try session.run(program, feeding: feeds)
      for (number, gradient) in gradients.enumerated() {
        let got = part.optional(gradient)
        #expect((got == nil) == frozen.contains(number))
        if let got {
          #expect(try got.isBitwiseEqual(to: whole[gradient]), "\(names[number]) without \(selection)")
        }
      }
      // No product of a kernel's gradient is left in a loop.
      for line in program.graph.text.split(separator: "\n") where line.hasPrefix(" ") {
        #expect(!line.contains("transpose_a = true"))
      }
    }
  }
}
