import CFirnKernels
import FirnGraph
import FirnOps
import Testing

extension OpTests {
  /// Convolutions by transforms are convolutions, to the bound that `Docs/Numbers.md` states.
  @Suite struct WinogradTests {
    private func run(_ op: any KernelOp, _ operands: NDArray..., workers: any Workers = SerialWorkers())
      throws -> NDArray
    {
      try KernelRunner(workers: workers).run(op, operands)[0]
    }

    private func random(_ shape: [Int], _ name: String, isPositive: Bool = false) throws -> NDArray {
      let values = try Initializer.normal(deviation: 1).values(shape: shape, name: name)
      return isPositive
        ? NDArray(values.type, rounding: values.doubles.map { max(0, $0) }) : values
    }

    private func distance(_ a: NDArray, _ b: NDArray) -> Double {
      let greatest = b.doubles.reduce(0) { max($0, abs($1)) }
      return zip(a.doubles, b.doubles).reduce(0) { max($0, abs($1.0 - $1.1)) } / max(greatest, 1e-30)
    }

    /// Height, width, channels, features, padding: about the edges of tiles, panels and vectors.
    private static let shapes: [(x: [Int], features: Int, padding: [Int])] = [
      ([1, 3, 3, 1], 1, [0, 0, 0, 0]), ([2, 4, 5, 3], 7, [1, 1, 1, 1]), ([3, 7, 6, 17], 33, [1, 1, 1, 1]),
      ([1, 9, 4, 8], 31, [0, 2, 1, 0]), ([2, 1, 1, 5], 32, [1, 1, 2, 2]),
      ([2, 8, 11, 16], 65, [2, 0, 0, 1]),
      ([5, 13, 13, 35], 40, [1, 1, 1, 1]), ([1, 30, 31, 9], 3, [2, 2, 2, 2]),
      ([11, 7, 7, 70], 70, [1, 1, 1, 1]),
      // Cut between panels, of which some have memory for larger blocks than all.
      ([1, 28, 14, 16], 112, [1, 1, 1, 1]), ([1, 12, 24, 32], 96, [1, 1, 1, 1]),
    ]

    /// In `f64` nothing but rounding is between them, of the gradient of the image too.
    @Test(arguments: WinogradTile.allCases) func theyAreConvolutions(_ tile: WinogradTile) throws {
      for (shape, features, padding) in Self.shapes {
        let x = try random(shape, "x").converted(to: .f64)
        let k = try random([3, 3, shape[3], features], "k").converted(to: .f64)
        let window = SlidingWindow(padding: padding)
        let expected = try run(Convolution(.forward, window), x, k)
        let made = try run(
          WinogradConvolution(tile, padding: padding, features: features), x, run(WinogradKernel(tile), k))
        #expect(made.shape == expected.shape)
        #expect(distance(made, expected) < 1e-12, "\(shape) \(padding)")
        let g = try random(expected.shape, "g").converted(to: .f64)
        let adjoint = try run(Convolution(.inputGradient, window, size: Array(shape[1..<3])), g, k)
        let other = try run(
          WinogradConvolution(tile, padding: padding.map { 2 - $0 }, features: shape[3]), g,
          run(WinogradKernel(tile, turned: true), k))
        #expect(other.shape == shape && distance(other, adjoint) < 1e-12, "\(shape) \(padding)")
      }
    }

    @Test(arguments: WinogradTile.allCases) func everyInstructionSetIsNear(_ tile: WinogradTile) throws {
      let initial = String(cString: firn_isa_name())
      defer { #expect(firn_select_isa(initial) == 1) }
      for (shape, features, padding) in Self.shapes {
        let (x, k) = (try random(shape, "x"), try random([3, 3, shape[3], features], "k"))
        let op = WinogradConvolution(tile, padding: padding, features: features)
        let exact = try run(
          Convolution(.forward, SlidingWindow(padding: padding)), x.converted(to: .f64),
          k.converted(to: .f64))
        for name in ["avx512", "avx2", "portable"] where firn_select_isa(name) == 1 {
          let u = try run(WinogradKernel(tile), k)
          let whole = try run(op, x, u)
          #expect(distance(whole, exact) < (tile == .two ? 2e-6 : 2e-5), "\(name) \(shape) \(padding)")
          for sizes in [[1, 5, 2, 11, 3], [7], [29, 1]] {
            let pieces = try run(op, x, u, workers: OddWorkers(sizes))
            #expect(pieces.isBitwiseEqual(to: whole), "\(name) \(shape) in \(sizes)")
          }
        }
      }
    }

    /// An image's bits are its own, in whichever batch it is.
    @Test func imagesDoNotSeeEachOther() throws {
      let (x, k) = (try random([9, 7, 5, 40], "x"), try random([3, 3, 40, 50], "k"))
      let u = try run(WinogradKernel(.two), k)
      let op = WinogradConvolution(.two, padding: [1, 1, 1, 1], features: 50)
      let whole = try run(op, x, u)
      for image in 0..<9 {
        let one = try run(op, x.taking(image..<image + 1, along: 0), u)
        #expect(one.isBitwiseEqual(to: whole.taking(image..<image + 1, along: 0)))
      }
    }

    /// The stated bound, on the extents of residual networks: of tiles of two 10⁻⁶ of the greatest result, of tiles of four
    /// 2·10⁻⁵, on numbers of both signs and on what a `relu` leaves.
    @Test(arguments: [(56, 64), (28, 128), (14, 256), (7, 512)], [false, true])
    func errorsAreWithinTheBound(_ size: (extent: Int, channels: Int), _ isPositive: Bool) throws {
      let shape = [1, size.extent, size.extent, size.channels]
      let x = try random(shape, "x", isPositive: isPositive)
      let k = try random([3, 3, size.channels, 32], "k")
      let window = SlidingWindow(padding: [1, 1, 1, 1])
      let exact = try run(Convolution(.forward, window), x.converted(to: .f64), k.converted(to: .f64))
      let plain = distance(try run(Convolution(.forward, window), x, k), exact)
      var errors: [Double] = []
      for tile in WinogradTile.allCases {
        let op = WinogradConvolution(tile, padding: window.padding, features: 32)
        errors.append(distance(try run(op, x, run(WinogradKernel(tile), k)), exact))
      }
      #expect(errors[0] < 1e-6 && errors[1] < 2e-5, "\(errors), written out \(plain)")
    }

    /// The gradients of a transform and of what reads it are those of a convolution.
    @Test(arguments: WinogradTile.allCases, [false, true])
    func gradientsAreThoseOfAConvolution(_ tile: WinogradTile, _ isTurned: Bool) throws {
      let padding = [1, 2, 0, 1]
      func check(_ function: (Tensor, Tensor) -> Tensor) throws -> [NDArray] {
        let graph = Graph()
        let (x, k) = (
          graph.placeholder("x", shape: [2, 6, 5, 3], dtype: .f64),
          graph.placeholder("k", shape: isTurned ? [3, 3, 4, 3] : [3, 3, 3, 4], dtype: .f64)
        )
        let arrays = [
          try random([2, 6, 5, 3], "x").converted(to: .f64),
          try random(isTurned ? [3, 3, 4, 3] : [3, 3, 3, 4], "k").converted(to: .f64),
        ]
        let check = GradientCheck(graph, arrays)
        let loss = check.projection(of: [function(x, k)], seed: 2)
        let gradients = check.gradients(of: loss)
        let second = check.gradients(of: check.projection(of: gradients, seed: 3))
        return try Evaluator(graph: graph.definition).run((gradients + second).map(\.value), feeding: arrays)
      }
      let made = try check { x, k in
        let u = Graph.apply(WinogradKernel(tile, turned: isTurned), to: [k])[0]
        return Graph.apply(WinogradConvolution(tile, padding: padding, features: 4), to: [x, u])[0]
      }
      let expected = try check { x, k in
        let op: Convolution =
          isTurned
          ? Convolution(.inputGradient, SlidingWindow(padding: padding.map { 2 - $0 }), size: [7, 4])
          : Convolution(.forward, SlidingWindow(padding: padding))
        return Graph.apply(op, to: [x, k])[0]
      }
      for (a, b) in zip(made, expected) { #expect(a.shape == b.shape && distance(a, b) < 1e-11) }
    }

    @Test func faultsAreNumbered() {
      func constraint(_ op: any Op, _ operands: TensorType...) -> String? {
        do {
          _ = try op.resultTypes(of: operands)
          return nil
        } catch {
          return error.constraint
        }
      }
      let (two, four) = (WinogradKernel(.two), WinogradKernel(.four))
      #expect(constraint(two, TensorType(.f32, [3, 3, 5, 7])) == nil)
      #expect(constraint(two, TensorType(.f32, [3, 2, 5, 7])) == "C1")
      #expect(constraint(two, TensorType(.f32, [3, 3, 5])) == "C1")
      #expect(constraint(two, TensorType(.i32, [3, 3, 5, 7])) == "C2")
      #expect(constraint(four, TensorType(.f32, [3, 3, "c", 7])) == "C4")
      var odd = two
      odd.tile = 3
      #expect(constraint(odd, TensorType(.f32, [3, 3, 5, 7])) == "C3")
      let (x, u) = (TensorType(.f32, ["n", 6, 5, 3]), TensorType(.f32, [16, 2, 3, 32]))
      func convolution(_ padding: [Int] = [1, 1, 1, 1], _ features: Int = 40) -> WinogradConvolution {
        WinogradConvolution(.two, padding: padding, features: features)
      }
      #expect(constraint(convolution(), x, u) == nil)
      #expect(constraint(convolution(), TensorType(.f32, [6, 5, 3]), u) == "C1")
      #expect(constraint(convolution(), x, TensorType(.f32, [16, 3, 32])) == "C1")
      #expect(constraint(convolution(), TensorType(.f64, ["n", 6, 5, 3]), u) == "C2")
      for padding in [[1, 1, 1], [3, 0, 0, 0], [0, 0, -1, 0], [Int.max, 0, 0, 0]] {
        #expect(constraint(convolution(padding), x, u) == "C3")
      }
      #expect(constraint(convolution(), TensorType(.f32, ["n", "h", 5, 3]), u) == "C4")
      for features in [32, 65, -1, Int.max] {
        #expect(constraint(convolution([0, 0, 0, 0], features), x, u) == "C5")
      }
      #expect(constraint(convolution(), TensorType(.f32, ["n", 6, 5, 4]), u) == "C5")
      #expect(constraint(WinogradConvolution(.four, features: 40), x, u) == "C5")
      #expect(constraint(convolution([0, 0, 0, 0]), TensorType(.f32, ["n", 2, 5, 3]), u) == "C8")
    }

    /// Only what is a convolution with 3 × 3 taps side by side, and large enough to gain, has a transform.
    @Test func convolutionsSayWhetherATransformGains() throws {
      func answer(
        _ op: Convolution, _ x: TensorType, _ k: TensorType, of operand: Int = 1, _ tile: WinogradTile = .two
      ) throws -> String? {
        let node = NodeTypes(operands: [x, k], results: try op.resultTypes(of: [x, k]))
        return op.preparation(of: operand, tile: tile, in: node)?.name
      }
      let same = SlidingWindow(padding: [1, 1, 1, 1])
      let (plain, back) = (Convolution(.forward, same), Convolution(.inputGradient, same, size: [28, 28]))
      let (x, k) = (TensorType(.f32, ["batch", 28, 28, 64]), TensorType(.f32, [3, 3, 64, 64]))
      #expect(try answer(plain, x, k) == "winograd 2×2")
      #expect(try answer(plain, x, k, .four) == "winograd 4×4")
      #expect(try answer(back, x, k) == "winograd 2×2")
      #expect(try answer(plain, x, k, of: 0) == nil)
      let others: [(Convolution, TensorType, TensorType)] = [
        (Convolution(.forward, SlidingWindow(strides: [2, 1], padding: [1, 1, 1, 1])), x, k),
        (Convolution(.forward, SlidingWindow(padding: [2, 2, 2, 2], dilation: [2, 1])), x, k),
        (Convolution(.forward, SlidingWindow(padding: [3, 1, 1, 1])), x, k),
        (Convolution(.forward, same, groups: 2), x, TensorType(.f32, [3, 3, 32, 64])),
        (plain, x, TensorType(.f32, [1, 3, 64, 64])), (plain, x, TensorType(.f32, [3, 5, 64, 64])),
        (plain, TensorType(.f64, ["batch", 28, 28, 64]), TensorType(.f64, [3, 3, 64, 64])),
        (plain, TensorType(.f32, ["batch", 28, 28, 3]), TensorType(.f32, [3, 3, 3, 64])),
        (plain, x, TensorType(.f32, [3, 3, 64, 4])),
        (plain, TensorType(.f32, ["batch", 1, 1, 64]), k),
        (Convolution(.kernelGradient, same, size: [3, 3]), x, x),
      ]
      for (op, x, k) in others { #expect(try answer(op, x, k) == nil, "\(op.attributes) \(x) \(k)") }
    }
  }
}
