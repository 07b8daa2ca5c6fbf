import Foundation
import Testing

@testable import FirnBench

/// What a line says of times and counts, and how it is laid out.
@Suite struct TrainingTableTests {
  private func measurement(_ times: [Double]) throws -> RowMeasurement {
    let text = #"{"milliseconds": \#(times), "firstStep": 0.25, "peakBytes": 2097152}"#
    return try JSONDecoder().decode(RowMeasurement.self, from: Data(text.utf8))
  }

  private func line(
    _ row: String, _ times: [Double], flops: Int, whole: TrainingLine? = nil,
    peers: [(String, [Double])] = []
  ) throws -> TrainingLine {
    TrainingLine(
      row: row, threads: 2, firn: .init(.firn, try measurement(times)),
      counts: Counts(flops: flops, nodes: 5, planSteps: 4, arenaBytes: 1_048_576, barriers: 3),
      fmaPeak: 4, whole: whole,
      peers: try peers.map { name, times in
        .init(Contender(library: name) { _, _ in ("", []) }, try measurement(times))
      })
  }

  @Test func resultsAreMedianAndQuartiles() throws {
    let result = TrainingLine.Result(.firn, try measurement([5, 1, 4, 2, 100, 3, 6, 7]))
    #expect(result.milliseconds == 5 && result.spread == (7 - 3) / 5)
    #expect(result.processBytes == 2_097_152 && result.firstStepSeconds == 0.25)
  }

  @Test func sharesAndRatiosFollow() throws {
    let whole = try line("a/all", [10], flops: 20_000_000)
    #expect(whole.speed == 2 && whole.peakShare == 0.5 && whole.excess == nil && whole.ratio == nil)
    let part = try line(
      "a/frozen", [6], flops: 10_000_000, whole: whole,
      peers: [("torch", [12]), ("jax", [8]), ("tensorflow", [9])])
    // 0.6 of the time for half of the arithmetic.
    #expect(part.excess == 1.2 && part.ratio == 0.75)
  }

  @Test func columnsStandUnderTheirHeads() throws {
    for libraries in [[], Contender.libraries] {
      let table = TrainingTable(libraries: libraries)
      let row = try line(
        "embedding-3-lstm-128/embedding-l1-l2", [1234.5], flops: 20_000_000,
        peers: libraries.map { ($0, [1.5]) })
      let short = try line("a/all", [1.5], flops: 20_000_000)
      let widths = Set((table.heads.split(separator: "\n") + [table.text(short)[...]]).map(\.count))
      #expect(widths.count == 1, "\(table.heads)\n\(table.text(short))")
      #expect(WorkRow.all.allSatisfy { $0.name.count <= 36 })
      #expect(
        table.text(row).contains("1234.5") && table.text(row).hasSuffix(libraries.isEmpty ? "-" : "823.0"))
    }
  }

  @Test func missingLibrariesAreDashes() throws {
    let table = TrainingTable(libraries: Contender.libraries)
    let row = try line("a/all", [3], flops: 20_000_000, peers: [("jax", [2])])
    let cells = table.text(row).split(separator: " ").suffix(4).map(String.init)
    #expect(cells == ["-", "2.0", "-", "1.5"])
    #expect(table.startText([row]).split(separator: "\n").count == 2)
  }

  @Test func jsonIsReadAsWritten() throws {
    let row = try line("a/all", [3], flops: 20_000_000, peers: [("jax", [2])])
    let text = try JSON.text([row])
    let read = try JSONDecoder().decode([TrainingLine].self, from: Data(text.utf8))
    #expect(try JSON.text(read) == text && text.contains("\"ratio\" : 1.5"))
  }
}
