import CFirnKernels
import FirnGraph
import FirnOps
import Testing

extension OpTests {
  /// Draws depend on seed, key, run and loop positions, and on nothing else.
  @Suite struct RandomTests {
    /// Known answers of the authors' Random123 distribution, `kat_vectors`, philox4x32 10 rounds.
    private static let knownAnswers: [(counter: [UInt32], key: [UInt32], block: [UInt32])] = [
      ([0, 0, 0, 0], [0, 0], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
      (
        Array(repeating: .max, count: 4), [.max, .max],
        [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
      ),
      (
        [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0],
        [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
      ),
    ]

    @Test func knownAnswersInSwiftAndC() {
      for (counter, key, expected) in Self.knownAnswers {
        let swift = Philox(key: (key[0], key[1])).block(counter[0], counter[1], counter[2], counter[3])
        #expect([swift.0, swift.1, swift.2, swift.3] == expected)
        var c = [UInt32](repeating: 0, count: 4)
        firn_philox_u32(
          key[0], key[1], counter[1], counter[2], counter[3], Int(counter[0]) * 4, &c, 4)
        #expect(c == expected)
      }
    }

    private func draw(
      _ op: any KernelOp, state: [Int32] = [1, 2, 3, 4], indices: [Int32] = []
    ) throws -> NDArray {
      try KernelRunner().run(op, [NDArray(state)] + indices.map { NDArray(scalar: $0) })[0]
    }

    @Test func everyPartOfTheStreamCounts() throws {
      let op = RandomDraw(.uniform(low: 0, high: 1), shape: [16], key: "a")
      let base = try draw(op)
      #expect(try draw(op).isBitwiseEqual(to: base))
      var seen = [base.floats]
      var others = [try draw(RandomDraw(.uniform(low: 0, high: 1), shape: [16], key: "b"))]
      for word in 0..<4 {
        var state: [Int32] = [1, 2, 3, 4]
        state[word] = -9
        others.append(try draw(op, state: state))
      }
      others.append(try draw(op, indices: [0]))
      others.append(try draw(op, indices: [1]))
      others.append(try draw(op, indices: [0, 0]))
      others.append(try draw(op, indices: [0, 1]))
      others.append(try draw(op, indices: [1, 0]))
      for other in others {
        #expect(!seen.contains(other.floats))
        seen.append(other.floats)
      }
      let longer = try draw(RandomDraw(.uniform(low: 0, high: 1), shape: [23], key: "a"))
      #expect(Array(longer.floats.prefix(16)) == base.floats)
    }

    @Test func momentsAreRight() throws {
      let uniform = try draw(RandomDraw(.uniform(low: 2, high: 4), shape: [40_000], key: "u")).doubles
      #expect(uniform.allSatisfy { (2..<4).contains($0) })
      #expect((uniform.reduce(0, +) / 40_000 - 3).magnitude < 0.02)
      let normal = try draw(RandomDraw(.normal(mean: 1, deviation: 2), shape: [40_000], key: "n")).doubles
      let mean = normal.reduce(0, +) / 40_000
      let variance = normal.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 40_000
      #expect((mean - 1).magnitude < 0.05)
      #expect((variance - 4).magnitude < 0.15)
    }

    @Test(arguments: [0, 0.1, 0.3, 0.5, 0.7, 0.9, 1]) func masksAgreeInBothPrecisions(_ rate: Double) throws {
      let op = Dropout(rate: rate, key: "d")
      let ones = try NDArray([Float](repeating: 1, count: 10_000), shape: [100, 100])
      let state = NDArray([Int32(5), 6, 7, 8])
      let fast = try KernelRunner().run(op, [ones, state])[0].doubles
      let reference = try KernelRunner().run(op, [ones.converted(to: .f64), state])[0].doubles
      #expect(fast.map { $0 == 0 } == reference.map { $0 == 0 })
      let kept = Double(fast.count { $0 != 0 }) / 10_000
      #expect((kept - (1 - rate)).magnitude < 0.02)
      #expect(zip(fast, reference).allSatisfy { ($0 - $1).magnitude < 1e-5 })
      if rate == 0 { #expect(fast.allSatisfy { $0 == 1 }) }
    }

    @Test func keysAreThePathsMadeUnique() throws {
      let graph = Graph()
      let x = graph.placeholder("x", shape: ["batch", 3])
      let (a, b) = (dropout(x, rate: 0.5), dropout(x, rate: 0.5))
      let c = graph.scope("layer") { dropout(x, rate: 0.5) }
      let keys = [a, b, c].compactMap { ($0.node?.op as? Dropout)?.key }
      #expect(keys == ["dropout", "dropout_1", "layer/dropout"])
      #expect([a, b, c].map(\.name) == keys)
      try graph.validate()
    }

    @Test func bodiesOfTwoLoopsDrawDifferently() throws {
      let graph = Graph()
      let x = graph.placeholder("x", shape: [3])
      let keys = (0..<2).map { _ in
        let body = Graph(bodyIn: graph)
        body.loopIndex = (body.loopInput(.index, 0, type: TensorType(.i32, .scalar), name: "index")).value
        let inner = body.loopInput(.carry, 0, type: x.type, name: "carry")
        let y = dropout(inner, rate: 0.5)
        #expect(y.node?.inputs.count == 3)
        return (y.node?.op as? Dropout)?.key
      }
      #expect(keys == ["dropout", "dropout_1"])
      try graph.validate()
    }

    @Test func dropoutIsTheIdentityInInference() {
      let graph = Graph()
      let x = graph.placeholder("x", shape: [3])
      let op: any Op = Dropout(rate: 0.5, key: "d")
      #expect((op as? any ModalOp)?.results([x, graph.randomState], inInference: true) == [x])
    }
  }
}
