import FirnGraph
import FirnOps
import Testing

extension OpTests {
  /// What kernels do several at once has the bits of one after the other.
  @Suite struct SideBySideTests {
    private func run(_ op: any KernelOp, _ operands: NDArray...) throws -> NDArray {
      let alone = try KernelRunner().run(op, operands)[0]
      let shared = try KernelRunner(workers: OddWorkers()).run(op, operands)[0]
      #expect(bits(shared) == bits(alone), "\(op.mnemonic) in pieces")
      return alone
    }

    /// Numbers with many digits; every so often what is none.
    private func numbers(_ shape: [Int], _ dtype: DType = .f64, special: Bool = false) throws -> NDArray {
      var state: UInt64 = 0x9e37_79b9_7f4a_7c15
      let others = [Double.nan, .infinity, -.infinity, -0.0, 0, 3e9, -3e9, 2_147_483_647.5, 0.99, 1, 1]
      let values = (0..<shape.reduce(1, *)).map { _ -> Double in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let draw = Int(truncatingIfNeeded: state >> 33)
        return special && draw % 5 == 0
          ? others[draw / 5 % others.count] : Double(draw % 2_000_003 - 1_000_001) / 300_007
      }
      return try NDArray(values, shape: shape).converted(to: dtype)
    }

    private func bits(_ a: NDArray) -> [UInt64] {
      a.doubles.map { $0.isNaN ? Double.nan.bitPattern : $0.bitPattern }
    }

    /// Each result made of its elements in their order.
    private func folded(_ x: NDArray, _ axes: [Int], _ initial: Double, _ of: (Double, Double) -> Double)
      -> [Double]
    {
      let kept = x.shape.indices.filter { !axes.contains($0) }
      var results = Array(repeating: initial, count: kept.reduce(1) { $0 * x.shape[$1] })
      for (at, value) in x.doubles.enumerated() {
        var (rest, index) = (at, Array(repeating: 0, count: x.shape.count))
        for axis in x.shape.indices.reversed() {
          (rest, index[axis]) = (rest / x.shape[axis], rest % x.shape[axis])
        }
        let result = kept.reduce(0) { $0 * x.shape[$1] + index[$1] }
        results[result] = of(results[result], value)
      }
      return results
    }

    @Test(
      arguments: [
        ([7, 19], [1]), ([19, 7], [0]), ([3, 17, 11], [1]), ([3, 17, 11], [0, 2]), ([2, 5, 3, 9], [1, 3]),
        ([2, 5, 3, 9], [0, 2]), ([40, 33], [1]), ([40, 33], [0]), ([61], [0]), ([9, 1, 9], [1]),
        ([0, 4], [0]),
      ] as [([Int], [Int])])
    func reductionsAddInOrder(_ shape: [Int], _ axes: [Int]) throws {
      for special in [false, true] {
        let x = try numbers(shape, special: special)
        #expect(
          try bits(run(Reduce(.sum, axes: axes), x)) == bits(NDArray(folded(x, axes, 0, +))),
          "\(shape) \(axes)")
        #expect(try bits(run(Reduce(.prod, axes: axes), x)) == bits(NDArray(folded(x, axes, 1, *))))
        let greatest = folded(x, axes, -.infinity) { $0.isNaN || $0 > $1 ? $0 : $1 }
        #expect(try bits(run(Reduce(.max, axes: axes), x)) == bits(NDArray(greatest)))
        let smallest = folded(x, axes, .infinity) { $0.isNaN || $0 < $1 ? $0 : $1 }
        #expect(try bits(run(Reduce(.min, axes: axes), x)) == bits(NDArray(smallest)))
        let whole = try numbers(shape, .i32)
        #expect(try run(Reduce(.sum, axes: axes), whole).doubles == folded(whole, axes, 0, +))
      }
    }

    /// Interleaved axes are added in `f64` and rounded once.
    @Test func interleavedAxesAreRoundedOnce() throws {
      for (shape, axes) in [([4, 9, 5, 6], [1, 3]), ([4, 9, 5, 16], [0, 2]), ([1, 20, 8, 3], [1, 3])] {
        let x = try numbers(shape, .f32)
        let expected = folded(x, axes, 0, +).map { Float($0) }
        #expect(try run(Reduce(.sum, axes: axes), x).floats == expected)
      }
    }

    @Test func productsAreChains() throws {
      for (m, n, k) in [
        (1, 1, 1), (5, 9, 7), (4, 8, 3), (33, 17, 20), (3, 40, 300), (40, 3, 11), (0, 3, 2), (2, 3, 0),
      ] {
        for (transposeA, transposeB) in [(false, false), (true, false), (false, true), (true, true)] {
          let a = try numbers([2] + (transposeA ? [k, m] : [m, k]))
          let b = try numbers([2] + (transposeB ? [n, k] : [k, n]))
          let (left, right) = (a.doubles, b.doubles)
          var expected: [Double] = []
          for (at, i) in (0..<2 * m).map({ ($0 / m, $0 % m) }) {
            for j in 0..<n {
              expected.append(
                (0..<k).reduce(0) { sum, p in
                  sum + left[at * m * k + (transposeA ? p * m + i : i * k + p)]
                    * right[at * n * k + (transposeB ? j * k + p : p * n + j)]
                })
            }
          }
          let product = try run(MatMul(transposeA: transposeA, transposeB: transposeB), a, b)
          #expect(bits(product) == expected.map(\.bitPattern), "\(m) \(n) \(k) \(transposeA) \(transposeB)")
        }
      }
    }

    @Test(arguments: [DType.f32, .f64, .i32, .bool]) func transposedElementsStay(_ dtype: DType) throws {
      for shape in [
        [33, 37], [4, 4], [70, 3], [3, 70], [64, 72], [1, 9], [1100, 2], [2, 1100], [0, 5],
      ] {
        let x = try numbers(shape, dtype)
        let (from, to) = (x.doubles, try run(Transpose([1, 0]), x).doubles)
        let (rows, columns) = (shape[0], shape[1])
        #expect(to == (0..<from.count).map { from[$0 % rows * columns + $0 / rows] }, "\(shape)")
        let deep = try numbers([3] + shape, dtype).doubles
        let turned = try run(Transpose([0, 2, 1]), try numbers([3] + shape, dtype)).doubles
        let whole = Swift.max(rows * columns, 1)
        #expect(
          turned
            == (0..<deep.count).map {
              deep[$0 / whole * whole + $0 % whole % rows * columns + $0 % whole / rows]
            }, "\(shape)")
      }
    }

    /// A row's bits do not depend on how many there are.
    @Test func shortRowsAreAlone() throws {
      for columns in 1...18 {
        let x = try numbers([71, columns], .f32, special: columns % 2 == 0)
        let labels = try NDArray((0..<71).map { Int32($0 % columns) }, shape: [71])
        for op in [Softmax(.softmax), Softmax(.logSoftmax)] {
          let all = try run(op, x)
          for row in 0..<71 {
            let alone = try KernelRunner().run(op, [x.rows([row])])[0]
            #expect(try bits(all.rows([row])) == bits(alone))
          }
        }
        let losses = try run(SparseCrossEntropy(), x, labels).doubles
        let logarithms = try run(Softmax(.logSoftmax), x).doubles
        for row in 0..<71 where logarithms[row * columns + row % columns].isFinite {
          let difference = losses[row] + logarithms[row * columns + row % columns]
          #expect(abs(difference) < 1e-5 * (1 + abs(losses[row])))
        }
      }
    }

    @Test(arguments: [DType.f32, .f64, .i32]) func indicesAreSorted(_ dtype: DType) throws {
      for extent in [1, 5, 31, 32, 33, 500] {
        let x = try numbers([3, extent], dtype, special: true)
        for isSmallest in [false, true] {
          let sorted = (0..<3).map { row in
            let values = Array(x.doubles[row * extent..<(row + 1) * extent])
            return (0..<extent).sorted { i, j in
              let (a, b) = (values[i], values[j])
              if a.isNaN != b.isNaN { return a.isNaN != isSmallest }
              if !a.isNaN, a != b { return isSmallest ? a < b : a > b }
              return i < j
            }
          }
          for count in Set([1, 3, extent / 8, extent]) where count <= extent {
            let indices = try run(TopIndices(Dim(count), isSmallest: isSmallest), x)
            #expect(indices.doubles == sorted.flatMap { $0.prefix(count).map(Double.init) })
          }
        }
      }
    }

    @Test(arguments: [DType.f32, .f64]) func castsToWholeNumbersTruncate(_ dtype: DType) throws {
      let x = try numbers([1003], dtype, special: true)
      let expected = x.doubles.map { Double(Int32(exactlyOrRounded: $0)) }
      #expect(try run(Cast(to: .i32), x).doubles == expected)
    }

    /// Of all exponents side by side, an element's power depends on its own operands.
    @Test(arguments: [DType.f32, .f64]) func powersAreTheirOwn(_ dtype: DType) throws {
      let x = try numbers([1000], dtype, special: true)
      let exponents = [2, 3, -1, 1, 0.5, 2.5, -2, 0, 4, 1 / 3.0]
      let y = try NDArray((0..<1000).map { exponents[$0 % 10] }, shape: [1000]).converted(to: dtype)
      let powers = try run(Binary(.pow), x, y).doubles
      for (offset, exponent) in exponents.enumerated() {
        let all = try NDArray(Array(repeating: exponent, count: 1000), shape: [1000]).converted(to: dtype)
        let same = try run(Binary(.pow), x, all).doubles
        for at in stride(from: offset, to: 1000, by: 10) {
          #expect(powers[at] == same[at] || powers[at].isNaN && same[at].isNaN)
        }
      }
    }
  }
}
