import CFirnKernels
import FirnGraph
import FirnOps
import Testing

extension OpTests {
  /// What single kernels do at the edges of their definition.
  @Suite struct KernelTests {
    private func run(_ op: any KernelOp, _ operands: NDArray...) throws -> NDArray {
      try KernelRunner().run(op, operands)[0]
    }

    private func array(_ values: [Double], _ shape: [Int], _ dtype: DType = .f32) throws -> NDArray {
      try NDArray(values, shape: shape).converted(to: dtype)
    }

    private static let floats = [DType.f32, .f64]

    @Test(arguments: floats) func emptyReductionsGiveTheIdentity(_ dtype: DType) throws {
      let nothing = try NDArray(zeros: [2, 0, 3], dtype: dtype)
      let expected: [(Reduce.Function, Double)] = [
        (.sum, 0), (.prod, 1), (.max, -.infinity), (.min, .infinity),
      ]
      for (function, identity) in expected {
        let result = try run(Reduce(function, axes: [1]), nothing)
        #expect(result.doubles == Array(repeating: identity, count: 6), "\(function)")
      }
      #expect(try run(Reduce(.mean, axes: [1]), nothing).doubles.allSatisfy(\.isNaN))
      #expect(try run(Reduce(.sum, axes: [0, 2]), nothing).elementCount == 0)
      #expect(try run(Reduce(.max, axes: [0, 1, 2]), nothing).doubles == [-.infinity])
      #expect(try run(MeanSquaredError(), nothing, nothing).doubles[0].isNaN)
    }

    @Test func emptyIntegerReductionsGiveTheIdentity() throws {
      let nothing = try NDArray(zeros: [0], dtype: .i32)
      #expect(try run(Reduce(.max, axes: [0]), nothing).doubles == [Double(Int32.min)])
      #expect(try run(Reduce(.min, axes: [0]), nothing).doubles == [Double(Int32.max)])
      #expect(try run(Reduce(.sum, axes: [0]), nothing).doubles == [0])
      #expect(try run(Reduce(.prod, axes: [0]), nothing).doubles == [1])
    }

    @Test(arguments: floats) func emptyOperandsAreFine(_ dtype: DType) throws {
      let nothing = try NDArray(zeros: [0, 3], dtype: dtype)
      #expect(try run(Unary(.exp), nothing).elementCount == 0)
      #expect(try run(Softmax(.softmax), nothing).elementCount == 0)
      #expect(try run(Transpose([1, 0]), nothing).shape == [3, 0])
      #expect(try run(Reverse([0]), nothing).elementCount == 0)
      for axis in 0...1 {
        #expect(try run(CumulativeSum(axis: axis, isReversed: true), nothing).shape == [0, 3])
      }
      #expect(try run(CumulativeSum(axis: 0), try NDArray(zeros: [0, 9], dtype: dtype)).shape == [0, 9])
      #expect(
        try run(MatMul(), try NDArray(zeros: [2, 0], dtype: dtype), nothing).doubles
          == Array(repeating: 0, count: 6))
      let slice = Slice(starts: [1, 2], limits: [1, 2], steps: [1, 2])
      #expect(try run(slice, try NDArray(zeros: [2, 3], dtype: dtype)).shape == [0, 0])
    }

    @Test(arguments: floats) func nanIsKept(_ dtype: DType) throws {
      let x = try array([1, .nan, 3], [3], dtype)
      let y = try array([2, 2, .nan], [3], dtype)
      for function in [Binary.Function.max, .min, .add] {
        let result = try run(Binary(function), x, y).doubles
        #expect(!result[0].isNaN && result[1].isNaN && result[2].isNaN, "\(function)")
      }
      for function in [Reduce.Function.max, .min, .sum] {
        #expect(try run(Reduce(function, axes: [0]), x).doubles[0].isNaN, "\(function)")
      }
      for function in [
        Unary.Function.relu, .abs, .sign, .floor, .softplus, .gelu, .silu, .hardSwish, .tanh, .sigmoid,
      ] {
        #expect(try run(Unary(function), x).doubles[1].isNaN, "\(function)")
      }
      #expect(try run(Compare(.equal), x, x).doubles == [1, 0, 1])
      #expect(try run(Compare(.notEqual), x, x).doubles == [0, 1, 0])
      #expect(try run(ArgReduce(.argmax, axis: 0), x).doubles == [1])
      #expect(try run(ArgReduce(.argmin, axis: 0), x).doubles == [1])
      let truth = NDArray([true, false, true])
      #expect(try run(Select(), truth, x, y).doubles == [1, 2, 3])
    }

    @Test(arguments: floats) func nanReachesEverySumBehindIt(_ dtype: DType) throws {
      let x = try array([1, .nan, 3], [3], dtype)
      let sums = try run(CumulativeSum(axis: 0), x).doubles
      #expect(sums[0] == 1 && sums[1].isNaN && sums[2].isNaN)
      let exclusive = try run(CumulativeSum(axis: 0, isExclusive: true, isReversed: true), x).doubles
      #expect(exclusive[0].isNaN && exclusive[1...] == [3, 0])
    }

    @Test(arguments: floats) func firstOfEqualsWins(_ dtype: DType) throws {
      let x = try array([3, 1, 3, 1, 2], [5], dtype)
      #expect(try run(ArgReduce(.argmax, axis: 0), x).doubles == [0])
      #expect(try run(ArgReduce(.argmin, axis: 0), x).doubles == [1])
    }

    /// In units in the last place, on every instruction set; what is no normal number is not counted.
    @Test func exponentialsAreAsExactAsIsSaid() throws {
      let bounds: [(Unary.Function, Double)] = [(.exp, 1), (.expm1, 1.5), (.sigmoid, 2.3), (.tanh, 2.3)]
      // Evenly up to where all have ended, and by magnitude down to nothing.
      let even: [Double] = (0..<40_000).map { Double($0 - 20_000) * 0.0043 }
      let small: [Double] = (0..<40_000).map { step in
        let sign: FloatingPointSign = step % 2 == 0 ? .plus : .minus
        return Double(sign: sign, exponent: -step / 400, significand: 1 + Double(step % 400) / 400)
      }
      let x = try array(even + small, [80_000])
      let initial = String(cString: firn_isa_name())
      defer { #expect(firn_select_isa(initial) == 1) }
      for name in ["avx512", "avx2", "portable"] where firn_select_isa(name) == 1 {
        for (function, bound) in bounds {
          let made = try run(Unary(function), x).doubles
          let exact = try run(Unary(function), x.converted(to: .f64)).doubles
          let worst = zip(made, exact).reduce(0.0) { worst, pair in
            let nearest = Float(pair.1)
            guard nearest.isNormal else { return worst }
            return max(worst, abs(pair.0 - pair.1) / Double(nearest.ulp))
          }
          #expect(worst <= bound && worst > 0.5, "\(name) \(function) \(worst)")
        }
      }
    }

    @Test(arguments: floats) func extremesNeitherOverflowNorVanish(_ dtype: DType) throws {
      let x = try array([-1000, 0, 1000], [3], dtype)
      #expect(try run(Unary(.sigmoid), x).doubles == [0, 0.5, 1])
      #expect(try run(Unary(.softplus), x).doubles[2] == 1000)
      #expect(try run(Unary(.tanh), x).doubles == [-1, 0, 1])
      let ends = try array([-.infinity, -1e38, 1e38, .infinity], [4], dtype)
      let swished = try run(Unary(.hardSwish), ends).doubles
      #expect(try swished == array([0, 0, 1e38, .infinity], [4], dtype).doubles)
      #expect(swished[0].sign == .minus && swished[1].sign == .minus)
      #expect(try run(Softmax(.softmax), x).doubles == [0, 0, 1])
      #expect(try run(Softmax(.logSoftmax), x).doubles == [-2000, -1000, 0])
      let zeros = try NDArray(zeros: [3], dtype: dtype)
      #expect(try run(Binary(.sigmoidCrossEntropy), x, zeros).doubles[2] == 1000)
      let labels = NDArray(scalar: Int32(0))
      #expect(try run(SparseCrossEntropy(), x, labels).doubles == [2000])
    }

    @Test func integersWrapAndDivideByZero() throws {
      let a = NDArray([Int32(7), -7, 5, Int32.min])
      let b = NDArray([Int32(2), 2, 0, -1])
      #expect(try run(Binary(.div), a, b).elements(as: Int32.self) == [3, -3, 0, Int32.min])
      let sum = try run(Binary(.add), NDArray([Int32.max]), NDArray([Int32(1)]))
      #expect(sum.elements(as: Int32.self) == [Int32.min])
      #expect(try run(Unary(.neg), NDArray([Int32.min])).elements(as: Int32.self) == [Int32.min])
      let running = try run(CumulativeSum(axis: 0), NDArray([Int32.max, 1, 1]))
      #expect(running.elements(as: Int32.self) == [Int32.max, Int32.min, Int32.min + 1])
    }

    @Test(arguments: floats) func castingTruncatesAndClamps(_ dtype: DType) throws {
      let x = try array([-1.9, 1.9, 1e12, -1e12, .nan, 0], [6], dtype)
      #expect(
        try run(Cast(to: .i32), x).elements(as: Int32.self) == [-1, 1, Int32.max, Int32.min, 0, 0])
      #expect(try run(Cast(to: .bool), x).doubles == [1, 1, 1, 1, 1, 0])
    }

    @Test(arguments: floats) func roundingGoesToEven(_ dtype: DType) throws {
      let x = try array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5], [6], dtype)
      #expect(try run(Unary(.round), x).doubles == [-2, -2, 0, 0, 2, 2])
    }

    @Test(arguments: [DType.f32, .f64, .i32, .bool])
    func indicesOutOfRangeAreErrors(_ dtype: DType) throws {
      let params = try NDArray(zeros: [10, 3], dtype: dtype)
      let error = #expect(throws: FirnError.self) {
        try run(Gather(axis: 0), params, NDArray([Int32(0), 9, 4, 12]))
      }
      #expect(error?.code == .indexOutOfRange)
      #expect(error?.message == "index 12 at position 3 is outside 0..<10")
      #expect(error?.remedy != nil)
      #expect(throws: FirnError.self) { try run(Gather(axis: 1), params, NDArray([Int32(-1)])) }
      guard dtype != .bool else { return }
      let updates = try NDArray(zeros: [2, 3], dtype: dtype)
      #expect(throws: FirnError.self) {
        try run(ScatterAdd(axis: 0, size: 2), NDArray([Int32(0), 2]), updates)
      }
    }

    /// With and without indices that nobody wants, wanted ones that nobody adds to, repeats of both, and nothing at all.
    @Test(arguments: [DType.f32, .f64, .i32])
    func addedRowsAreThoseOfTheTable(_ dtype: DType) throws {
      let size = 977
      for (wantedCount, count, step) in [
        (200, 300, 1), (300, 200, 61), (5, 900, 3), (1, 1, 976), (0, 4, 1), (4, 0, 1),
      ] {
        let wanted = NDArray((0..<wantedCount).map { Int32(($0 * step * 7 + $0 / 9) % size) })
        let indices = NDArray((0..<count).map { Int32(($0 * step * 5 + $0 / 4) % size) })
        let updates = try array(
          (0..<count * 3).map { Double($0 * 31 % 17) / (dtype == .i32 ? 1 : 7) - 1 }, [count, 3], dtype)
        let rows = try run(GatherAdded(size: Dim(size)), wanted, indices, updates)
        let table = try run(ScatterAdd(axis: 0, size: Dim(size)), indices, updates)
        #expect(
          rows.isBitwiseEqual(to: try run(Gather(axis: 0), table, wanted)), "\(wantedCount) of \(count)")
      }
      let updates = try NDArray(zeros: [2, 3], dtype: dtype)
      for (wanted, indices) in [([5, 0], [1, 2]), ([0, 1], [1, 5]), ([-1, 0], [1, 2])] as [([Int32], [Int32])]
      {
        let error = #expect(throws: FirnError.self) {
          try run(GatherAdded(size: 5), NDArray(wanted), NDArray(indices), updates)
        }
        #expect(error?.code == .indexOutOfRange)
      }
    }

    @Test(arguments: floats) func labelsOutOfRangeAreErrors(_ dtype: DType) throws {
      let logits = try NDArray(zeros: [2, 3], dtype: dtype)
      let error = #expect(throws: FirnError.self) {
        try run(SparseCrossEntropy(), logits, NDArray([Int32(0), 3]))
      }
      #expect(error?.message == "label 3 at position 1 is outside 0..<3")
    }

    @Test func paddingPutsValuesBetween() throws {
      let op = Pad(low: [1], high: [2], interior: [2], value: 9)
      #expect(try run(op, NDArray([Float(1), 2, 3])).floats == [9, 1, 9, 9, 2, 9, 9, 3, 9, 9])
    }

    @Test func manyAxesAreCopied() throws {
      let shape = [1, 2, 1, 3, 2, 2, 2, 2, 2, 2, 2]
      let values = (0..<shape.reduce(1, *)).map { Float($0) }
      let x = try NDArray(values, shape: shape)
      let order = Array((0..<shape.count).reversed())
      let there = try run(Transpose(order), x)
      #expect(there.shape == Array(shape.reversed()))
      #expect(there.floats != x.floats)
      #expect(try run(Transpose(order), there).isBitwiseEqual(to: x))
    }

    /// Large enough for several blocks, vectors and workers.
    private static let large: [OpSample] = [
      OpSample(MatMul(), .real([150, 300]), .real([300, 131]), tolerance: 2e-4),
      OpSample(MatMul(transposeA: true), .real([300, 7]), .real([300, 201]), tolerance: 2e-4),
      OpSample(MatMul(transposeB: true), .real([3, 40, 60]), .real([3, 50, 60]), tolerance: 1e-4),
      OpSample(Pack(transposed: true), .real([301, 127])),
      OpSample(PackedMatMul(columns: 131), .real([150, 300]), .real([5, 300, 32]), tolerance: 2e-4),
      OpSample(PackedMatMul(columns: 1000), .real([20, 70]), .real([32, 70, 32]), tolerance: 1e-4),
      OpSample(Unary(.tanh), .real([70_001])),
      OpSample(Unary(.hardSwish), .real([70_001], -5...5)),
      OpSample(Binary(.mul), .real([70_001]), .real([70_001])),
      OpSample(Reduce(.sum, axes: [1]), .real([150, 501]), tolerance: 1e-5),
      OpSample(Reduce(.mean, axes: [0]), .real([150, 501]), tolerance: 1e-5),
      OpSample(Reduce(.sum, axes: [0, 2]), .real([20, 31, 101]), tolerance: 1e-5),
      OpSample(Reduce(.max, axes: [1]), .real([21, 40, 50])),
      OpSample(CumulativeSum(axis: 1), .real([127, 301]), tolerance: 1e-5),
      OpSample(CumulativeSum(axis: 0, isReversed: true), .real([150, 501]), tolerance: 1e-5),
      OpSample(CumulativeSum(axis: 1, isExclusive: true), .real([21, 40, 50]), tolerance: 1e-5),
      OpSample(Softmax(.softmax), .real([301, 127])),
      OpSample(Transpose([1, 0]), .real([301, 127])),
      OpSample(Transpose([0, 2, 1, 3]), .real([3, 50, 20, 17])),
      OpSample(Broadcast([301, 127]), .real([127])),
      OpSample(Concat(axis: 1), .real([301, 60]), .real([301, 70])),
      OpSample(Gather(axis: 0), .real([100, 33]), .integers([1201], 0...99)),
      OpSample(
        ScatterAdd(axis: 0, size: 100), .integers([1201], 0...99), .real([1201, 33]), tolerance: 1e-5),
      OpSample(RandomDraw(.uniform(low: 0, high: 1), shape: [70_001], key: "u"), .words([1, 2, 3, 4])),
      OpSample(RandomDraw(.normal(mean: 0, deviation: 1), shape: [70_001], key: "n"), .words([1, 2, 3, 4])),
      OpSample(Dropout(rate: 0.5, key: "d"), .real([70_001]), .words([1, 2, 3, 4])),
    ]

    @Test(arguments: large) func largeOperands(_ sample: OpSample) throws {
      let whole = try sample.results(.f32)
      expectClose(whole, try sample.results(.f64), sample)
      for sizes in [[33, 1, 64], [5000, 37]] {
        let pieces = try sample.results(.f32, KernelRunner(workers: OddWorkers(sizes)))
        #expect(zip(whole, pieces).allSatisfy { $0.isBitwiseEqual(to: $1) }, "in \(sizes)")
      }
    }
  }
}
