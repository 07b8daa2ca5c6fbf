import FirnGraph
import Testing

@Suite struct PhiloxTests {
  /// From the test vectors published with Random123.
  @Test func knownAnswers() {
    let zeros = Philox(key: (0, 0)).block(0, 0, 0, 0)
    #expect(zeros == (0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8))
    let ones = Philox(key: (.max, .max)).block(.max, .max, .max, .max)
    #expect(ones == (0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd))
    let pi = Philox(key: (0xa409_3822, 0x299f_31d0)).block(0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344)
    #expect(pi == (0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1))
  }

  @Test func bitsAreLanesOfBlocks() {
    let generator = Philox(seed: 7, name: "encoder/kernel")
    let block = generator.block(3, 1, 2, 0)
    #expect([12, 13, 14, 15].map { generator.bits($0, 1, 2) } == [block.0, block.1, block.2, block.3])
  }

  @Test func keysDependOnSeedAndName() {
    let keys =
      [Philox(seed: 1, name: "a"), Philox(seed: 2, name: "a"), Philox(seed: 1 << 32, name: "a")]
      + [Philox(seed: 1, name: "b")]
    #expect(Set(keys.map { UInt64($0.key.0) << 32 | UInt64($0.key.1) }).count == keys.count)
    #expect(Philox.hash("") == 0xcbf2_9ce4_8422_2325)
    #expect(Philox.hash("a") == 0xaf63_dc4c_8601_ec8c)
  }

  @Test func uniformAndNormalHaveTheirMoments() {
    let generator = Philox(seed: 3, name: "moments")
    let count = 40_000
    let uniform = (0..<count).map { generator.uniform($0) }
    #expect(uniform.allSatisfy { (0..<1).contains($0) })
    #expect(abs(mean(uniform) - 0.5) < 0.01)
    #expect(abs(variance(uniform) - 1.0 / 12) < 0.002)
    let normal = (0..<count).map { generator.normal($0) }
    #expect(abs(mean(normal)) < 0.02)
    #expect(abs(variance(normal) - 1) < 0.03)
    let neighbours = zip(normal, normal.dropFirst()).map { $0 * $1 }
    #expect(abs(mean(neighbours)) < 0.02)
  }
}

func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }

func variance(_ values: [Double]) -> Double {
  let mean = mean(values)
  return values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
}
