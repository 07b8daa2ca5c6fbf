import FirnGraph
import FirnOps
import Testing

extension OpTests {
  /// Parts of rows that are read and written where they lie make what they make copied side by side.
  @Suite struct GappedRunsTests {
    private func random(_ shape: [Int], _ name: String, _ dtype: DType) throws -> NDArray {
      let generator = Philox(seed: 9, name: name)
      return try NDArray((0..<shape.reduce(1, *)).map { Float(generator.uniform($0) * 2 - 1) }, shape: shape)
        .converted(to: dtype)
    }

    /// Four gates, a bias, a state; what is made once is read again, and two of the pieces are one value.
    private func cell(_ gates: [Tensor], _ bias: Tensor, _ state: Tensor) -> (pieces: [Tensor], state: Tensor)
    {
      let forget = sigmoid(gates[1] + bias)
      let next = forget * state + sigmoid(gates[0]) * tanh(gates[2])
      let out = gates[3] * next
      return ([out, out * forget, forget, out], next)
    }

    /// Widths that are a block, several, part of one, a prime, too short, and none that blocks divide.
    @Test(arguments: [256, 300, 512, 1_000, 1_280, 2_048, 251, 1_021, 1_031, 128, 20], [DType.f32, .f64])
    func bitsAreThoseOfCopies(_ width: Int, _ dtype: DType) throws {
      let rows = 5
      let domain: Shape = [Dim(rows), Dim(width)]
      let all: Shape = [Dim(rows), Dim(4 * width)]
      let gapped = program(domain, [(all, dtype), ([Dim(width)], dtype), (domain, dtype)]) { x in
        let made = cell(x[0].split(into: 4, axis: 1), x[1], x[2])
        return [concatenate(made.pieces, axis: 1), made.state]
      }
      let apart = program(domain, [domain, domain, domain, domain, [Dim(width)], domain].map { ($0, dtype) })
      { x in
        let made = cell(Array(x[..<4]), x[4], x[5])
        return made.pieces + [made.state]
      }
      let gates = try random([rows, 4 * width], "gates", dtype)
      let others = [try random([width], "bias", dtype), try random([rows, width], "state", dtype)]
      let parts = try (0..<4).map { try gates.sliced(axis: 1, from: $0 * width, to: ($0 + 1) * width) }
      let expected = try KernelRunner().run(apart, parts + others)
      for workers in [SerialWorkers(), OddWorkers([2, 1]), OddWorkers([3])] as [any Workers] {
        let found = try KernelRunner(workers: workers).run(gapped, [gates] + others)
        #expect(found[0].isBitwiseEqual(to: try concatenate(Array(expected[..<4]), axis: 1)))
        #expect(found[1].isBitwiseEqual(to: expected[4]))
      }
    }

    /// Rows of blocks that are taken from the middle of longer ones, and every second row of them.
    @Test func windowsInsideOfRowsAreRead() throws {
      let x = try random([7, 1_100], "x", .f32)
      let op = program([3, 512], [([7, 1_100], .f32)]) { x in
        [tanh(x[0].sliced(starts: [1, 77], limits: [6, 589], steps: [2, 1]))]
      }
      let found = try KernelRunner().run(op, [x])[0]
      let plain = program([3, 512], [([3, 512], .f32)]) { x in [tanh(x[0])] }
      let part = try concatenate(
        [1, 3, 5].map { try x.sliced(axis: 0, from: $0, to: $0 + 1).sliced(axis: 1, from: 77, to: 589) })
      #expect(found.isBitwiseEqual(to: try KernelRunner().run(plain, [part])[0]))
    }
  }
}
