import FirnCompiler
import FirnGraph
import FirnOps
import FirnTestSupport
import Testing

/// Programs that see through broadcasts, slices, splits and concatenations.
@Suite struct FusedWindowTests {
  /// Programs, what is in them and what they read.
  private struct Tally: Equatable, CustomStringConvertible {
    var (programs, instructions, operands, results) = (0, 0, 0, 0)

    init(_ graph: GraphDef) {
      for node in graph.nodes {
        guard let program = node.op as? Fused else { continue }
        programs += 1
        instructions += program.body.nodes.count { $0.op.effect != .receives }
        operands += node.inputs.count
        results += node.types.count
      }
    }

    init(_ programs: Int, _ instructions: Int, _ operands: Int, _ results: Int) {
      (self.programs, self.instructions, self.operands, self.results) = (
        programs, instructions, operands, results
      )
    }

    static func + (a: Self, b: Self) -> Self {
      Self(
        a.programs + b.programs, a.instructions + b.instructions, a.operands + b.operands,
        a.results + b.results)
    }

    var description: String { "\(programs), \(instructions), \(operands), \(results)" }
  }

  /// A program has the bits of its nodes; and what becomes one changes only where that is meant: then record it.
  @Test func bitsAreThoseOfTheNodes() throws {
    var tally = Tally(0, 0, 0, 0)
    for seed in 0..<800 {
      let random = RandomWindows(seed: seed)
      let fused = random.definition.fused()
      try fused.verify()
      let evaluator = PlainEvaluator(feeds: random.feeds)
      let (expected, got) = (try evaluator.values(of: random.definition), try evaluator.values(of: fused))
      for (number, (a, b)) in zip(random.definition.outputs, fused.outputs).enumerated() {
        let (a, b) = (try #require(expected[a]), try #require(got[b]))
        #expect(a.isBitwiseEqual(to: b), "seed \(seed), output \(number): \(b), not \(a)")
      }
      tally = tally + Tally(fused)
    }
    #expect(tally == Tally(2757, 10954, 4407, 5130))
  }

  /// What puts together too much for one program stays as it is: eight parts, and what each of them is the sum of.
  @Test(arguments: [(5, 1), (6, 8)])
  func joinsHaveAsManyOperandsAsAProgramMay(_ terms: Int, _ programs: Int) throws {
    let graph = Graph()
    let parts = (0..<8).map { part in
      (1..<terms).reduce(graph.placeholder("x\(part)", shape: [2, 8])) { sum, term in
        sum + graph.placeholder("x\(part)_\(term)", shape: [2, 8])
      }
    }
    let joined = concatenate(parts, axis: 1)
    var definition = graph.definition
    definition.outputs = [joined.value]
    #expect(Tally(definition.fused()).programs == programs)
  }

  @Test func programsReadNoMoreThanTheyMay() throws {
    let graph = Graph()
    var sum = graph.placeholder("x", shape: [2, 3])
    for number in 0..<70 { sum = sum + graph.placeholder("x\(number)", shape: [2, 3]) }
    var definition = graph.definition
    definition.outputs = [sum.value]
    let reads = definition.fused().nodes.compactMap { $0.op is Fused ? $0.inputs.count : nil }
    #expect(reads.count == 2 && reads.allSatisfy { $0 <= 48 }, "\(reads)")
  }

  /// A part of something large that nothing else keeps is copied, rather than the whole kept for it.
  @Test func aPartDoesNotKeepTheWhole() throws {
    func text(alsoReadLater: Bool) throws -> Int {
      let graph = Graph()
      let (x, w) = (graph.placeholder("x", shape: [8, 6]), graph.placeholder("w", shape: [6, 6]))
      let whole = matmul(x, w)
      let part = whole.sliced(axis: 0, from: 0, to: 2)
      let other = matmul(matmul(x, w), w).sliced(axis: 0, from: 0, to: 2)
      let sum = tanh(part) + tanh(other)
      var definition = graph.definition
      definition.outputs = [sum.value] + (alsoReadLater ? [whole.value] : [])
      return definition.fused().nodes.count { $0.mnemonic == "slice" }
    }
    #expect(try text(alsoReadLater: false) == 2)
    #expect(try text(alsoReadLater: true) == 1)
  }
}
