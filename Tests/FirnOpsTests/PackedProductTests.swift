import CFirnKernels
import FirnGraph
import FirnOps
import Testing

extension OpTests {
  /// How an operand lies changes no bit of a product.
  @Suite struct PackedProductTests {
    private func run(_ op: any KernelOp, _ operands: NDArray..., workers: any Workers = SerialWorkers())
      throws
      -> NDArray
    {
      try KernelRunner(workers: workers).run(op, operands)[0]
    }

    private func random(_ shape: [Int], _ name: String) throws -> NDArray {
      let generator = Philox(seed: 7, name: name)
      return try NDArray((0..<shape.reduce(1, *)).map { Float(generator.uniform($0) * 2 - 1) }, shape: shape)
    }

    /// Extents about the edges of tiles, panels and blocks, and others between.
    private static let shapes: [[Int]] = {
      let edges = [
        [1, 1, 1], [1, 32, 3], [2, 33, 4], [3, 31, 5], [4, 64, 256], [5, 65, 257], [6, 16, 2], [7, 17, 515],
        [8, 96, 7], [9, 127, 8], [12, 128, 1024], [13, 129, 1], [16, 80, 20], [24, 300, 30], [32, 512, 128],
        [72, 40, 33], [73, 40, 33], [144, 36, 12], [145, 70, 300], [20, 2080, 9], [1, 300, 70], [2, 1, 300],
        // Two tiles of eight rows; a B too large to be read in place; longer columns than rows.
        [16, 33, 20], [28, 64, 33], [24, 1100, 300], [100, 290, 270],
        // Rows of B that drive each other out of a cache: panels are copied while they are read.
        [7, 512, 130], [8, 1024, 70], [13, 1088, 300], [50, 640, 129], [144, 2560, 40], [145, 512, 130],
        // A B beyond half a second-level cache: its next panel is fetched; rows enough to pack several panels.
        [20, 1030, 300], [100, 1056, 260], [49, 1024, 300],
      ]
      let generator = Philox(seed: 3, name: "shapes")
      let others = (0..<30).map { row in
        [60, 150, 400].enumerated().map { 1 + Int(generator.uniform(3 * row + $0) * Double($1)) }
      }
      return edges + others
    }()

    @Test func packedAndPlainHaveTheSameBits() throws {
      let initial = String(cString: firn_isa_name())
      defer { #expect(firn_select_isa(initial) == 1) }
      for name in ["avx512", "avx2", "portable"] where firn_select_isa(name) == 1 {
        for shape in Self.shapes {
          let (m, n, k) = (shape[0], shape[1], shape[2])
          let a = try random([m, k], "a \(shape)")
          let b = try random([k, n], "b \(shape)")
          let (turnedA, turnedB) = (try run(Transpose([1, 0]), a), try run(Transpose([1, 0]), b))
          let packed = try run(Pack(), b)
          #expect(try run(Pack(transposed: true), turnedB).isBitwiseEqual(to: packed), "\(name) \(shape)")
          let whole = try run(MatMul(), a, b)
          let others = try [
            run(MatMul(transposeB: true), a, turnedB), run(MatMul(transposeA: true), turnedA, b),
            run(PackedMatMul(columns: n), a, packed),
            run(PackedMatMul(transposeA: true, columns: n), turnedA, packed),
            run(PackedMatMul(columns: n), a, packed, workers: OddWorkers([1, 3])),
            run(MatMul(), a, b, workers: OddWorkers([13, 1, 50])),
          ]
          let continued = try run(MatMul(order: .ascending), a, b, whole)
          let turned = try run(MatMul(transposeB: true, order: .ascending), a, turnedB, whole)
          #expect(turned.isBitwiseEqual(to: continued), "\(name) \(shape)")
          for (number, other) in others.enumerated() {
            #expect(other.isBitwiseEqual(to: whole), "\(name) \(shape) \(number)")
          }
        }
      }
    }

    @Test(arguments: [DType.f32, .f64]) func panelsAreThirtyTwoColumnsWide(_ dtype: DType) throws {
      let x = try NDArray((0..<66).map { Double($0 + 1) }, shape: [2, 33]).converted(to: dtype)
      let packed = try run(Pack(), x)
      #expect(packed.shape == [2, 2, 32])
      var expected = [Double](repeating: 0, count: 128)
      for j in 0..<33 {
        for p in 0..<2 { expected[(j / 32 * 2 + p) * 32 + j % 32] = Double(33 * p + j + 1) }
      }
      #expect(packed.doubles == expected)
      #expect(try run(Pack(), NDArray(zeros: [3, 0], dtype: dtype)).shape == [0, 3, 32])
      #expect(try run(Pack(), NDArray(zeros: [0, 3], dtype: dtype)).shape == [1, 0, 32])
      let nothing = try run(
        PackedMatMul(columns: 3), NDArray(zeros: [2, 0], dtype: dtype),
        NDArray(zeros: [1, 0, 32], dtype: dtype))
      #expect(nothing.doubles == [0, 0, 0, 0, 0, 0])
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
      let panels = TensorType(.f32, [2, 7, 32])
      #expect(constraint(Pack(), TensorType(.f32, [3])) == "C1")
      #expect(constraint(Pack(), TensorType(.i32, [3, 4])) == "C2")
      #expect(constraint(Pack(), TensorType(.f32, [3, "n"])) == "C3")
      #expect(constraint(Pack(transposed: true), TensorType(.f32, [3, "k"])) == nil)
      #expect(constraint(PackedMatMul(columns: 33), TensorType(.f32, ["m", 7]), panels) == nil)
      #expect(constraint(PackedMatMul(columns: 33), TensorType(.f32, [7]), panels) == "C1")
      #expect(constraint(PackedMatMul(columns: 33), TensorType(.f64, [5, 7]), panels) == "C2")
      #expect(constraint(PackedMatMul(columns: 33), TensorType(.f32, [5, 6]), panels) == "C3")
      let stack = TensorType(.f32, [3, 2, 7, 32])
      #expect(constraint(PackedMatMul(columns: 33), TensorType(.f32, [4, 5, 7]), stack) == "C4")
      for columns in [32, 65, -1, Int.max] {
        #expect(constraint(PackedMatMul(columns: columns), TensorType(.f32, [5, 7]), panels) == "C5")
      }
    }

    /// What is not worth packing, or cannot be, is asked for with contiguous rows.
    @Test func productsSayHowTheirOperandIsToLie() throws {
      func answer(_ op: MatMul, _ a: TensorType, _ b: TensorType) throws -> String? {
        let node = NodeTypes(operands: [a, b], results: try op.resultTypes(of: [a, b]))
        if op.arrangement(of: 0, in: node) != nil { return "of operand 0" }
        return op.arrangement(of: 1, in: node)?.arrange.mnemonic
      }
      let (plain, turned) = (MatMul(), MatMul(transposeB: true))
      let (rows, square) = (TensorType(.f32, ["batch", 4]), TensorType(.f32, [4, 4]))
      #expect(try answer(plain, rows, square) == "pack")
      #expect(try answer(turned, rows, square) == "pack")
      #expect(try answer(plain, TensorType(.f32, [2, 4]), square) == nil)
      #expect(try answer(turned, TensorType(.f32, [2, 4]), square) == "transpose")
      #expect(try answer(plain, rows, TensorType(.f32, [4, "n"])) == nil)
      #expect(try answer(turned, rows, TensorType(.f32, ["n", 4])) == "transpose")
      let (rows64, square64) = (TensorType(.f64, ["batch", 4]), TensorType(.f64, [4, 4]))
      #expect(try answer(plain, rows64, square64) == nil)
      #expect(try answer(turned, rows64, square64) == "transpose")
    }
  }
}
