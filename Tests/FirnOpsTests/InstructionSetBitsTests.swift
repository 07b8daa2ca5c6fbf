import CFirnKernels
import FirnGraph
import Foundation
import Testing

@testable import FirnOps

extension OpTests {
  /// Which ops have the same bits on several instruction sets: the table in `Docs/Numbers.md` says it of each, and this
  /// holds it to what kernels give, on all samples and on some that are longer than blocks of vectors.
  ///
  /// With `FIRN_RECORD=1`, where all sets can be run (`CONTRIBUTING.md` says how without AVX-512), the table is
  /// written. What is emulated is not what AVX-512 does by instructions of its own: powers of two and binary16. Both
  /// are exact but for one rounding, which the standard for floating-point numbers fixes.
  @Suite struct InstructionSetBitsTests {
    private static let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../Docs/Numbers.md")
    private static let (start, end) = ("<!-- instruction sets -->\n", "<!-- end of instruction sets -->")

    /// Sums of more than a block, rows and columns that no vector divides.
    private static let long: [OpSample] =
      [Reduce.Function.sum, .mean, .max, .min].flatMap { function in
        [
          OpSample(Reduce(function, axes: [1]), .real([5, 5001])),
          OpSample(Reduce(function, axes: [0]), .real([1203, 37])),
          OpSample(Reduce(function, axes: [0, 1]), .real([33, 129])),
        ]
      } + [
        OpSample(Reduce(.prod, axes: [1]), .real([3, 301], 0.9...1.1)),
        OpSample(ArgReduce(.argmax, axis: 1), .real([3, 1001])),
        OpSample(Softmax(.softmax), .real([5, 1003])),
        OpSample(Softmax(.logSoftmax), .real([5, 1003])),
        OpSample(SparseCrossEntropy(), .real([5, 1003]), .integers([5], 0...1002)),
        OpSample(CrossEntropy(), .real([5, 1003]), .real([5, 1003], 0...1)),
        OpSample(MeanSquaredError(), .real([5, 1003]), .real([5, 1003])),
        OpSample(MatMul(), .real([67, 700]), .real([700, 131])),
        OpSample(MatMul(transposeA: true), .real([700, 67]), .real([700, 131])),
        OpSample(MatMul(transposeB: true), .real([3, 700]), .real([131, 700])),
        OpSample(MatMul(order: .ascending), .real([67, 700]), .real([700, 131]), .real([67, 131])),
        OpSample(CumulativeSum(axis: 1), .real([3, 1003])),
        OpSample(LinearRecurrence(axis: 1), .real([3, 203, 19]), .real([3, 203, 19])),
        OpSample(ScatterAdd(axis: 0, size: 7), .integers([301], 0...6), .real([301, 37])),
        OpSample(RandomDraw(.uniform(low: -1, high: 2), shape: [5003], key: "u"), .words([1, 2, 3, 4])),
        OpSample(RandomDraw(.normal(mean: 1, deviation: 2), shape: [5003], key: "n"), .words([1, 2, 3, 4])),
      ] + ConvolutionKernelTests.large + functions + short

    /// Many short rows, and sums of few: what one rounding makes different does not vanish in them.
    private static let short: [OpSample] =
      [
        OpSample(Softmax(.softmax), .real([901, 3])),
        OpSample(Softmax(.logSoftmax), .real([901, 3])),
        OpSample(SparseCrossEntropy(), .real([901, 3]), .integers([901], 0...2)),
        OpSample(CrossEntropy(), .real([901, 3]), .real([901, 3], 0...1)),
        OpSample(LinearRecurrence(axis: 1), .real([901, 3]), .real([901, 3])),
      ] + (2...24).map { OpSample(MeanSquaredError(), .real([$0]), .real([$0])) }

    /// Rounding differs in few elements only.
    private static let functions: [OpSample] =
      Unary.Function.allCases.map { function in
        let row = Unary.row(function)
        return OpSample(Unary(function), .real([5003], row.domain, avoiding: row.kinks))
      }
      + Binary.Function.allCases.map { function in
        let row = Binary.row(function)
        return OpSample(Binary(function), .real([5003], row.domains.0), .real([5003], row.domains.1))
      }

    /// Whether two sets agree; nil where one of them cannot be run here.
    private struct Verdict: Equatable {
      var wide: Bool?
      var portable: Bool?

      static func && (a: Verdict, b: Verdict) -> Verdict {
        Verdict(
          wide: a.wide.flatMap { x in b.wide.map { x && $0 } },
          portable: a.portable.flatMap { x in b.portable.map { x && $0 } })
      }
    }

    /// By mnemonic, what all samples of an op say together.
    private func verdicts() throws -> [String: Verdict] {
      let initial = String(cString: firn_isa_name())
      defer { #expect(firn_select_isa(initial) == 1) }
      var result: [String: Verdict] = [:]
      for sample in opSamples + Self.long {
        func results(_ name: String) throws -> [NDArray]? {
          firn_select_isa(name) == 1 ? try sample.results(.f32) : nil
        }
        func agree(_ a: [NDArray]?, _ b: [NDArray]?) -> Bool? {
          guard let a, let b else { return nil }
          return zip(a, b).allSatisfy { $0.isBitwiseEqual(to: $1) }
        }
        let (avx2, portable) = (try results("avx2"), try results("portable"))
        let here = Verdict(wide: agree(try results("avx512"), avx2), portable: agree(avx2, portable))
        result[sample.op.mnemonic] = result[sample.op.mnemonic].map { $0 && here } ?? here
      }
      return result
    }

    private static func word(_ agrees: Bool) -> String { agrees ? "the same" : "within the bound" }

    private static func rows(_ verdicts: [String: Verdict]) -> String {
      var lines = ["| ops | AVX-512 and AVX2 | these and portable |", "| --- | --- | --- |"]
      for (wide, portable) in [(true, true), (true, false), (false, true), (false, false)] {
        let names = verdicts.filter { $0.value == Verdict(wide: wide, portable: portable) }.keys.sorted()
        if names.isEmpty { continue }
        let list = names.map { "`\($0)`" }.joined(separator: ", ")
        lines.append("| \(list) | \(word(wide)) | \(word(portable)) |")
      }
      return lines.joined(separator: "\n") + "\n"
    }

    @Test func thePageSaysWhatIsSo() throws {
      let verdicts = try verdicts()
      let page = try String(contentsOf: Self.page, encoding: .utf8)
      let parts = page.components(separatedBy: Self.start)
      try #require(parts.count == 2)
      let rest = parts[1].components(separatedBy: Self.end)
      try #require(rest.count == 2)
      if ProcessInfo.processInfo.environment["FIRN_RECORD"] == "1" {
        let isComplete = verdicts.values.allSatisfy { $0.wide != nil && $0.portable != nil }
        try #require(isComplete, "record it where AVX-512 is, or with FIRN_EMULATED_AVX512=1")
        try (parts[0] + Self.start + Self.rows(verdicts) + Self.end + rest[1]).write(
          to: Self.page, atomically: true, encoding: .utf8)
        Issue.record("the table is recorded; run again without FIRN_RECORD")
        return
      }
      var said: [String: Verdict] = [:]
      for line in rest[0].split(separator: "\n").dropFirst(2) {
        let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        try #require(cells.count == 3)
        let known = cells[1...].map { cell in [true, false].first { Self.word($0) == cell } }
        guard let wide = known[0], let portable = known[1] else {
          Issue.record("no verdict: \(cells.dropFirst().joined(separator: ", "))")
          continue
        }
        let row = Verdict(wide: wide, portable: portable)
        for name in cells[0].split(separator: ",") {
          let name = name.trimmingCharacters(in: CharacterSet(charactersIn: " `"))
          #expect(said.updateValue(row, forKey: name) == nil, "\(name) twice")
        }
      }
      #expect(
        said.keys.sorted() == verdicts.keys.sorted(),
        "record the table anew: FIRN_EMULATED_AVX512=1 FIRN_RECORD=1 swift test -c release --filter InstructionSetBits"
      )
      for (name, seen) in verdicts.sorted(by: { $0.key < $1.key }) {
        guard let row = said[name] else { continue }
        if let wide = seen.wide { #expect(wide == row.wide, "\(name), AVX-512 and AVX2") }
        if let portable = seen.portable { #expect(portable == row.portable, "\(name), AVX2 and portable") }
      }
    }
  }
}
