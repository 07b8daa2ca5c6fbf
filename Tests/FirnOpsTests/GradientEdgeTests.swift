import FirnGraph
import FirnOps
import Testing

extension OpTests {
  /// Gradients at kinks, ties and zeros, where differences cannot check them.
  @Suite struct GradientEdgeTests {
    /// The gradients of the sum of `function`'s result at `arrays`.
    private func gradients(
      at arrays: [[Double]], shape: [Int]? = nil, _ function: ([Tensor]) -> Tensor
    ) throws -> [[Double]] {
      let graph = Graph()
      let shapes = arrays.map { shape ?? [$0.count] }
      let inputs = arrays.indices.map { graph.placeholder("x\($0)", shape: Shape(shapes[$0]), dtype: .f64) }
      let loss = function(inputs).sum()
      let adjoints = ReverseWalk().adjoints(
        of: [loss.value], seeds: [graph.constant(1, dtype: .f64)], withRespectTo: inputs.map(\.value),
        stopping: [], in: graph)
      try graph.validate()
      let feeds = try zip(arrays, shapes).map { try NDArray($0, shape: $1) }
      return try adjoints.map { adjoint in
        guard let adjoint else { return [] }
        return try Evaluator(graph: graph.definition).run([adjoint.value], feeding: feeds)[0].doubles
      }
    }

    @Test func kinks() throws {
      #expect(try gradients(at: [[-1, 0, 1]]) { relu($0[0]) } == [[0, 0, 1]])
      #expect(try gradients(at: [[-1, 0, 1]]) { abs($0[0]) } == [[-1, 0, 1]])
      #expect(try gradients(at: [[-1, 0, 1]]) { leakyReLU($0[0], alpha: 0.25) } == [[0.25, 0.25, 1]])
      #expect(try gradients(at: [[0, 1]]) { elu($0[0], alpha: 0.5) } == [[0.5, 1]])
      let swished = try gradients(at: [[-4, -3, 0, 1.5, 3, 4, .nan, .infinity, -.infinity]]) {
        hardSwish($0[0])
      }
      #expect(swished == [[0, 0, 0.5, 1, 1, 1, 1, 1, 0]])
    }

    /// Half of a Huber loss that is not chosen has no part in the gradient of the other, whatever is infinite.
    @Test func infiniteDifferences() throws {
      let far = try gradients(at: [[0, 0, 3, 0.5], [.infinity, -.infinity, 0, 0]]) {
        huberLoss($0[0], $0[1], delta: 2)
      }
      #expect(far == [[-2, 2, 2, 0.5], [2, -2, -2, -0.5]])
      let squares = try gradients(at: [[0, 3], [.infinity, 0]]) { huberLoss($0[0], $0[1], delta: .infinity) }
      #expect(squares == [[-.infinity, 3], [.infinity, -3]])
    }

    /// What names a class counts from no end.
    @Test func labelsOutside() throws {
      func run(_ labels: [Int32], _ loss: (Graph, Tensor) -> Tensor) throws {
        let graph = Graph()
        let given = graph.placeholder("labels", shape: [Dim(labels.count)], dtype: .i32)
        let result = loss(graph, given)
        try graph.validate()
        _ = try Evaluator(graph: graph.definition).run([result.value], feeding: [NDArray(labels)])
      }
      func scores(_ graph: Graph) -> Tensor {
        graph.constant(NDArray([-1.0, -2, -3, -0.5, -1.5, -2.5])).reshaped(to: [2, 3])
      }
      let losses: [(String, (Graph, Tensor) -> Tensor)] = [
        ("likelihood", { negativeLogLikelihood(logProbabilities: scores($0), labels: $1) }),
        ("some", { negativeLogLikelihood(logProbabilities: scores($0), labels: $1, ignoring: -100) }),
        ("margin", { multiMarginLoss(scores: scores($0), labels: $1) }),
      ]
      for (name, loss) in losses {
        try run([1, 2], loss)
        for outside in [-1, 4] as [Int32] {
          let error = #expect(throws: FirnError.self, "\(name) of \(outside)") {
            try run([1, outside], loss)
          }
          #expect(error?.code == .indexOutOfRange, "\(name): \(error as Any)")
        }
      }
      // One that does not count may be anything.
      try run([1, -100], losses[1].1)
    }

    @Test func routedGradients() throws {
      let (value, x): ([Double], [Double]) = ([-0.0, 2, .infinity], [1, .nan, 3])
      let through = try gradients(at: [value, x]) { 3 * straightThrough(value: $0[0], as: $0[1]) }
      #expect(through == [[], [3, 3, 3]])
      #expect(try gradients(at: [[1, 2]]) { square(scaleGradient($0[0], by: 0.25)) } == [[0.5, 1]])
      #expect(try gradients(at: [[1, 2]]) { square(reverseGradient($0[0])) } == [[-2, -4]])
      #expect(try gradients(at: [[1, 2]]) { square(scaleGradient($0[0], by: 0)) } == [[0, 0]])
      let graph = Graph()
      let a = graph.placeholder("a", shape: [3], dtype: .f64)
      let b = graph.placeholder("b", shape: [3], dtype: .f64)
      let results = [straightThrough(value: a, as: b), scaleGradient(a, by: -3)]
      let made = try Evaluator(graph: graph.definition).run(
        results.map(\.value), feeding: [NDArray(value), NDArray(x)])
      for array in made { #expect(array.isBitwiseEqual(to: NDArray(value))) }
    }

    @Test func whatIsMaskedHasNoGradient() throws {
      let mask: (Tensor) -> Tensor = { x in
        less(x.graph.iota(4).reshaped(to: [2, 2]), 1)
      }
      let x: [Double] = [1, .nan, 1000, .infinity]
      let softened = try gradients(at: [x], shape: [2, 2]) { maskedSoftmax($0[0], mask: mask($0[0])) }
      #expect(softened == [[0, 0, 0, 0]])
      let averaged = try gradients(at: [x], shape: [2, 2]) {
        maskedMean($0[0], mask: mask($0[0]), axes: [1])
      }
      #expect(averaged == [[1, 0, 0, 0]])
    }

    @Test func rootsOfZero() throws {
      #expect(try gradients(at: [[0, 0]]) { $0[0].norm() } == [[0, 0]])
      #expect(try gradients(at: [[0, 0]]) { $0[0].norm(3) } == [[0, 0]])
      #expect(try gradients(at: [[-.infinity, -.infinity]]) { $0[0].logSumExp() } == [[0, 0]])
    }

    @Test func scatteredProductsWithZeros() throws {
      let scattered = try gradients(at: [[2, 3, 0, 5, 0, 0], [1, 1, 1]]) { x in
        let places = x[0].graph.constant(NDArray([Int32(0), 0, 1, 1, 2, 2]))
        return scatterElements(x[1], indices: places, updates: x[0], axis: 0, reduction: .multiplying)
      }
      #expect(scattered == [[3, 2, 5, 0, 0, 0], [6, 0, 0]])
    }

    @Test func tiesShare() throws {
      let (a, b): ([Double], [Double]) = ([1, 2, 3], [3, 2, 1])
      #expect(try gradients(at: [a, b]) { maximum($0[0], $0[1]) } == [[0, 0.5, 1], [1, 0.5, 0]])
      #expect(try gradients(at: [a, b]) { minimum($0[0], $0[1]) } == [[1, 0.5, 0], [0, 0.5, 1]])
      #expect(try gradients(at: [[5, 1, 5, 0]]) { $0[0].max() } == [[0.5, 0, 0.5, 0]])
      #expect(try gradients(at: [[5, 0, 5, 0]]) { $0[0].min() } == [[0, 0.5, 0, 0.5]])
    }

    @Test func productsWithZeros() throws {
      #expect(try gradients(at: [[2, 3, 5]]) { $0[0].product() } == [[15, 10, 6]])
      #expect(try gradients(at: [[2, 0, 5]]) { $0[0].product() } == [[0, 10, 0]])
      #expect(try gradients(at: [[0, 0, 5]]) { $0[0].product() } == [[0, 0, 0]])
    }

    @Test func secondDerivativesOfProductsWithZeros() throws {
      let graph = Graph()
      let x = graph.placeholder("x", shape: [3], dtype: .f64)
      let one = graph.constant(1, dtype: .f64)
      func gradient(_ y: Tensor) throws -> Tensor {
        try #require(
          ReverseWalk().adjoints(
            of: [y.value], seeds: [one], withRespectTo: [x.value], stopping: [], in: graph)[0])
      }
      let first = try gradient(x.product()).sliced(axis: 0, to: 1).reshaped(to: [])
      let second = try gradient(first)
      let result = try Evaluator(graph: graph.definition).run(
        [second.value], feeding: [NDArray([2.0, 0, 5])])
      #expect(result[0].doubles == [0, 5, 0])
    }

    @Test func powersOfZero() throws {
      let (base, exponent): ([Double], [Double]) = ([0, 0, 0, 2, -2], [0, 1, 2, 0, 2])
      let result = try gradients(at: [base, exponent]) { pow($0[0], $0[1]) }
      #expect(result[0] == [0, 1, 0, 0, -4])
      #expect(Array(result[1][..<3]) == [0, 0, 0])
      #expect((result[1][3] - 0.693_147_180_559_945_3).magnitude < 1e-15)
      #expect(result[1][4].isNaN)
    }

    @Test func splitPartsNobodyReadsCountAsZero() throws {
      let one = try gradients(at: [[1, 2, 3, 4]]) { $0[0].split(sizes: [1, 2, 1], axis: 0)[1] * 3 }
      #expect(one == [[0, 3, 3, 0]])
      let ends = try gradients(at: [[1, 2, 3, 4]]) {
        let parts = $0[0].split(sizes: [1, 2, 1], axis: 0)
        return parts[0] * 2 + parts[2]
      }
      #expect(ends == [[2, 0, 0, 1]])
    }

    @Test func onlyWantedPartsOfAConcatenationAreSliced() throws {
      let graph = Graph()
      let x = graph.placeholder("x", shape: [2], dtype: .f64)
      let y = concatenate([stopGradient(x), x, x * 2], axis: 0)
      let adjoint = ReverseWalk().adjoints(
        of: [y.value], seeds: [graph.constant(NDArray([1.0, 2, 3, 4, 5, 6]))], withRespectTo: [x.value],
        stopping: [], in: graph)[0]
      let result = try Evaluator(graph: graph.definition).run(
        [try #require(adjoint).value], feeding: [NDArray([0.0, 0])])
      #expect(result[0].doubles == [13, 16])
      #expect(graph.nodes.count { $0.op is Slice } == 2)
    }

    @Test func repeatedIndicesAddUp() throws {
      let result = try gradients(at: [[1, 2, 3]]) {
        gather($0[0], indices: $0[0].graph.constant(NDArray([Int32(2), 0, 2])))
      }
      #expect(result == [[1, 0, 2]])
    }

    @Test func roundingHasNoGradient() throws {
      for function in [floor, ceil, round, sign] as [(Tensor, StaticString, UInt) -> Tensor] {
        #expect(try gradients(at: [[1, 2]]) { function($0[0], #fileID, #line) } == [[]])
      }
    }

    @Test func theWholeMatrixProductGradientMovesNothing() throws {
      for (left, right) in [(false, false), (false, true), (true, false), (true, true)] {
        let graph = Graph()
        let a = graph.placeholder("a", shape: left ? [3, 2] : [2, 3], dtype: .f64)
        let b = graph.placeholder("b", shape: right ? [5, 3] : [3, 5], dtype: .f64)
        let y = matmul(a, b, transposeA: left, transposeB: right)
        _ = ReverseWalk().adjoints(
          of: [y.value], seeds: [graph.constant(try NDArray(zeros: [2, 5], dtype: .f64))],
          withRespectTo: [a.value, b.value], stopping: [], in: graph)
        #expect(graph.nodes.count { $0.op is MatMul } == 3)
        #expect(!graph.nodes.contains { $0.op is Transpose })
      }
    }
  }
}
