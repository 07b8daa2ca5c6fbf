import FirnCompiler
import FirnFormats
import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
import FirnRuntime
import FirnTraining
import Testing

/// The handle of another graph's tensor is refused wherever a tensor is taken, even if this graph has one of its name; so
/// is another session's program.
@Suite struct StrangerTests {
  private struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let attempt: @Sendable (_ bench: Workbench, _ stranger: Workbench) throws -> Void

    init(_ name: String, _ attempt: @escaping @Sendable (Workbench, Workbench) throws -> Void) {
      testDescription = name
      self.attempt = attempt
    }
  }

  private static let handles: [Case] = [
    Case("fetch") { _ = try $0.session.compile(fetching: [$1.loss]) },
    Case("loss") { _ = try $0.session.compile(minimizing: $1.loss, with: Adam()) },
    Case("fetch beside a loss") {
      _ = try $0.session.compile(minimizing: $0.loss, with: Adam(), fetching: [$1.x])
    },
    Case("feed") {
      try $0.session.run($0.program, feeding: [$1.x: noise([7, 3]), $0.ids: labels(7, classes: 5)])
    },
    Case("feed that is not needed") { bench, stranger in
      let program = try bench.session.compile(fetching: [bench.risky])
      try bench.session.run(program, feeding: [bench.x: noise([7, 3]), stranger.series: noise([2, 2])])
    },
    Case("result") { _ = try $0.session.run($0.program, feeding: $0.feeds)[$1.loss] },
    Case("scalar") { _ = try $0.session.run($0.program, feeding: $0.feeds).scalar($1.loss) },
    Case("value") { _ = try $0.session.value(of: $1.kernel) },
    Case("value to set") { try $0.session.setValue($0.session.value(of: $0.kernel), of: $1.kernel) },
    Case("values to set") { try $0.session.setValues([$1.kernel: $0.session.value(of: $0.kernel)]) },
    Case("loss that is written") { try $0.graph.write(to: "/dev/null", loss: $1.loss) },
    Case("why") { _ = try $0.program.why($1.kernel) },
    Case("why not, of") { _ = try $0.program.whyNot(of: $1.loss, withRespectTo: $0.kernel) },
    Case("why not, by") { _ = try $0.program.whyNot(of: $0.loss, withRespectTo: $1.kernel) },
    Case("pin") { bench, stranger in
      let program = try bench.session.compile(minimizing: bench.loss, with: Adam())
      _ = try program.pin(stranger.kernel)
    },
    Case("data set") { bench, stranger in
      let data = try DataSet([stranger.x: noise([7, 3]), stranger.ids: labels(7, classes: 5)])
      let program = try bench.session.compile(minimizing: bench.loss, with: SGD(learningRate: 0))
      try Trainer(program, in: bench.session).fit(data, epochs: 1, batchSize: 7)
    },
    Case("selection") { bench, stranger in
      _ = try bench.session.compile(
        minimizing: bench.loss, with: Adam(), freezing: .upstream(of: stranger.loss))
    },
    Case("part of a selection") { bench, stranger in
      _ = try bench.session.snapshot(!("head" | .downstream(of: stranger.x)))
    },
  ]

  @Test(arguments: handles) private func handlesOfOtherGraphs(_ one: Case) throws {
    let (bench, stranger) = (try Workbench(), try Workbench())
    let fault = try error { try one.attempt(bench, stranger) }
    #expect(fault.code == .unknownName && fault.message.contains("another graph"), "\(fault)")
    #expect(fault.remedy != nil)
    #expect(try bench.session.run(bench.program, feeding: bench.feeds).optional(stranger.loss) == nil)
    try bench.expectUnharmed()
  }

  private static let operands: [Case] = [
    Case("operand") { _ = try $0.session.compile(fetching: [$0.x + $1.x]) },
    Case("source of a gradient") { bench, stranger in
      _ = bench.graph.gradients(of: [stranger.loss], withRespectTo: [bench.x])
    },
    Case("target of a gradient") { bench, stranger in
      _ = bench.graph.gradients(of: [bench.loss], withRespectTo: [stranger.x])
    },
    Case("assigned value") { $0.graph.assign($1.kernel, to: $0.kernel) },
    Case("assigned variable") { $0.graph.assign($0.kernel, to: $1.kernel) },
    Case("sequence") { bench, stranger in
      _ = scan(over: [stranger.series], initial: [bench.loss]) { ScanResult(carries: $0.carries) }
    },
  ]

  @Test(arguments: operands) private func operandsOfOtherGraphs(_ one: Case) throws {
    let (bench, stranger) = (try Workbench(), try Workbench())
    let fault = try error {
      try one.attempt(bench, stranger)
      try bench.graph.validate()
      try stranger.graph.validate()
    }
    #expect(fault.description.contains("another graph"), "\(fault)")
  }

  private static let programs: [Case] = [
    Case("run") { try $0.session.run($1.program, feeding: $0.feeds) },
    Case("checkpoint") { _ = try Checkpoint(of: $0.session, running: $1.program, step: 1) },
    Case("planned bytes") { _ = try $0.session.arenaBytes(of: $1.program, binding: ["batch": 2]) },
  ]

  @Test(arguments: programs) private func programsOfOtherSessions(_ one: Case) throws {
    let bench = try Workbench()
    let fault = try error { try one.attempt(bench, try Workbench()) }
    #expect(fault.code == .invalidArgument && fault.message.contains("another session"), "\(fault)")
    try bench.expectUnharmed()
  }

  /// A graph made of another's definition is another graph; names still mean what has them.
  @Test func namesMeanWhatHasThem() throws {
    let bench = try Workbench()
    let session = try Session(bench.graph.definition)
    session.onWarning = { _ in }
    let program = try session.compile(fetching: [bench.loss.name])
    let feeds: Feeds = ["x": try noise([7, 3]), "ids": labels(7, classes: 5)]
    #expect(try session.run(program, feeding: feeds).scalar(bench.loss.name).isFinite)
    #expect(throws: FirnError.self) { try session.run(program, feeding: bench.handles) }
  }
}

extension Workbench {
  fileprivate var kernel: Tensor {
    // The workbench's graph has it.
    graph.tensor(named: "head/kernel") ?? x
  }

  fileprivate var handles: Feeds { get throws { [x: try noise([7, 3]), ids: labels(7, classes: 5)] } }
}
