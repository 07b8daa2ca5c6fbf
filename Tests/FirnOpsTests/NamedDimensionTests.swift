import FirnGraph
import FirnOps
import Testing

extension OpTests {
  /// Expressions over named dimensions, and their gradients, stay right when the names are bound.
  @Suite struct NamedDimensionTests {
    struct Expression: Sendable, CustomTestStringConvertible {
      let testDescription: String
      let build: @Sendable (Tensor) -> Tensor

      init(_ name: String, _ build: @escaping @Sendable (Tensor) -> Tensor) {
        testDescription = name
        self.build = build
      }
    }

    /// Of x[batch, time, 3].
    static let expressions: [Expression] = [
      Expression("sum") { $0.sum(axes: [0]) },
      Expression("mean") { $0.mean(axes: [0, 1]) },
      Expression("mean of all") { $0.mean() },
      Expression("max") { $0.max(axes: [1]) },
      Expression("prod") { $0.product(axes: [0, 1], keepingAxes: true) },
      Expression("cumulative sum") { $0.cumulativeSum(axis: 1, exclusive: true) },
      Expression("reshape") { $0.reshaped(to: ["batch*time", 3]) },
      Expression("infer") { $0.reshaped(to: ["time", -1]) },
      Expression("transpose") { $0.transposed() },
      Expression("broadcast") { $0.sum(axes: [0]).broadcast(to: ["batch", "time", 3]) + $0 },
      Expression("slice") { $0.sliced(axis: 1, from: 1) },
      Expression("slice by two") { concatenate([$0, $0 * 2], axis: 1).sliced(axis: 1, from: 0, by: 2) },
      Expression("slice the end") { $0.sliced(axis: 0, from: -1) },
      Expression("pad") { $0.padded(low: ["time", 0, 1], high: [0, "batch", 0]) },
      Expression("reverse") { $0.reversed(axes: [0, 1]) },
      Expression("concatenate") { concatenate([$0, -$0, $0.sliced(axis: 0, to: 1)], axis: 0) },
      Expression("split") { concatenate([$0, -$0], axis: 0).split(into: 2, axis: 0)[1] },
      Expression("split sizes") {
        concatenate([$0, -$0], axis: 0).split(sizes: ["batch", "batch"], axis: 0)[0]
      },
      Expression("matmul") { matmul($0, $0, transposeB: true) },
      Expression("matmul folded") { matmul($0, $0.sum(axes: [0, 1]).reshaped(to: [3, 1])) },
      Expression("convolution") {
        let images = $0.reshaped(to: ["batch*time", 1, 3, 1])
        let kernel = images.sliced(axis: 0, to: 1).reshaped(to: [1, 3, 1, 1])
        let y = conv2d(images, kernel, padding: .same)
        return maxPool2d(y, window: (1, 2), strides: (1, 1))
          + averagePool2d(y, window: (1, 2), strides: (1, 1))
      },
      Expression("gather") { gather($0, indices: $0.graph.iota("time"), axis: 1) },
      Expression("scatter") { scatterAdd($0, indices: $0.graph.iota("batch"), size: "batch+1") },
      Expression("one-hot") { oneHot($0.graph.iota("time"), depth: "time", dtype: $0.dtype).sum() * $0 },
      Expression("hard swish") { hardSwish($0) },
      Expression("norms") {
        $0.logSumExp(axes: [0]) + $0.norm(axes: [1]).sum() + $0.variance(axes: [0, 1], correction: 1)
      },
      Expression("top") { topK($0, "batch", axis: 0).values },
      Expression("elements") { gatherElements($0, indices: argsort($0, axis: 1), axis: 1) },
      Expression("scattered") {
        scatterElements($0, indices: argsort($0, axis: 0), updates: $0 * 2, axis: 0, reduction: .adding)
      },
      Expression("scattered over") {
        scatterElements($0, indices: argsort($0, axis: 0), updates: $0 * 2, axis: 0)
      },
      Expression("tuples") { gatherND($0, indices: $0.graph.iota("batch").expandingAxis(at: 1)) },
      Expression("turned") {
        $0.reversedSequences(lengths: $0.graph.iota("batch") * 0 + 1, batchAxis: 0, timeAxis: 1)
      },
      Expression("tiled") { $0.tiled(by: [1, "time", 2]) },
      Expression("triangle") { $0.lowerTriangle() },
      Expression("edges") { $0.padded(low: [0, 1, 2], high: [0, 2, 1], mode: .edge) },
      Expression("wrapped") { $0.padded(low: [0, 1, 0], high: [0, 1, 0], mode: .wrap) },
      Expression("einsum") { einsum("bti,bsi->bts", [$0, $0]) },
      Expression("masked") { maskedSoftmax($0, mask: greater($0, 0.5), axis: 1) },
      Expression("contrast") { contrastiveLoss(queries: $0.mean(axes: [1]), keys: $0.max(axes: [1])) },
      Expression("softmax") { softmax($0, axis: 1) },
      Expression("squared error") { meanSquaredError($0, $0.sum(axes: [0], keepingAxes: true)) },
      Expression("extent") { $0 * $0.graph.extent("batch*time", dtype: $0.dtype) },
    ]

    @Test(arguments: expressions) func gradientsSurviveBinding(_ expression: Expression) throws {
      let graph = Graph()
      let x = graph.placeholder("x", shape: ["batch", "time", 3], dtype: .f64)
      let loss = square(expression.build(x)).sum()
      let adjoint = ReverseWalk().adjoints(
        of: [loss.value], seeds: [graph.constant(1, dtype: .f64)], withRespectTo: [x.value], stopping: [],
        in: graph)[0]
      try graph.validate()
      let gradient = try #require(adjoint)
      try graph.definition.verify()
      for binding in [["batch": 2, "time": 4], ["batch": 5, "time": 1]] as [DimBinding] {
        let bound = Graph(resuming: graph.definition.mapping(.binding(binding)))
        try bound.definition.verify()
        let shape = try #require(bound.definition.type(of: x.value).shape.extents)
        let generator = Philox(seed: 4, name: expression.testDescription)
        let values = (0..<shape.reduce(1, *)).map { 0.3 + 0.7 * generator.uniform($0) }
        let check = GradientCheck(bound, [filled(values, shape)])
        try check.expect(
          [Tensor(bound, gradient.value)], of: Tensor(bound, loss.value), tolerance: 1e-6, "\(binding)")
      }
    }
  }
}
