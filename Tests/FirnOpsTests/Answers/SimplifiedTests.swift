import FirnGraph
import FirnOps
import Testing

extension OpTests {
  /// What ops say they simplify to has the bits of what they are.
  @Suite struct SimplifiedTests {
    /// Extremes, both zeros and NaN among ordinary numbers.
    private static let odd: [Float] = [
      .nan, .infinity, -.infinity, 0, -0.0, 1, -1, .leastNonzeroMagnitude, .greatestFiniteMagnitude, 2.5,
      -3.25, 1e-20,
    ]

    /// What the op of a tensor's node simplifies to, and to which bits; nil where it does not.
    private func simplified(_ y: Tensor, _ dtype: DType) throws -> (names: [String], isSame: Bool)? {
      var definition = y.graph.definition
      if dtype == .f64 { definition = definition.mapping(.toReferencePrecision) }
      let node = definition.nodes[y.value.node]
      guard let simple = node.op.simplified(in: NodeView(node, in: definition.nodes)) else { return nil }
      #expect(try simple.type { definition.type(of: $0) } == node.types[0], "\(node.mnemonic)")
      let feeds = try definition.nodes.compactMap { node -> NDArray? in
        guard let op = node.op as? Placeholder else { return nil }
        let shape = try #require(op.type.shape.extents)
        let values = (0..<shape.reduce(1, *)).map { Self.odd[$0 * 5 % Self.odd.count] }
        return try NDArray(values, shape: shape).converted(to: op.type.dtype)
      }
      let evaluator = Evaluator(graph: definition)
      let wanted = try evaluator.run([y.value], feeding: feeds)[0]
      let result = try simple.evaluated { try evaluator.run([$0], feeding: feeds)[0] }
      return (simple.leaves.map { definition.name(of: $0) }, isSame(result, wanted))
    }

    /// Bit for bit, but that which NaN it is does not count: a product chooses one of those it meets.
    private func isSame(_ a: NDArray, _ b: NDArray) -> Bool {
      a.shape == b.shape && a.dtype == b.dtype
        && zip(a.doubles, b.doubles).allSatisfy {
          $0.bitPattern == $1.bitPattern || $0.isNaN && $1.isNaN
        }
    }

    private func expect(_ y: Tensor, becomes names: [String], _ place: SourceLocation = #_sourceLocation)
      throws
    {
      for dtype in [DType.f32, .f64] {
        let result = try simplified(y, dtype)
        #expect(result?.names == names, "\(dtype)", sourceLocation: place)
        #expect(result?.isSame == true, "\(dtype)", sourceLocation: place)
      }
    }

    private func expectNothing(_ y: Tensor, _ place: SourceLocation = #_sourceLocation) throws {
      if let result = try simplified(y, .f32) {
        Issue.record("becomes \(result.names)", sourceLocation: place)
      }
    }

    private let graph = Graph()
    private var x: Tensor { graph.placeholder("x", shape: [3, 4]) }

    @Test func whatChangesNothingGoes() throws {
      let x = x
      try expect(identity(x), becomes: ["x"])
      try expect(stopGradient(x), becomes: ["x"])
      try expect(x.through(Reshape([3, 4])), becomes: ["x"])
      try expect(x.through(Broadcast([3, 4])), becomes: ["x"])
      try expect(x.through(Cast(to: .f32)), becomes: ["x"])
      try expect(x.through(Transpose([0, 1])), becomes: ["x"])
      try expectNothing(x.through(Broadcast([2, 3, 4])))
      try expectNothing(x.through(Cast(to: .i32)))
      try expectNothing(x.through(Transpose([1, 0])))
    }

    @Test func reshapesAndNegationsMeet() throws {
      let x = x
      let flat = x.through(Reshape([12]))
      try expectNothing(flat)
      try expect(flat.through(Reshape([2, 6])), becomes: ["x"])
      try expect(-(-x), becomes: ["x"])
      try expectNothing(-x)
      try expectNothing(-exp(x))
    }

    @Test func onesAreNoFactors() throws {
      let x = x
      let one = graph.constant(1, dtype: .f32).through(Reshape([1, 1])).through(Broadcast([3, 4]))
      try expect(x.through(Binary(.mul), one), becomes: ["x"])
      try expect(one.through(Binary(.mul), x), becomes: ["x"])
      try expect(x.through(Binary(.div), one), becomes: ["x"])
      try expectNothing(one.through(Binary(.div), x))
      try expectNothing(x.through(Binary(.add), one))
      let two = graph.constant(2, dtype: .f32).through(Broadcast([3, 4]))
      try expectNothing(x.through(Binary(.mul), two))
      // Of several elements, even if all are one, nothing is known.
      let ones = graph.constant(try NDArray([Float](repeating: 1, count: 12), shape: [3, 4]))
      try expectNothing(x.through(Binary(.mul), ones))
      let turned = graph.constant(1, dtype: .f32).through(Broadcast([4, 3])).through(Transpose([1, 0]))
      try expectNothing(x.through(Binary(.mul), turned))
    }

    @Test func piecesOfAWholeAreTheWhole() throws {
      let x = x
      func piece(_ start: Int, _ end: Int, _ axis: Int = 1) -> Tensor {
        x.through(Slice(Block(axis: axis, range: start..<end), of: x.type))
      }
      func joined(_ parts: Tensor..., axis: Int = 1) -> Tensor {
        Graph.apply(Concat(axis: axis), to: parts)[0]
      }
      try expect(joined(piece(0, 1), piece(1, 4)), becomes: ["x"])
      try expect(joined(piece(0, 2, 0), piece(2, 3, 0), axis: 0), becomes: ["x"])
      try expectNothing(joined(piece(1, 4), piece(0, 1)))
      try expectNothing(joined(piece(0, 1), piece(1, 3)))
      try expectNothing(joined(piece(0, 2), piece(0, 2), piece(2, 4)))
      try expectNothing(joined(piece(0, 1), exp(piece(1, 4))))
    }

    @Test func transposesAreFlags() throws {
      let x = x
      let y = graph.placeholder("y", shape: [5, 4])
      let turned = y.through(Transpose([1, 0]))
      try expect(x.through(MatMul(), turned), becomes: ["x", "y"])
      let product = turned.through(MatMul(transposeA: true, transposeB: true), x)
      try expect(product, becomes: ["y", "x"])
      let start = graph.placeholder("start", shape: [3, 5])
      try expect(x.through(MatMul(order: .descending), turned, start), becomes: ["x", "y", "start"])
      try expectNothing(x.through(MatMul(transposeB: true), y))
      let stack = graph.placeholder("stack", shape: [4, 2, 3]).through(Transpose([1, 0, 2]))
      try expectNothing(stack.through(MatMul(transposeB: true), graph.placeholder("z", shape: [2, 5, 3])))
    }

    @Test(arguments: opSamples, [DType.f32, .f64])
    func samplesKeepTheirBits(_ sample: OpSample, _ dtype: DType) throws {
      let (graph, position, arrays) = sample.graph(dtype)
      let (definition, node) = (graph.definition, graph.definition.nodes[position])
      guard let simple = node.op.simplified(in: NodeView(node, in: definition.nodes)) else { return }
      let result = try simple.evaluated { arrays[$0.node] }
      #expect(try node.op.results(of: arrays)[0].isBitwiseEqual(to: result))
    }
  }
}

extension Tensor {
  /// An op on this and others, as it is.
  fileprivate func through(_ op: any Op, _ others: Tensor...) -> Tensor {
    Graph.apply(op, to: [self] + others)[0]
  }
}
