import CFirnKernels
import FirnGraph
import FirnOps
import Testing

extension OpTests {
  /// How a kernel lies changes no bit of a convolution.
  @Suite struct PackedConvolutionTests {
    private func run(_ op: any KernelOp, _ operands: NDArray..., workers: any Workers = SerialWorkers())
      throws -> NDArray
    {
      try KernelRunner(workers: workers).run(op, operands)[0]
    }

    private func random(_ shape: [Int], _ name: String) throws -> NDArray {
      let generator = Philox(seed: 7, name: name)
      return try NDArray((0..<shape.reduce(1, *)).map { Float(generator.uniform($0) * 2 - 1) }, shape: shape)
    }

    /// Both that read a kernel, with what they read.
    private func both(
      _ window: SlidingWindow, _ groups: Int, _ x: [Int], _ kernel: [Int]
    ) throws -> [(op: Convolution, operand: [Int])] {
      let forward = Convolution(.forward, window, groups: groups)
      let y = try forward.resultTypes(of: [x, kernel].map { TensorType(.f32, Shape($0)) })[0].shape.extents
      return [
        (forward, x),
        (
          Convolution(.inputGradient, window, groups: groups, size: Array(x[1..<3])),
          try #require(y)
        ),
      ]
    }

    /// What a kernel gives, packed as `op` asks for it.
    private func packed(_ op: Convolution, _ x: NDArray, _ kernel: NDArray) throws -> (any KernelOp, NDArray)
    {
      let types = [x, kernel].map { TensorType($0.dtype, Shape($0.shape)) }
      let node = NodeTypes(operands: types, results: try op.resultTypes(of: types))
      let arrangement = try #require(op.arrangement(of: 1, in: node))
      let (pack, other) = (arrangement.arrange as? PackKernel, arrangement.op as? PackedConvolution)
      return (try #require(other), try run(try #require(pack), kernel))
    }

    @Test func packedAndPlainHaveTheSameBits() throws {
      let initial = String(cString: firn_isa_name())
      defer { #expect(firn_select_isa(initial) == 1) }
      let more: [(SlidingWindow, Int, x: [Int], kernel: [Int])] = [
        // More pixels than a stretch; one image smaller than its strides; taps that only some phases see.
        (SlidingWindow(padding: [1, 1, 1, 1]), 1, [2, 13, 29, 8], [3, 3, 8, 40]),
        (SlidingWindow(strides: [3, 2], padding: [0, 0, 1, 0]), 1, [3, 2, 9, 5], [1, 2, 5, 34]),
        (SlidingWindow(strides: [2, 4], dilation: [2, 3]), 1, [1, 11, 12, 6], [4, 3, 6, 9]),
        (SlidingWindow(strides: [4, 4], padding: [1, 1, 1, 1]), 4, [1, 9, 10, 20], [3, 3, 5, 12]),
        // Position by position, with a last tile that holds fewer pixels than it is high; of whole blocks of the depth.
        (SlidingWindow(strides: [2, 2], padding: [1, 1, 1, 1]), 1, [9, 4, 4, 256], [3, 3, 256, 33]),
        (SlidingWindow(strides: [2, 2], padding: [1, 1, 1, 1]), 1, [11, 4, 4, 256], [3, 3, 256, 9]),
      ]
      for name in ["avx512", "avx2", "portable"] where firn_select_isa(name) == 1 {
        for (window, groups, shape, kernel) in ConvolutionKernelTests.convolutions + more
        where kernel[2] > 1 {
          let k = try random(kernel, "k \(kernel)")
          for (op, shape) in try both(window, groups, shape, kernel) {
            let x = try random(shape, "x \(shape)")
            let plain = try run(op, x, k)
            let (other, panels) = try packed(op, x, k)
            for workers in [SerialWorkers(), OddWorkers([13, 1, 50]), OddWorkers([1, 3])] as [any Workers] {
              #expect(
                try run(other, x, panels, workers: workers).isBitwiseEqual(to: plain),
                "\(name) \(op) on \(shape) by \(kernel)")
            }
          }
        }
      }
    }

    @Test(arguments: [DType.f32, .f64]) func aPanelHasThirtyTwoColumns(_ dtype: DType) throws {
      let kernel = [2, 1, 3, 34]
      let x = try NDArray((0..<204).map { Double($0 + 1) }, shape: kernel).converted(to: dtype)
      let forward = KernelPanels(kernel: kernel)
      let packed = try run(PackKernel(.pack, forward), x)
      #expect(packed.shape == [1, 2, 6, 32])
      var expected = [Double](repeating: 0, count: 2 * 6 * 32)
      for row in 0..<6 {
        for o in 0..<34 { expected[(o / 32 * 6 + row) * 32 + o % 32] = Double(row * 34 + o + 1) }
      }
      #expect(packed.doubles == expected)
      #expect(try run(PackKernel(.unpack, forward), packed).isBitwiseEqual(to: x))
      let turned = KernelPanels(kernel: kernel, groups: 2, isTransposed: true, order: [1, 0])
      let backward = try run(PackKernel(.pack, turned), x)
      #expect(backward.shape == [2, 1, 34, 32])
      var other = [Double](repeating: 0, count: 2 * 34 * 32)
      for group in 0..<2 {
        for (place, tap) in [1, 0].enumerated() {
          for o in 0..<17 {
            for c in 0..<3 {
              other[((group * 34) + place * 17 + o) * 32 + c] =
                Double((tap * 3 + c) * 34 + group * 17 + o + 1)
            }
          }
        }
      }
      #expect(backward.doubles == other)
      #expect(try run(PackKernel(.unpack, turned), backward).isBitwiseEqual(to: x))
    }

    /// Of strides 2 by 3 with padding, the taps in the order of the phases that see them.
    @Test func tapsOfAPhaseLieSideBySide() throws {
      let op = Convolution(
        .inputGradient, SlidingWindow(strides: [2, 1], padding: [1, 1, 0, 0]), size: [5, 4])
      let types = [TensorType(.f32, [1, 3, 3, 6]), TensorType(.f32, [3, 2, 4, 6])]
      let node = NodeTypes(operands: types, results: try op.resultTypes(of: types))
      let pack = try #require(op.arrangement(of: 1, in: node)?.arrange as? PackKernel)
      #expect(pack.layout.order == [2, 3, 0, 1, 4, 5])
      let even = Convolution(.inputGradient, SlidingWindow(padding: [1, 1, 0, 0]), size: [3, 4])
      let plain = NodeTypes(operands: types, results: try even.resultTypes(of: types))
      #expect((even.arrangement(of: 1, in: plain)?.arrange as? PackKernel)?.layout.order == [])
    }

    @Test func whatIsNotPackedSaysSo() throws {
      func answer(_ op: Convolution, _ a: TensorType, _ b: TensorType, operand: Int = 1) throws -> Bool {
        let node = NodeTypes(operands: [a, b], results: try op.resultTypes(of: [a, b]))
        return op.arrangement(of: operand, in: node) != nil
      }
      let (x, k) = (TensorType(.f32, ["batch", 5, 6, 4]), TensorType(.f32, [3, 3, 4, 8]))
      #expect(try answer(Convolution(), x, k))
      #expect(try !answer(Convolution(), x, k, operand: 0))
      #expect(try !answer(Convolution(), TensorType(.f64, x.shape), TensorType(.f64, k.shape)))
      #expect(try !answer(Convolution(groups: 4), x, TensorType(.f32, [3, 3, 1, 4])))
      #expect(try answer(Convolution(groups: 4), x, TensorType(.f32, [3, 3, 1, 8])))
      let g = TensorType(.f32, ["batch", 3, 4, 8])
      #expect(try !answer(Convolution(.kernelGradient, size: [3, 3]), x, g))
      #expect(try answer(Convolution(.inputGradient, size: [5, 6]), g, k))
    }

    @Test func faultsAreNumbered() throws {
      func constraint(_ op: any Op, _ operands: TensorType...) -> String? {
        do {
          _ = try op.resultTypes(of: operands)
          return nil
        } catch {
          return error.constraint
        }
      }
      func pack(_ x: TensorType, _ kernel: [Int], _ groups: Int = 1, order: [Int] = []) -> String? {
        constraint(PackKernel(.pack, KernelPanels(kernel: kernel, groups: groups, order: order)), x)
      }
      let k = TensorType(.f32, [2, 2, 3, 6])
      #expect(pack(k, [2, 2, 3, 6]) == nil)
      #expect(pack(k, [2, 2, 3]) == "C1")
      #expect(pack(k, [2, 2, 3, -6]) == "C1")
      #expect(pack(k, [2, 2, 3, 6], 4) == "C2")
      #expect(pack(k, [2, 2, 3, 6], 0) == "C2")
      #expect(pack(k, [2, 2, 3, 6], order: [0, 1, 2, 2]) == "C3")
      #expect(pack(k, [2, 2, 3, 6], order: [0, 1, 2]) == "C3")
      #expect(pack(k, [2, 2, 6, 3]) == "C4")
      #expect(pack(TensorType(.i32, [2, 2, 3, 6]), [2, 2, 3, 6]) == "C5")
      let (x, panels) = (TensorType(.f32, [1, 4, 4, 3]), TensorType(.f32, [1, 1, 12, 32]))
      #expect(constraint(PackedConvolution(Convolution(), kernel: [2, 2, 3, 6]), x, panels) == nil)
      #expect(constraint(PackedConvolution(Convolution(), kernel: [2, 2, 3, 33]), x, panels) == "C10")
      #expect(constraint(PackedConvolution(Convolution(), kernel: [2, 2, 3]), x, panels) == "C10")
      #expect(constraint(PackedConvolution(Convolution(), kernel: [5, 2, 3, 6]), x, panels) == "C8")
      let other = PackedConvolution(Convolution(.kernelGradient, size: [2, 2]), kernel: [2, 2, 3, 6])
      #expect(constraint(other, x, panels) == "C11")
    }
  }
}
