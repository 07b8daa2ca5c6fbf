import CFirnKernels
import FirnGraph
import Foundation
import Testing

@testable import FirnOps

extension OpTests {
  /// Kernels in 16 and 8 bits: how they are rounded, and that they are multiplied as what they are widened to.
  @Suite struct StoredKernelTests {
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

    private func onEveryInstructionSet(_ body: (String) throws -> Void) throws {
      let initial = String(cString: firn_isa_name())
      defer { #expect(firn_select_isa(initial) == 1) }
      for name in ["avx512", "avx2", "portable"] where firn_select_isa(name) == 1 { try body(name) }
    }

    private func halves(_ words: NDArray, _ count: Int) -> [UInt16] {
      words.withUnsafeBytes { Array($0.bindMemory(to: UInt16.self).prefix(count)) }
    }

    // MARK: Rounding

    private struct Fixture: Decodable {
      struct Whole: Decodable {
        let numbers: [Int8]
        let scales: [UInt32]
      }
      let bits: [UInt32]
      let float16: [UInt16]
      let bfloat16: [UInt16]
      let matrix: [UInt32]
      let columns: Whole
      let rows: Whole

      static func load() throws -> Fixture {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(
          path: "Fixtures/stored.json")
        return try JSONDecoder().decode(Fixture.self, from: Data(contentsOf: file))
      }
    }

    /// NumPy's binary16 and PyTorch's bfloat16.
    @Test(arguments: [DType.f32, .f64]) func twoBytesAreThoseOfNumPyAndPyTorch(_ dtype: DType) throws {
      let fixture = try Fixture.load()
      let x = NDArray(fixture.bits.map { Float(bitPattern: $0) }).converted(to: dtype)
      try onEveryInstructionSet { name in
        for (storage, expected) in [
          (FrozenStorage.float16, fixture.float16), (.bfloat16, fixture.bfloat16),
        ] {
          let got = halves(try run(Store(storage), x), expected.count)
          for (bits, pair) in zip(fixture.bits, zip(got, expected)) where pair.0 != pair.1 {
            Issue.record("\(name) \(storage) of \(String(bits, radix: 16)): \(pair.0), not \(pair.1)")
          }
        }
      }
    }

    /// NumPy's, with ties, a channel of zeros and one too small for a scale.
    @Test(arguments: [DType.f32, .f64], [0, 1]) func wholeNumbersAreThoseOfNumPy(_ dtype: DType, _ axis: Int)
      throws
    {
      let fixture = try Fixture.load()
      let x = try NDArray(fixture.matrix.map { Float(bitPattern: $0) }, shape: [7, 37]).converted(to: dtype)
      let expected = axis == 0 ? fixture.rows : fixture.columns
      try onEveryInstructionSet { name in
        let words = try run(Store(.int8(.perChannel), channel: axis), x)
        let scales = words.withUnsafeBytes {
          $0.bindMemory(to: UInt32.self).prefix(expected.scales.count).map { $0 }
        }
        #expect(scales == expected.scales, "\(name)")
        let numbers = words.withUnsafeBytes {
          $0.dropFirst(4 * scales.count).prefix(7 * 37).map { Int8(bitPattern: $0) }
        }
        #expect(numbers == expected.numbers, "\(name)")
      }
    }

    /// All numbers there are, on each instruction set and by the plain path, and back again.
    @Test(arguments: [FrozenStorage.bfloat16, .float16]) func everyNumberIsWidened(_ storage: FrozenStorage)
      throws
    {
      let pairs = (0..<32768).map { (pair: Int) -> Int32 in
        let (first, second) = (UInt32(2 * pair), UInt32(2 * pair + 1))
        return Int32(bitPattern: first | second << 16)
      }
      let words = NDArray(pairs)
      let wide = TensorType(.f64, [65536])
      let expected = try run(Widen(storage, to: wide), words).doubles
      for bits in 0..<65536 {
        let number = StoredNumber.number(UInt16(bits), storage)
        #expect(expected[bits] == number || expected[bits].isNaN && number.isNaN, "\(bits)")
      }
      #expect(expected[0x3f80] == (storage == .bfloat16 ? 1 : 1.875))
      try onEveryInstructionSet { name in
        let got = try run(Widen(storage, to: TensorType(.f32, [65536])), words)
        for (bits, (a, b)) in zip(got.doubles, expected).enumerated() where !(a == b || a.isNaN && b.isNaN) {
          Issue.record("\(name): \(bits) is widened to \(a), not \(b)")
        }
        let again = halves(try run(Store(storage), got), 65536)
        for bits in 0..<65536 where !expected[bits].isNaN && again[bits] != UInt16(bits) {
          Issue.record("\(name): \(bits) comes back as \(again[bits])")
        }
        for bits in 0..<65536 where expected[bits].isNaN {
          #expect(StoredNumber.number(again[bits], storage).isNaN, "\(name): \(bits)")
        }
      }
    }

    /// Fast and plain make the same words of any bits, NaN and infinities among them.
    @Test(arguments: FrozenStorage.allCases) func anyBitsAreRoundedAlike(_ storage: FrozenStorage) throws {
      let generator = Philox(seed: 5, name: "bits")
      var numbers = (0..<8000).map { place -> Float in
        let high = UInt32(generator.uniform(2 * place) * 65536)
        return Float(bitPattern: high << 16 | UInt32(generator.uniform(2 * place + 1) * 65536))
      }
      // NaN payloads do not come through a conversion from f64; one of each sign is enough there.
      for place in numbers.indices where numbers[place].isNaN {
        numbers[place] = place % 2 == 0 ? .nan : .infinity
      }
      let x = try NDArray(numbers, shape: [80, 100])
      try onEveryInstructionSet { name in
        for form in StoredLayout.Form.allCases {
          for channel in storage.isScaled ? [0, 1] : [0] {
            let op = Store(storage, form, channel: channel)
            let fast = try run(op, x)
            #expect(
              fast.isBitwiseEqual(to: try run(op, x.converted(to: .f64))), "\(name) \(form) \(channel)")
            let odd = try run(op, x, workers: OddWorkers([1, 3]))
            #expect(odd.isBitwiseEqual(to: fast), "\(name) \(form) \(channel)")
          }
        }
      }
    }

    /// A channel in which something is not finite is NaN as a whole, and shows.
    @Test func whatIsNotFiniteShows() throws {
      let x = try NDArray([1, .nan, 3, 4, 5, .infinity] as [Float], shape: [2, 3])
      let type = TensorType(.f32, [2, 3])
      let storage = FrozenStorage.int8(.perChannel)
      let back = try run(Widen(storage, channel: 1, to: type), try run(Store(storage, channel: 1), x)).doubles
      #expect(back[0] == Double(32 * (Float(4) / 127)))
      #expect(back[1].isNaN && back[4].isNaN && back[2].isNaN && back[5].isNaN)
      #expect(back[3] == Double(127 * (Float(4) / 127)))
    }

    // MARK: Products

    private static let shapes = [
      [1, 1, 1], [1, 32, 3], [2, 33, 4], [3, 31, 5], [4, 64, 256], [5, 65, 257], [6, 16, 2], [7, 17, 515],
      [9, 127, 8], [12, 128, 1024], [16, 33, 20], [32, 200, 128], [73, 40, 33], [145, 70, 300], [1, 300, 70],
      [3, 2080, 9], [200, 36, 12], [24, 1100, 300], [64, 96, 520],
    ]

    /// What is stored is multiplied to the bits of the product with what it is widened to, whatever the rows, the layout
    /// and the number of workers.
    @Test(arguments: FrozenStorage.allCases) func productsHaveTheBitsOfWhatIsWidened(_ storage: FrozenStorage)
      throws
    {
      try onEveryInstructionSet { name in
        for shape in Self.shapes {
          let (m, n, k) = (shape[0], shape[1], shape[2])
          let a = try random([m, k], "a \(shape)")
          let b = try random([k, n], "b \(shape)")
          let (turnedA, turnedB) = (try run(Transpose([1, 0]), a), try run(Transpose([1, 0]), b))
          for channel in storage.isScaled ? [0, 1] : [0] {
            let flat = try run(Store(storage, channel: channel), b)
            let rounded = try run(
              Widen(storage, channel: channel, to: TensorType(.f32, [Dim(k), Dim(n)])), flat)
            let expected = try run(MatMul(), a, rounded)
            let panels = try run(Store(storage, .panels, channel: channel), b)
            #expect(
              try run(Store(storage, .turnedPanels, channel: 1 - channel), turnedB).isBitwiseEqual(
                to: panels),
              "\(name) \(shape) turned")
            let unpacked = Widen(
              storage, .panels, channel: channel, to: TensorType(.f32, [Dim(k), Dim(n)]))
            #expect(try run(unpacked, panels).isBitwiseEqual(to: rounded), "\(name) \(shape) unpacked")
            let op = StoredMatMul(columns: n, storage, channel: channel)
            var turned = op
            turned.transposeA = true
            let others = try [
              run(op, a, panels), run(turned, turnedA, panels),
              run(op, a, panels, workers: OddWorkers([1, 3])), run(op, a, panels, workers: OddWorkers([7])),
            ]
            for (number, other) in others.enumerated() {
              #expect(other.isBitwiseEqual(to: expected), "\(name) \(storage) \(channel) \(shape) \(number)")
            }
          }
        }
      }
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
      let small = FrozenStorage.int8(.perChannel)
      #expect(constraint(Store(.float16), TensorType(.i32, [3])) == "C1")
      #expect(constraint(Store(.float16), TensorType(.f32, ["n"])) == "C2")
      #expect(constraint(Store(.float16, .panels), TensorType(.f32, [3])) == "C3")
      #expect(constraint(Store(small, channel: 1), TensorType(.f32, [3])) == "C4")
      #expect(constraint(Store(small), TensorType(.f32, [3])) == "C4")
      #expect(constraint(Store(.float16), TensorType(.f32, [Dim(Int.max), 4])) == "C5")
      #expect(try Store(.float16).resultTypes(of: [TensorType(.f32, [3, 3])]) == [TensorType(.i32, [5])])
      #expect(
        try Store(small, .panels, channel: 1).resultTypes(of: [TensorType(.f32, [3, 33])])
          == [TensorType(.i32, [64 + 48])])
      let type = TensorType(.f32, [3, 3])
      #expect(constraint(Widen(.float16, to: type), TensorType(.i32, [4])) == "C5")
      #expect(constraint(Widen(.float16, to: TensorType(.i32, [3, 3])), TensorType(.i32, [5])) == "C1")
      let product = StoredMatMul(columns: 33, .bfloat16)
      #expect(constraint(product, TensorType(.f32, ["m", 3]), TensorType(.i32, [96])) == nil)
      #expect(constraint(product, TensorType(.f32, [3]), TensorType(.i32, [96])) == "C1")
      #expect(constraint(product, TensorType(.i32, [2, 3]), TensorType(.i32, [96])) == "C2")
      #expect(constraint(product, TensorType(.f32, [2, "k"]), TensorType(.i32, [96])) == "C3")
      #expect(constraint(product, TensorType(.f32, [2, 3]), TensorType(.i32, [95])) == "C5")
      for text in ["bf16", "", "int4"] {
        #expect(throws: FirnError.self) {
          try Store(
            mnemonic: "store",
            attributes: ["storage": .string(text), "channel": .int(-1), "form": .string("flat")])
        }
      }
      #expect(FrozenStorage.allCases.map { FrozenStorage($0.description) } == FrozenStorage.allCases)
    }
  }
}
