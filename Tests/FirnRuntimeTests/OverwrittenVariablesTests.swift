import FirnCompiler
import FirnGraph
import FirnOps
import Testing

@testable import FirnRuntime

/// Variables that a run writes where they are: what others hold of them stays, and a run that fails changes nothing.
@Suite struct OverwrittenVariablesTests {
  private struct Counter {
    let session: Session
    let program: Program
    let v: Tensor
    let feeds: (Int32) -> Feeds

    /// A count that goes up by x, and a row that is looked up before that or, `failsLast`, in what it becomes.
    init(failsLast: Bool = false) throws {
      let graph = Graph()
      let x = graph.placeholder("x", shape: [4])
      let i = graph.placeholder("i", shape: [1], dtype: .i32)
      v = graph.variable("v", shape: [4], initializer: .zeros, kind: .state)
      let early = gather(x, indices: i)
      let next = graph.assign(v + x, to: v)
      session = try Session(graph, threads: 1)
      program = try session.compile(fetching: [failsLast ? gather(next, indices: i) : early, next])
      feeds = { [x: NDArray([1, 2, 3, 4] as [Float]), i: NDArray([$0])] }
    }

    func value() throws -> [Float] { try session.value(of: v).floats }

    var commits: [Bool] {
      get throws { try session.execution(of: program, binding: [:]).plan.commits.map(\.isInPlace) }
    }
  }

  @Test(arguments: [false, true]) func aRunThatFailsChangesNothing(_ failsLast: Bool) throws {
    let counter = try Counter(failsLast: failsLast)
    let results = try counter.session.run(counter.program, feeding: counter.feeds(1))
    #expect(results.arrays.last??.floats == [1, 2, 3, 4])
    #expect(try counter.value() == [1, 2, 3, 4])
    #expect(throws: FirnError.self) { try counter.session.run(counter.program, feeding: counter.feeds(9)) }
    #expect(try counter.value() == [1, 2, 3, 4])
    try counter.session.run(counter.program, feeding: counter.feeds(0))
    #expect(try counter.value() == [2, 4, 6, 8])
    #expect(try counter.commits == [!failsLast])
  }

  /// Values handed out, snapshots and values given are not written over, and the variable goes on from them.
  @Test func whatOthersHoldStays() throws {
    let counter = try Counter()
    let first = try counter.session.value(of: counter.v)
    try counter.session.run(counter.program, feeding: counter.feeds(0))
    let second = try counter.session.value(of: counter.v)
    let snapshot = try counter.session.snapshot()
    try counter.session.run(counter.program, feeding: counter.feeds(0))
    #expect(try counter.value() == [2, 4, 6, 8])
    #expect(first.floats == [0, 0, 0, 0] && second.floats == [1, 2, 3, 4])
    try counter.session.restore(snapshot)
    try counter.session.run(counter.program, feeding: counter.feeds(0))
    #expect(try counter.value() == [2, 4, 6, 8])
    #expect(snapshot.values.first { $0.name == "v" }?.array.floats == [1, 2, 3, 4])
    let given = NDArray([7, 7, 7, 7] as [Float])
    try counter.session.setValue(given, of: counter.v)
    try counter.session.run(counter.program, feeding: counter.feeds(0))
    #expect(try counter.value() == [8, 9, 10, 11] && given.floats == [7, 7, 7, 7])
    #expect(try counter.commits == [true])
  }
}
