import FirnGraph
import FirnOps
import Testing

extension OpTests {
  /// Products with zeros, large logits and long sums, against numbers from elsewhere.
  @Suite struct NumericEdgeTests {
    private func gradient(_ y: Tensor, _ x: Tensor, seed: Tensor? = nil) throws -> Tensor {
      let graph = y.graph
      return try #require(
        ReverseWalk().adjoints(
          of: [y.value], seeds: [seed ?? graph.constant(1, dtype: y.dtype)], withRespectTo: [x.value],
          stopping: [], in: graph)[0])
    }

    @Test func productsHavePyTorchsGradients() throws {
      for product in try NumberFixture.load().products {
        let graph = Graph()
        let x = graph.placeholder("x", shape: [4], dtype: .f64)
        let first = try gradient(x.product(), x)
        let second = try gradient(first, x, seed: graph.constant(NDArray([1.0, 2, 3, 4])))
        let made = try Evaluator(graph: graph.definition).run(
          [first.value, second.value], feeding: [NDArray(product.x)])
        #expect(made[0].doubles == product.first)
        #expect(made[1].doubles == product.second, "\(product.x): \(made[1].doubles)")
      }
    }

    /// No array on the way is larger than x.
    @Test func gradientsOfProductsAreLinear() throws {
      let graph = Graph()
      let x = graph.placeholder("x", shape: [3, "length"])
      _ = try gradient(x.product(axes: [1]).sum(), x)
      let long = graph.definition.mapping(.binding(["length": 30_010]))
      let largest = long.nodes.flatMap(\.types).compactMap(\.shape.elementCount.value).max()
      #expect(largest == 3 * 30_010)
    }

    /// One wrong sign or place shows here: values of `y[j] = a[j] y[j - 1] + b[j]` worked out by hand.
    @Test(arguments: [DType.f32, .f64]) func recurrences(_ dtype: DType) throws {
      let a = NDArray([2.0, 3, 5]).converted(to: dtype)
      let b = NDArray([1.0, 10, 100]).converted(to: dtype)
      let expected: [(LinearRecurrence, [Double])] = [
        (LinearRecurrence(axis: 0), [1, 13, 165]),
        (LinearRecurrence(axis: 0, isExclusive: true), [1, 12, 136]),
        (LinearRecurrence(axis: 0, isReversed: true), [621, 310, 100]),
        (LinearRecurrence(axis: 0, isExclusive: true, isReversed: true), [1531, 510, 100]),
      ]
      for (op, values) in expected { #expect(try KernelRunner().run(op, [a, b])[0].doubles == values) }
      let none = try NDArray(zeros: [2, 0], dtype: dtype)
      #expect(try KernelRunner().run(LinearRecurrence(axis: 1), [none, none])[0].shape == [2, 0])
    }

    @Test func largeLogitsLoseNoDigits() throws {
      func isNear(_ made: [Double], _ wanted: [Double]) -> Bool {
        made.count == wanted.count
          && zip(made, wanted).allSatisfy { ($0 - $1).magnitude <= 1e-12 * $1.magnitude }
      }
      for row in try NumberFixture.load().losses {
        let count = row.logits.count
        let (x, labels) = (NDArray(row.logits), NDArray(row.labels))
        func run(_ op: any KernelOp, _ operands: NDArray...) throws -> [Double] {
          try KernelRunner().run(op, operands)[0].doubles
        }
        #expect(isNear(try run(Softmax(.softmax), x), row.softmax))
        #expect(isNear(try run(Softmax(.logSoftmax), x), row.log_softmax))
        for label in 0..<count {
          #expect(
            isNear(try run(SparseCrossEntropy(), x, NDArray(scalar: Int32(label))), [row.sparse[label]]))
        }
        #expect(isNear(try run(CrossEntropy(), x, labels), [row.cross_entropy]))
        #expect(isNear(try run(Binary(.sigmoidCrossEntropy), x, labels), row.sigmoid))
      }
    }

    /// A million rows: in `f32` the sums are within 1e-6, whichever axis is long, and split over workers the same bits.
    @Test func longSumsAreTrees() throws {
      let rows = 1_000_003
      let columns: [Float] = [0.1, 1.0 / 3, 0.7, 0.123_456_7, 16_777_215 / 16_777_216]
      let values = (0..<rows * columns.count).map { columns[$0 % columns.count] }
      let tall = try NDArray(values, shape: [rows, columns.count])
      let exact = columns.map { Double($0) * Double(rows) }
      func check(_ op: Reduce, _ x: NDArray, _ exact: [Double]) throws {
        let sums = try KernelRunner().run(op, [x])[0]
        for (sum, exact) in zip(sums.doubles, exact) { #expect((sum - exact).magnitude <= 1e-6 * exact) }
        let split = try KernelRunner(workers: OddWorkers()).run(op, [x])[0]
        #expect(split.isBitwiseEqual(to: sums))
      }
      try check(Reduce(.sum, axes: [0]), tall, exact)
      for (column, sum) in zip(columns, exact) {
        try check(
          Reduce(.sum, axes: [1]), NDArray([Float](repeating: column, count: rows), shape: [1, rows]), [sum])
      }
      let zeros = try NDArray(zeros: [rows], dtype: .f32)
      let error = try KernelRunner().run(
        MeanSquaredError(), [NDArray([Float](repeating: 0.1, count: rows)), zeros])[0].doubles[0]
      #expect((error - Double(Float(0.1)) * Double(Float(0.1))).magnitude <= 1e-6 * 0.01)
      let level = try KernelRunner().run(
        Softmax(.logSoftmax), [try NDArray(zeros: [1, rows], dtype: .f32)])[0].doubles[0]
      #expect((level + 13.815_513_557_959_774).magnitude <= 1e-6 * 13.8)
    }
  }
}
