import FirnCompiler
import FirnGraph
import FirnNotation
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

  /// One by one, and by halves, where programs that read much become one.
  @Test(arguments: [false, true]) func programsReadNoMoreThanTheyMay(_ isTree: Bool) throws {
    let graph = Graph()
    var terms = (0..<70).map { graph.placeholder("x\($0)", shape: [2, 3]) }
    while terms.count > 1 {
      let sum = terms[0] + terms[1]
      terms = isTree ? terms.dropFirst(2) + [sum] : [sum] + terms.dropFirst(2)
    }
    var definition = graph.definition
    definition.outputs = [terms[0].value]
    let reads = definition.fused().nodes.compactMap { $0.op is Fused ? $0.inputs.count : nil }
    #expect(reads.count > 1 && reads.allSatisfy { $0 <= 48 }, "\(reads)")
  }

  /// So many functions of one thing are more than one program.
  @Test func whatReadsTheSameIsLimited() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: [2, 8])
    let results = (0..<200).map { _ in tanh(x) }
    var definition = graph.definition
    definition.outputs = results.map(\.value)
    let counts = definition.fused().nodes.compactMap { ($0.op as? Fused)?.body.outputs.count }
    #expect(counts.reduce(0, +) == 200 && counts.allSatisfy { $0 <= 96 }, "\(counts)")
  }

  /// A part of a part begins where both say: 16 of 48 columns from the 8th on lie across tiles of 16.
  @Test func partsOfPartsBeginWhereTheyDo() throws {
    let graph = Graph()
    let (x, y) = (graph.placeholder("x", shape: [4, 48]), graph.placeholder("y", shape: [4, 16]))
    let whole = tanh(x)
    let part = whole.sliced(axis: 1, from: 8).split(sizes: [16, 24], axis: 1)[0]
    let product = part * y
    var definition = graph.definition
    definition.outputs = [product.value, whole.value]
    let fused = definition.fused()
    try fused.verify()
    var source = RandomSource(seed: 1)
    let feeds = ["x": source.array([4, 48], .f32), "y": source.array([4, 16], .f32)]
    let expected = try PlainEvaluator(feeds: feeds).values(of: definition)
    let got = try PlainEvaluator(feeds: feeds).values(of: fused)
    for (a, b) in zip(definition.outputs, fused.outputs) {
      #expect(try #require(expected[a]).isBitwiseEqual(to: #require(got[b])))
    }
    #expect(Tally(fused).programs == 1 && Tally(fused).results == 2, "\(fused.text)")
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
