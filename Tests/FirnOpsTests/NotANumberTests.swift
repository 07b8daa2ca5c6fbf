import FirnGraph
import FirnOps
import Testing

extension OpTests {
  /// What every op makes of NaN, and what its gradient is there: PyTorch's, but for what is listed; `Docs/Numbers.md`.
  @Suite struct NotANumberTests {
    private let fixture: NumberFixture

    init() throws { fixture = try NumberFixture.load() }

    /// The value of `op`, and the gradients of its sum.
    private func run(
      _ op: any Op, _ operands: [[Double]], dtype: DType
    ) throws -> (value: [Double], gradients: [[Double]]) {
      let graph = Graph()
      let inputs = operands.enumerated().map {
        graph.placeholder("x\($0)", shape: [Dim($1.count)], dtype: dtype)
      }
      let y = Graph.apply(op, to: inputs)[0]
      let adjoints = ReverseWalk().adjoints(
        of: [y.value], seeds: [graph.constant(1, dtype: dtype).broadcast(to: y.shape)],
        withRespectTo: inputs.map(\.value), stopping: [], in: graph)
      try graph.validate()
      let feeds = operands.map { NDArray($0).converted(to: dtype) }
      let evaluator = Evaluator(graph: graph.definition)
      let value = try evaluator.run([y.value], feeding: feeds)[0].doubles
      let gradients = try adjoints.enumerated().map { index, adjoint -> [Double] in
        // None passes: zeros.
        guard let adjoint else { return operands[index].map { _ in 0 } }
        return try evaluator.run([adjoint.value], feeding: feeds)[0].doubles
      }
      return (value, gradients)
    }

    private func isSame(_ a: [Double], _ b: [Double?]) -> Bool {
      a.count == b.count && zip(a, b).allSatisfy { $0.isNaN ? $1 == nil : $0 == $1 }
    }

    @Test(arguments: Unary.Function.allCases, [DType.f32, .f64])
    func functionsOfOneNumber(_ function: Unary.Function, _ dtype: DType) throws {
      let wanted = try #require(fixture.unary[function.rawValue], "add it to the script")
      let op = Unary(function, alpha: function == .leakyReLU ? 0.25 : nil)
      let made = try run(op, [[.nan]], dtype: dtype)
      // PyTorch's sign of NaN is 0; NumPy's and TensorFlow's NaN.
      #expect(isSame(made.value, function == .sign ? [nil] : wanted.value))
      #expect(isSame(made.gradients[0], wanted.gradients[0]), "\(made.gradients)")
    }

    @Test(arguments: Binary.Function.allCases, [DType.f32, .f64])
    func functionsOfTwoNumbers(_ function: Binary.Function, _ dtype: DType) throws {
      let name = function == .sigmoidCrossEntropy ? "sigmoid_cross_entropy" : function.rawValue
      let cases = try #require(fixture.binary[name], "add it to the script")
      for (operands, wanted) in zip([[Double.nan, 1], [1, .nan], [.nan, .nan]], cases) {
        let made = try run(Binary(function), operands.map { [$0] }, dtype: dtype)
        #expect(isSame(made.value, wanted.value), "\(operands): \(made.value)")
        for (gradient, other) in zip(made.gradients, wanted.gradients) {
          #expect(
            gradient.count == other.count
              && zip(gradient, other).allSatisfy {
                // A finite gradient is compared to what `f32` holds.
                $0.isNaN ? $1 == nil : ($0 - ($1 ?? .infinity)).magnitude < 1e-6
              }, "\(operands): \(made.gradients)")
        }
      }
    }

    @Test(arguments: [DType.f32, .f64]) func reductions(_ dtype: DType) throws {
      let ops: [any Op] =
        Reduce.Function.allCases.map { Reduce($0, axes: [0]) } + [CumulativeSum(axis: 0)]
        + Softmax.Form.allCases.map { Softmax($0) }
      for op in ops {
        let wanted = try #require(fixture.reductions[op.mnemonic], "add it to the script")
        let made = try run(op, [[1, .nan, 3, .nan]], dtype: dtype)
        #expect(isSame(made.value, wanted.value), "\(op.mnemonic): \(made.value)")
        #expect(isSame(made.gradients[0], wanted.gradients[0]), "\(op.mnemonic): \(made.gradients)")
      }
    }

    /// Of one NaN the gradient of a product is the product of the others: PyTorch divides, and has NaN.
    @Test func productsOfOthers() throws {
      let made = try run(Reduce(.prod, axes: [0]), [[2, .nan, 3]], dtype: .f64)
      #expect(isSame(made.gradients[0], [nil, 6, nil]))
    }

    /// What a `select` hides reaches neither the value nor, behind an op that hands gradients on, the gradient.
    @Test func hiddenValuesPoisonNothing() throws {
      let graph = Graph()
      let x = graph.placeholder("x", shape: [3], dtype: .f64)
      for function in [relu, abs, { elu($0, file: $1, line: $2) }, hardSwish]
        as [(Tensor, StaticString, UInt) -> Tensor]
      {
        let y = select(
          where: equal(x, x), function(x, #fileID, #line), otherwise: x.graph.constant(0, dtype: .f64))
        let adjoint = try #require(
          ReverseWalk().adjoints(
            of: [y.value], seeds: [graph.constant(1, dtype: .f64).broadcast(to: [3])],
            withRespectTo: [x.value], stopping: [], in: graph)[0])
        let result = try Evaluator(graph: graph.definition).run(
          [adjoint.value], feeding: [NDArray([4.0, .nan, 5])])
        #expect(result[0].doubles == [1, 0, 1])
      }
    }
  }
}
