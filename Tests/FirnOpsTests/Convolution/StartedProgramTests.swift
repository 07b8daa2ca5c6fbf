import CFirnKernels
import FirnGraph
import FirnOps
import Testing

extension OpTests {
  /// Programs that begin with a convolution have the bits of what they are made of.
  @Suite struct StartedProgramTests {
    private struct Case {
      var op: any KernelOp
      var operand: [Int]
      /// The kernel, as it lies.
      var kernel: [Int]
      var made: [Int]
    }

    private func random(_ shape: [Int], _ name: String, _ dtype: DType = .f32) throws -> NDArray {
      let generator = Philox(seed: 5, name: name)
      return try NDArray((0..<shape.reduce(1, *)).map { Float(generator.uniform($0) * 2 - 1) }, shape: shape)
        .converted(to: dtype)
    }

    /// Forward and back, by kernels as they are and packed, with more pixels than a stretch and fewer than columns,
    /// small images position by position, phases, groups, each channel alone, and nothing at all.
    private func cases() throws -> [Case] {
      let padded = SlidingWindow(padding: [1, 1, 1, 1])
      let strided = SlidingWindow(strides: [2, 2], padding: [1, 1, 1, 1])
      let forms: [(SlidingWindow, Int, x: [Int], kernel: [Int])] = [
        (padded, 1, [2, 13, 29, 8], [3, 3, 8, 40]), (padded, 1, [3, 26, 51, 3], [3, 3, 3, 5]),
        (strided, 1, [2, 13, 15, 31], [3, 3, 31, 35]), (padded, 1, [1, 3, 2, 5], [3, 3, 5, 70]),
        (padded, 1, [9, 2, 2, 67], [3, 3, 67, 19]), (padded, 2, [1, 6, 13, 34], [3, 3, 17, 38]),
        (strided, 83, [2, 7, 9, 83], [3, 3, 1, 83]), (padded, 3, [2, 4, 5, 3], [3, 3, 1, 3]),
        (SlidingWindow(), 1, [0, 3, 4, 2], [1, 1, 2, 3]), (SlidingWindow(), 1, [2, 3, 4, 0], [1, 1, 0, 3]),
        (SlidingWindow(), 1, [2, 5, 6, 4], [1, 1, 4, 2100]),
      ]
      // By tiles, more and fewer than features, rows of them longer and shorter than a stretch, cut at the edges.
      let byTiles: [Case] = try [
        (WinogradTile.two, [2, 13, 29, 17], 40), (.four, [3, 27, 26, 16], 33), (.two, [1, 4, 3, 16], 70),
        (.two, [1, 3, 301, 3], 5), (.two, [0, 4, 3, 16], 7),
      ].map { tile, x, features in
        let u = try WinogradKernel(tile).resultTypes(of: [TensorType(.f32, [3, 3, Dim(x[3]), Dim(features)])]
        )[0]
        return Case(
          op: WinogradConvolution(tile, padding: [1, 1, 1, 0], features: features), operand: x,
          kernel: try #require(u.shape.extents), made: [x[0], x[1], x[2] - 1, features])
      }
      return try byTiles
        + forms.flatMap { window, groups, x, kernel -> [Case] in
          let forward = Convolution(.forward, window, groups: groups)
          let types = [x, kernel].map { TensorType(.f32, Shape($0)) }
          let y = try #require(try forward.resultTypes(of: types)[0].shape.extents)
          let back = Convolution(.inputGradient, window, groups: groups, size: Array(x[1..<3]))
          func packed(_ op: Convolution, _ operand: [Int]) throws -> [Case] {
            let types = [TensorType(.f32, Shape(operand)), TensorType(.f32, Shape(kernel))]
            let node = NodeTypes(operands: types, results: try op.resultTypes(of: types))
            guard let arrangement = op.arrangement(of: 1, in: node) else { return [] }
            let panels = try arrangement.arrange.resultTypes(of: [types[1]])[0].shape.extents
            return [
              Case(
                op: try #require(arrangement.op as? PackedConvolution), operand: operand,
                kernel: try #require(panels), made: try #require(node.results[0].shape.extents))
            ]
          }
          return [
            Case(op: forward, operand: x, kernel: kernel, made: y),
            Case(op: back, operand: y, kernel: kernel, made: x),
          ] + (try packed(forward, x)) + (try packed(back, y))
        }
    }

    /// A bias by channels, one for each pixel's place, a sum, a choice, and a second result.
    private func finish(_ y: Tensor, _ x: [Tensor]) -> [Tensor] {
      let sum = y + x[0] + x[1]
      let bounded = relu(sum * x[2])
      return [select(where: less(x[2], sum), bounded, otherwise: tanh(sum)), sum]
    }

    private func results(_ op: any KernelOp, _ operands: [NDArray], _ workers: any Workers) throws
      -> [NDArray]
    {
      try KernelRunner(workers: workers).run(op, operands)
    }

    @Test(arguments: [DType.f32, .f64]) func bitsAreThoseOfTheParts(_ dtype: DType) throws {
      let initial = String(cString: firn_isa_name())
      defer { #expect(firn_select_isa(initial) == 1) }
      for test in try cases() {
        let made = Shape(test.made)
        let k = try random(test.kernel, "kernel", dtype)
        let shapes: [Shape] = [
          Shape(test.operand), Shape(k.shape), [made[3]], Shape(Array(made.dropFirst())), made,
        ]
        let operands =
          [try random(test.operand, "x", dtype), k]
          + (try shapes[2...].map { try random($0.extents ?? [], "\($0)", dtype) })
        for name in ["avx512", "avx2", "portable"] where firn_select_isa(name) == 1 {
          // A program keeps its kernel, and a kernel its scratch: another instruction set wants other ones.
          let op = program(made, shapes.map { ($0, dtype) }) { x in
            finish(applied(test.op, x[0], x[1]), Array(x[2...]))
          }
          let rest = program(made, ([made] + shapes[2...]).map { ($0, dtype) }) { x in
            finish(x[0], Array(x[1...]))
          }
          let y = try results(test.op, Array(operands[..<2]), SerialWorkers())
          let expected = try results(rest, y + operands[2...], SerialWorkers())
          for workers in [SerialWorkers(), OddWorkers([13, 1, 50]), OddWorkers([7])] as [any Workers] {
            let found = try results(op, operands, workers)
            #expect(
              zip(found, expected).allSatisfy { $0.isBitwiseEqual(to: $1) },
              "\(name) \(test.op) on \(test.operand) by \(test.kernel)")
          }
        }
      }
    }

    /// Products: fewer rows than columns, and more; stretches that are cut; stacks; left operands that lie transposed.
    @Test(
      arguments: [
        [5, 40, 7], [16, 130, 20], [97, 33, 300], [300, 64, 33], [1000, 48, 8], [3, 20, 70, 9],
        [2, 150, 32, 40],
        [4, 0, 3], [40, 6, 0],
      ], [DType.f32, .f64])
    func productsHaveTheBitsOfTheParts(_ extents: [Int], _ dtype: DType) throws {
      let stack = Array(extents.dropLast(3))
      let (m, n, k) = (extents[extents.count - 3], extents[extents.count - 2], extents[extents.count - 1])
      let made = stack + [m, n]
      let panels = try KernelRunner().run(Pack(), [random(stack + [k, n], "b", dtype)])[0]
      for isTransposed in [false, true] {
        let left = stack + (isTransposed ? [k, m] : [m, k])
        let product = PackedMatMul(transposeA: isTransposed, columns: n)
        let shapes = [left, panels.shape, [n], Array(made.dropFirst()), made].map { Shape($0) }
        let op = program(Shape(made), shapes.map { ($0, dtype) }) { x in
          finish(applied(product, x[0], x[1]), Array(x[2...]))
        }
        let rest = program(Shape(made), ([Shape(made)] + shapes[2...]).map { ($0, dtype) }) { x in
          finish(x[0], Array(x[1...]))
        }
        let operands =
          [try random(left, "a", dtype), panels]
          + (try shapes[2...].map { try random($0.extents ?? [], "\($0)", dtype) })
        let y = try results(product, Array(operands[..<2]), SerialWorkers())
        let expected = try results(rest, y + operands[2...], SerialWorkers())
        for workers in [SerialWorkers(), OddWorkers([13, 1, 50]), OddWorkers([2])] as [any Workers] {
          let found = try results(op, operands, workers)
          #expect(zip(found, expected).allSatisfy { $0.isBitwiseEqual(to: $1) }, "\(extents) \(isTransposed)")
        }
      }
    }

    /// An operand that the start does not read may be written over, but not by what the start makes.
    @Test func operandsOfTheRestAreWrittenOver() throws {
      let op = program(
        [5, 32], [([5, 32], .f32), ([1, 32, 32], .f32), ([5, 32], .f32), ([5, 32], .f32)]
      ) { x in
        let sum = applied(PackedMatMul(columns: 32), x[0], x[1]) + x[2]
        return [tanh(sum), sum * x[3]]
      }
      guard case .eachInPlace(let choices) = op.aliasing else { throw CancellationError() }
      #expect(choices == [[], [2, 3]])
      let operands = [
        try random([5, 32], "a"), try random([1, 32, 32], "b"), try random([5, 32], "c"),
        try random([5, 32], "d"),
      ]
      let expected = try KernelRunner().run(op, operands)
      let found = try KernelRunner(inPlace: (result: 1, operand: 3)).run(op, operands)
      #expect(zip(found, expected).allSatisfy { $0.isBitwiseEqual(to: $1) })
    }

    @Test func faultsAreNumbered() throws {
      func constraint(_ domain: Shape, _ build: ([Tensor]) -> [Tensor]) -> String? {
        let shapes: [Shape] = [[1, 4, 4, 3], [2, 2, 3, 3], [1, 3, 3, 3]]
        let op = program(domain, shapes.map { ($0, .f32) }, build)
        do {
          _ = try op.resultTypes(of: shapes.map { TensorType(.f32, $0) })
          return nil
        } catch {
          return error.constraint
        }
      }
      func made(_ x: [Tensor]) -> Tensor { applied(Convolution(), x[0], x[1]) }
      #expect(constraint([1, 3, 3, 3]) { [made($0) + $0[2]] } == nil)
      // Two, one of what an instruction has made, one that is handed on as it is, one with no place for it, a part of it.
      #expect(constraint([1, 3, 3, 3]) { [made($0) + made($0)] } == "C6")
      #expect(constraint([1, 3, 3, 3]) { [applied(Convolution(), tanh($0[0]), $0[1]) + $0[2]] } == "C6")
      #expect(constraint([1, 3, 3, 3]) { [made($0)] } == "C6")
      #expect(constraint([1, 3, 3, 3]) { [less(made($0), $0[2])] } == "C6")
      #expect(constraint([1, 1, 3, 3]) { [tanh(made($0).sliced(axis: 1, to: 1))] } == "C6")
      #expect(
        constraint([1, 3, 3, 3]) { x in
          let y = made(x)
          let first = tanh(y)
          return [first, first * y * x[2]]
        } == nil)
    }
  }
}
