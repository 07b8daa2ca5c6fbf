import FirnGraph
import FirnOps
import Testing

extension OpTests {
  /// What users call: shapes, values and the nodes made.
  @Suite struct FunctionTests {
    private let graph = Graph()

    private func tensor(_ values: [Double], _ shape: [Int], _ dtype: DType = .f32) throws -> Tensor {
      graph.constant(try NDArray(values, shape: shape).converted(to: dtype))
    }

    private func counting(_ shape: [Int], _ dtype: DType = .f32) throws -> Tensor {
      try tensor((0..<shape.reduce(1, *)).map { Double($0) }, shape, dtype)
    }

    private func value(_ tensor: Tensor) throws -> NDArray {
      try graph.validate()
      return try Evaluator(graph: graph.definition).run([tensor.value], feeding: [])[0]
    }

    private func expect(_ tensor: Tensor, _ values: [Double], _ shape: [Int]) throws {
      let array = try value(tensor)
      #expect(array.shape == shape)
      #expect(array.doubles == values)
    }

    @Test func operatorsBroadcast() throws {
      let (a, b) = (try counting([2, 3]), try tensor([10, 20], [2, 1]))
      try expect(a + b, [10, 11, 12, 23, 24, 25], [2, 3])
      try expect(b - a, [10, 9, 8, 17, 16, 15], [2, 3])
      try expect(a * 2, [0, 2, 4, 6, 8, 10], [2, 3])
      try expect(1 - a, [1, 0, -1, -2, -3, -4], [2, 3])
      try expect(6 / (a + 1), [6, 3, 2, 1.5, Double(Float(1.2)), 1], [2, 3])
      try expect(-b, [-10, -20], [2, 1])
      var sum = a
      sum += b
      sum *= a
      try expect(sum, [0, 11, 24, 69, 96, 125], [2, 3])
    }

    @Test func operatorsKeepNamedDimensions() throws {
      let x = graph.placeholder("x", shape: ["batch", 3])
      let bias = try counting([3])
      #expect((x + bias).shape == ["batch", 3])
      #expect((x * 2).shape == ["batch", 3])
      #expect(x.mean(axes: [0]).shape == [3])
      #expect(x.reshaped(to: [-1]).shape == ["3*batch"])
      #expect(x.reshaped(to: [-1, 3, 1]).shape == ["batch", 3, 1])
      #expect(concatenate([x, x], axis: 0).shape == ["2*batch", 3])
      #expect(x.sliced(axis: 0, from: 1).shape == ["batch-1", 3])
      #expect(concatenate([x, x], axis: 0).sliced(axis: 0, by: 2).shape == ["batch", 3])
      #expect(x.padded(low: ["batch", 0], high: [1, 2]).shape == ["2*batch+1", 5])
      try graph.validate()
    }

    @Test func comparisonsAndChoices() throws {
      let a = try tensor([1, 2, 3], [3])
      try expect(greater(a, 2), [0, 0, 1], [3])
      try expect(logicalNot(lessEqual(a, 2)), [0, 0, 1], [3])
      try expect(select(where: equal(a, 2), -a, otherwise: a.graph.constant(0)), [0, -2, 0], [3])
      try expect(maximum(a, 2), [2, 2, 3], [3])
      try expect(minimum(a, try tensor([2], [1])), [1, 2, 2], [3])
      try expect(logicalXor(less(a, 3), greater(a, 1)), [1, 0, 1], [3])
    }

    @Test(arguments: [DType.f32, .f64]) func hardSwishIsZeroThenBentThenTheIdentity(_ dtype: DType) throws {
      let x = try tensor([-4, -3, -1.5, 0, 1.5, 3, 4], [7], dtype)
      try expect(hardSwish(x), [0, 0, -0.375, 0, 1.125, 3, 4], [7])
      let direct = x * minimum(relu(x + 3), 6) / 6
      #expect(try value(hardSwish(x)).doubles == value(direct).doubles)
    }

    @Test func matrixProductsFoldLeadingAxes() throws {
      let (a, b) = (try counting([2, 3, 4]), try counting([4, 5]))
      let product = matmul(a, b)
      #expect(product.shape == [2, 3, 5])
      #expect(graph.nodes.filter { $0.op is Broadcast }.isEmpty)
      #expect(graph.nodes.contains { $0.op is MatMul && $0.types[0].shape == [6, 5] })
      let same = matmul(a, b.broadcast(to: [2, 4, 5]))
      #expect(try value(product).floats == value(same).floats)
      #expect(matmul(a, try counting([7, 4]), transposeB: true).shape == [2, 3, 7])
      #expect(matmul(a, try counting([3, 7]), transposeA: true).shape == [2, 4, 7])
      #expect(matmul(try counting([5, 2]), try counting([6, 2, 7])).shape == [6, 5, 7])
      try graph.validate()
    }

    @Test func reductionsTakeNegativeAxes() throws {
      let x = try counting([2, 3])
      try expect(x.sum(), [15], [])
      try expect(x.sum(axes: [-1]), [3, 12], [2])
      try expect(x.max(axes: [0], keepingAxes: true), [3, 4, 5], [1, 3])
      try expect(x.min(axes: [-1, -2]), [0], [])
      try expect(x.product(axes: [1]), [0, 60], [2])
      try expect(x.mean(axes: [1]), [1, 4], [2])
      try expect(x.argmax(axis: -1), [2, 2], [2])
      try expect(x.argmin(axis: 0), [0, 0, 0], [3])
    }

    @Test func lastOfEqualElements() throws {
      let x = try tensor([1, 3, 3, 5, 5, 2], [2, 3])
      try expect(x.argmax(axis: 1, last: true), [2, 1], [2])
      try expect(x.argmin(axis: -1, last: true), [0, 2], [2])
      try expect(x.argmax(axis: 1), [1, 0], [2])
    }

    @Test func logarithmsOfInfiniteSums() throws {
      let infinite = -Double.infinity
      let x = try tensor([infinite, infinite, .infinity, 1, .nan, 0], [3, 2])
      let made = try value(x.logSumExp(axes: [1])).doubles
      #expect(made[0] == infinite && made[1] == .infinity && made[2].isNaN)
      try expect(x.sliced(axis: 0, to: 0).logSumExp(axes: [0]), [infinite, infinite], [2])
    }

    @Test func bits() throws {
      let (a, b) = (try tensor([12, -1, 5], [3], .i32), try tensor([10, 3, 40], [3], .i32))
      try expect(bitwiseAnd(a, b), [8, 3, 0], [3])
      try expect(bitwiseOr(a, b), [14, -1, 45], [3])
      try expect(bitwiseXor(a, b), [6, -4, 45], [3])
      try expect(bitwiseNot(a), [-13, 0, -6], [3])
      try expect(shiftLeft(a, try tensor([1], [1], .i32)), [24, -2, 10], [3])
      try expect(shiftRight(a, b), [0, -1, 0], [3])
    }

    @Test func remainders() throws {
      let (a, b) = (try tensor([5.5, -5.5, 5.5], [3]), try tensor([2, 2, -2], [3]))
      try expect(truncatingRemainder(a, b), [1.5, -1.5, 1.5], [3])
      try expect(floorRemainder(a, b), [1.5, 0.5, -0.5], [3])
      let (i, j) = (try tensor([7, -7, 7], [3], .i32), try tensor([3, 3, 0], [3], .i32))
      try expect(truncatingRemainder(i, j), [1, -1, 0], [3])
    }

    @Test func numbersThatAreNone() throws {
      let x = try tensor([.nan, .infinity, -.infinity, 1], [4])
      try expect(isNaN(x), [1, 0, 0, 0], [4])
      try expect(isInfinite(x), [0, 1, 1, 0], [4])
      try expect(isInfinite(x, negative: false), [0, 1, 0, 0], [4])
      try expect(isInfinite(x, positive: false), [0, 0, 1, 0], [4])
    }

    /// NaN counts as the greatest, and of equal elements the first comes first.
    @Test func greatestAndSmallest() throws {
      let x = try tensor([2, .nan, 1, 2, 3], [5])
      try expect(topK(x, 3).indices, [1, 4, 0], [3])
      try expect(topK(x, 3, smallest: true).indices, [2, 0, 3], [3])
      try expect(argsort(x), [2, 0, 3, 4, 1], [5])
      try expect(topK(try counting([2, 3]), 1, axis: 0).values, [3, 4, 5], [1, 3])
    }

    @Test func indicesBelowZeroCountFromTheEnd() throws {
      let x = try counting([2, 3])
      let at = try tensor([-1, 0, 1, -2], [2, 2], .i32)
      try expect(gatherElements(x, indices: at, axis: 1), [2, 0, 4, 4], [2, 2])
      try expect(gatherElements(x, indices: try tensor([-1, 0], [1, 2], .i32), axis: 0), [3, 1], [1, 2])
      try expect(gatherND(x, indices: try tensor([-1, -3], [1, 2], .i32)), [3], [1])
    }

    /// Of several updates of one place the last one stays.
    @Test func theLastOneReplaces() throws {
      let (x, at) = (try counting([4]), try tensor([1, 3, 1], [3], .i32))
      let updates = try tensor([10, 20, 30], [3])
      try expect(scatterElements(x, indices: at, updates: updates, axis: 0), [0, 30, 2, 20], [4])
      let maximum = scatterElements(x, indices: at, updates: updates, axis: 0, reduction: .maximum)
      try expect(maximum, [0, 30, 2, 20], [4])
      let none = try tensor([], [0], .i32)
      try expect(
        scatterElements(x, indices: none, updates: try tensor([], [0]), axis: 0), [0, 1, 2, 3], [4])
      let truths = greater(x, 1)
      let off = scatterElements(truths, indices: at, updates: less(updates, 0), axis: 0)
      try expect(off, [0, 0, 1, 0], [4])
    }

    @Test func sequencesTurnedInPart() throws {
      let x = try counting([2, 3])
      let lengths = try tensor([2, 3], [2], .i32)
      try expect(x.reversedSequences(lengths: lengths), [1, 0, 2, 5, 4, 3], [2, 3])
      let turned = x.transposed().reversedSequences(lengths: lengths, batchAxis: 1, timeAxis: 0)
      try expect(turned, [1, 5, 0, 4, 2, 3], [3, 2])
    }

    @Test func paddingOftenAround() throws {
      let x = try counting([3])
      try expect(x.padded(low: [5], high: [4], mode: .reflect), [1, 0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2], [12])
      try expect(x.padded(low: [4], high: [5], mode: .wrap), [2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1], [12])
      try expect(x.sliced(axis: 0, to: 1).padded(low: [1], high: [2], mode: .reflect), [0, 0, 0, 0], [4])
      try expect(x.padded(low: [1], high: [0], mode: .constant(7)), [7, 0, 1, 2], [4])
    }

    @Test func madeOfNumbers() throws {
      try expect(graph.identityMatrix(2, 3, diagonal: 1), [0, 1, 0, 0, 0, 1], [2, 3])
      try expect(graph.range(3, from: 5, by: -2), [5, 3, 1], [3])
      try expect(graph.range(3, from: 5, by: 2, dtype: .i32), [5, 7, 9], [3])
    }

    @Test func blocksOfChannels() throws {
      let x = try counting([1, 1, 1, 8])
      try expect(x.depthToSpace(block: 2), [0, 1, 2, 3, 4, 5, 6, 7], [1, 2, 2, 2])
      try expect(x.depthToSpace(block: 2, order: .channelsFirst), [0, 4, 1, 5, 2, 6, 3, 7], [1, 2, 2, 2])
      let image = try counting([1, 2, 4, 1])
      for order in [ChannelOrder.placesFirst, .channelsFirst] {
        let there = image.spaceToDepth(block: 2, order: order)
        try expect(there.depthToSpace(block: 2, order: order), [0, 1, 2, 3, 4, 5, 6, 7], [1, 2, 4, 1])
      }
      try expect(image.spaceToDepth(block: 2), [0, 1, 4, 5, 2, 3, 6, 7], [1, 1, 2, 4])
    }

    @Test func nearestOfACodebook() throws {
      let codebook = try tensor([0, 0, 1, 1, 4, 0], [3, 2])
      let made = nearestCodes(try tensor([0.9, 0.8, 3, 0.5], [2, 2]), codebook: codebook)
      try expect(made.indices, [1, 2], [2])
      try expect(made.codes, [1, 1, 4, 0], [2, 2])
      let distance = try value(made.commitmentLoss).doubles[0]
      #expect(abs(distance - (0.01 + 0.04 + 1 + 0.25) / 4) < 1e-6)
      #expect(try value(made.codebookLoss).doubles[0] == distance)
    }

    @Test func einsumOfIntegers() throws {
      let (a, b) = (try counting([2, 3], .i32), try counting([3], .i32))
      try expect(einsum("ij,j->i", [a, b]), [5, 14], [2])
      try expect(einsum("ij->ji", [a]), [0, 3, 1, 4, 2, 5], [3, 2])
    }

    @Test func runningSums() throws {
      let x = try tensor([1, 2, 4, 8, 16, 32], [2, 3])
      try expect(x.cumulativeSum(axis: 1), [1, 3, 7, 8, 24, 56], [2, 3])
      try expect(x.cumulativeSum(axis: -1, exclusive: true), [0, 1, 3, 0, 8, 24], [2, 3])
      try expect(x.cumulativeSum(axis: 1, reversed: true), [7, 6, 4, 56, 48, 32], [2, 3])
      try expect(x.cumulativeSum(axis: 1, exclusive: true, reversed: true), [6, 4, 0, 48, 32, 0], [2, 3])
      try expect(x.cumulativeSum(axis: 0), [1, 2, 4, 9, 18, 36], [2, 3])
      try expect(x.cumulativeSum(axis: -2, exclusive: true), [0, 0, 0, 1, 2, 4], [2, 3])
      try expect(x.cast(to: .i32).cumulativeSum(axis: 0, reversed: true), [9, 18, 36, 8, 16, 32], [2, 3])
    }

    @Test func movement() throws {
      let x = try counting([2, 3])
      try expect(x.transposed(), [0, 3, 1, 4, 2, 5], [3, 2])
      try expect(x.transposed([-1, 0]), [0, 3, 1, 4, 2, 5], [3, 2])
      try expect(x.reversed(axes: [-1]), [2, 1, 0, 5, 4, 3], [2, 3])
      try expect(x.expandingAxis(at: -1), [0, 1, 2, 3, 4, 5], [2, 3, 1])
      try expect(x.expandingAxis(at: 1).squeezed(axes: [1]), [0, 1, 2, 3, 4, 5], [2, 3])
      try expect(x.expandingAxis(at: 0).squeezed(), [0, 1, 2, 3, 4, 5], [2, 3])
      try expect(x.sliced(axis: 1, from: -2), [1, 2, 4, 5], [2, 2])
      try expect(x.sliced(axis: -1, to: -1), [0, 1, 3, 4], [2, 2])
      try expect(x.sliced(axis: 1, by: 2), [0, 2, 3, 5], [2, 2])
      try expect(x.sliced(starts: [1, 0]), [3, 4, 5], [1, 3])
      try expect(
        x.padded(low: [0, 1], high: [1, 0], value: 7), [7, 0, 1, 2, 7, 3, 4, 5, 7, 7, 7, 7], [3, 4])
      try expect(concatenate([x, x], axis: -1), [0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5], [2, 6])
      try expect(stack([x, -x], axis: -1), [0, 0, 1, -1, 2, -2, 3, -3, 4, -4, 5, -5], [2, 3, 2])
      let parts = x.split(sizes: [1, 2], axis: 1)
      try expect(parts[0], [0, 3], [2, 1])
      try expect(parts[1], [1, 2, 4, 5], [2, 2])
      try expect(x.split(into: 3, axis: -1)[2], [2, 5], [2, 1])
      try expect(x.unstacked(axis: 1)[1], [1, 4], [2])
      try expect(x.cast(to: .i32).cast(to: .f32), [0, 1, 2, 3, 4, 5], [2, 3])
    }

    @Test func lookups() throws {
      let (table, indices) = (try counting([3, 2]), try tensor([2, 0], [2], .i32))
      try expect(gather(table, indices: indices), [4, 5, 0, 1], [2, 2])
      try expect(
        gather(table, indices: indices.sliced(axis: 0, from: 1), axis: 1), [0, 2, 4], [3, 1])
      try expect(
        scatterAdd(try counting([2, 2]), indices: indices, size: 3), [2, 3, 0, 0, 0, 1], [3, 2])
      try expect(
        scatterAdd(graph.constant(3), indices: graph.constant(1, dtype: .i32), size: 2), [0, 3], [2])
      try expect(oneHot(indices, depth: 3), [0, 0, 1, 1, 0, 0], [2, 3])
      try expect(graph.iota(4), [0, 1, 2, 3], [4])
    }

    @Test func softmaxOverAnyAxis() throws {
      let x = try counting([2, 3])
      let first = try value(softmax(x, axis: 0))
      let turned = try value(softmax(x.transposed()).transposed())
      #expect(first.isBitwiseEqual(to: turned))
      #expect(try value(softmax(x, axis: 0).sum(axes: [0])).floats.allSatisfy { ($0 - 1).magnitude < 1e-6 })
    }

    @Test func lossesAgreeWithTheirDefinitions() throws {
      let logits = try tensor([1, 2, 4, 0, -1, 3], [2, 3])
      let labels = try tensor([2, 1], [2], .i32)
      let sparse = try value(sparseSoftmaxCrossEntropy(logits: logits, labels: labels)).doubles
      let dense = try value(softmaxCrossEntropy(logits: logits, labels: oneHot(labels, depth: 3))).doubles
      let direct = try value(-(logSoftmax(logits) * oneHot(labels, depth: 3)).sum(axes: [1])).doubles
      for (a, (b, c)) in zip(sparse, zip(dense, direct)) {
        #expect((a - b).magnitude < 1e-5 && (a - c).magnitude < 1e-5)
      }
      try expect(meanSquaredError(try counting([2, 2]), graph.constant(1)), [1.5], [])
    }

    @Test func meansOverNamedDimensionsDifferentiate() throws {
      let x = graph.placeholder("x", shape: ["batch", 3], dtype: .f64)
      let loss = square(x).mean()
      let gradient = ReverseWalk().adjoints(
        of: [loss.value], seeds: [graph.constant(1, dtype: .f64)], withRespectTo: [x.value], stopping: [],
        in: graph)[0]
      let bound = graph.definition.mapping(.binding(["batch": 2]))
      try bound.verify()
      let feed = try NDArray([1.0, 2, 3, 4, 5, 6], shape: [2, 3])
      let result = try Evaluator(graph: bound).run([try #require(gradient).value], feeding: [feed])[0]
      #expect(zip(result.doubles, feed.doubles).allSatisfy { ($0 - $1 / 3).magnitude < 1e-12 })
    }

    @Test func stopsAndNames() throws {
      let x = graph.placeholder("x", shape: [2])
      #expect(identity(x, name: "named").name == "named")
      #expect(stopGradient(x).node?.mnemonic == "stop_gradient")
      #expect(exp(x).node?.location?.file.hasSuffix("FunctionTests.swift") == true)
    }
  }
}
