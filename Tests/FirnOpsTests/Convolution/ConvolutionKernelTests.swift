import CFirnKernels
import FirnGraph
import FirnOps
import Testing

extension OpTests {
  /// Convolutions and pools larger than a tile, a block or a vector.
  @Suite struct ConvolutionKernelTests {
    private static let padded = SlidingWindow(padding: [1, 1, 1, 1])
    private static let strided = SlidingWindow(strides: [2, 2], padding: [1, 1, 1, 1])

    /// Forward convolutions: the gradients follow from each.
    static let convolutions: [(SlidingWindow, Int, x: [Int], kernel: [Int])] = [
      (padded, 1, [2, 9, 14, 33], [3, 3, 33, 37]),
      (strided, 1, [2, 13, 15, 31], [3, 3, 31, 35]),
      (SlidingWindow(), 1, [2, 7, 13, 40], [1, 1, 40, 67]),
      (SlidingWindow(strides: [3, 2], padding: [3, 2, 3, 1]), 1, [1, 17, 19, 3], [7, 7, 3, 33]),
      (padded, 2, [1, 6, 13, 34], [3, 3, 17, 38]),
      (strided, 83, [2, 7, 9, 83], [3, 3, 1, 83]),
      // Small images and many of them, whose pixels are gone through position by position.
      (padded, 1, [9, 2, 2, 67], [3, 3, 67, 19]),
      (padded, 1, [14, 4, 3, 130], [3, 3, 130, 35]),
      (
        SlidingWindow(strides: [2, 1], padding: [2, 2, 3, 3], dilation: [2, 1]), 1, [8, 5, 2, 64],
        [3, 5, 64, 64]
      ),
    ]

    static let large: [OpSample] =
      convolutions.flatMap { window, groups, x, kernel in
        let forward = Convolution(.forward, window, groups: groups)
        let types = [TensorType(.f32, Shape(x)), TensorType(.f32, Shape(kernel))]
        let y = (try? forward.resultTypes(of: types))?[0].shape.extents ?? []
        // Sums of a thousand products and more have more to round.
        let tolerance = kernel.dropLast().reduce(1, *) > 900 ? 4e-5 : 2e-5
        return [
          OpSample(forward, .real(x), .real(kernel), tolerance: tolerance),
          OpSample(
            Convolution(.inputGradient, window, groups: groups, size: Array(x[1..<3])), .real(y),
            .real(kernel),
            tolerance: tolerance),
          OpSample(
            Convolution(.kernelGradient, window, groups: groups, size: Array(kernel[..<2])), .real(x),
            .real(y),
            tolerance: tolerance),
        ]
      } + [
        OpSample(MaxPool(size: [3, 3], strides: [2, 2], padding: [1, 1, 1, 1]), .real([2, 9, 11, 35])),
        OpSample(
          MaxPool(.gradient, size: [3, 3], strides: [2, 2], padding: [1, 1, 1, 1]), .real([2, 9, 11, 35]),
          .real([2, 5, 6, 35])),
        OpSample(
          MaxPool(.take, size: [3, 3], strides: [2, 2], padding: [1, 1, 1, 1]), .real([2, 9, 11, 35]),
          .real([2, 9, 11, 35])),
        OpSample(
          MaxPool(size: [2, 3], strides: [2, 1], padding: [1, 1, 2, 2], dilation: [3, 2]),
          .real([2, 9, 11, 35])),
        OpSample(
          MaxPool(.gradient, size: [2, 3], strides: [2, 1], padding: [1, 1, 2, 2], dilation: [3, 2]),
          .real([2, 9, 11, 35]), .real([2, 4, 11, 35])),
        OpSample(Resample(.adaptiveAverage(size: [7, 7])), .real([2, 9, 11, 35])),
        OpSample(Resample(.bilinear(size: [13, 22], alignsCorners: false)), .real([2, 9, 11, 35])),
        OpSample(Resample(.bicubic(size: [13, 7], alignsCorners: false)), .real([2, 9, 11, 35])),
      ]

    @Test(arguments: large) func everyInstructionSetAgreesWithReference(_ sample: OpSample) throws {
      let initial = String(cString: firn_isa_name())
      defer { #expect(firn_select_isa(initial) == 1) }
      let reference = try sample.results(.f64)
      for name in ["avx512", "avx2", "portable"] where firn_select_isa(name) == 1 {
        let whole = try sample.results(.f32)
        expectClose(whole, reference, sample, name)
        for sizes in [[13, 1, 50], [7]] {
          let pieces = try sample.results(.f32, KernelRunner(workers: OddWorkers(sizes)))
          #expect(zip(whole, pieces).allSatisfy { $0.isBitwiseEqual(to: $1) }, "\(name) in \(sizes)")
        }
      }
    }

    /// The taps at -1 and 2 are both beside an image two pixels wide; those at 0 and 3, and 1 and 4, are not.
    @Test(arguments: [DType.f32, .f64]) func aWindowBesideTheImageIsMinusInfinity(_ dtype: DType) throws {
      let x = try NDArray([-5.0, -7], shape: [1, 1, 2, 1]).converted(to: dtype)
      let g = try NDArray([8.0, 4, 2], shape: [1, 1, 3, 1]).converted(to: dtype)
      func run(_ function: MaxPool.Function, _ operands: NDArray...) throws -> [Double] {
        let op = MaxPool(function, size: [1, 2], strides: [1, 1], padding: [0, 0, 1, 3], dilation: [1, 3])
        return try KernelRunner().run(op, operands)[0].doubles
      }
      #expect(try run(.greatest, x) == [-.infinity, -5, -7])
      #expect(try run(.gradient, x, g) == [4, 2])
      #expect(try run(.take, x, x) == [0, -5, -7])
    }

    @Test func emptyExtentsGiveZeros() throws {
      func run(_ op: any KernelOp, _ shapes: [Int]...) throws -> NDArray {
        try KernelRunner().run(op, try shapes.map { try NDArray(zeros: $0, dtype: .f32) })[0]
      }
      #expect(try run(Convolution(), [0, 3, 4, 2], [2, 2, 2, 5]).shape == [0, 2, 3, 5])
      #expect(try run(Convolution(), [1, 3, 3, 0], [2, 2, 0, 1]).doubles == [0, 0, 0, 0])
      #expect(
        try run(Convolution(.kernelGradient, size: [2, 1]), [0, 3, 3, 1], [0, 2, 3, 1]).doubles == [0, 0])
      #expect(try run(MaxPool(size: [2, 2], strides: [1, 1]), [0, 3, 3, 1]).shape == [0, 2, 2, 1])
      #expect(try run(Resample(.nearest(size: [4, 4])), [1, 2, 2, 0]).shape == [1, 4, 4, 0])
    }

    /// Taps that no result reaches leave elements without a gradient: they are zero, not what the buffer held.
    @Test func unseenElementsHaveZeroGradients() throws {
      let window = SlidingWindow(strides: [3, 3])
      let op = Convolution(.inputGradient, window, size: [5, 6])
      let ones = try NDArray([Float](repeating: 1, count: 4), shape: [1, 2, 2, 1])
      let kernel = try NDArray([Float(2)], shape: [1, 1, 1, 1])
      let result = try KernelRunner().run(op, [ones, kernel])[0].doubles
      for row in 0..<5 {
        for column in 0..<6 {
          #expect(result[row * 6 + column] == (row % 3 == 0 && column % 3 == 0 ? 2 : 0))
        }
      }
    }
  }
}
