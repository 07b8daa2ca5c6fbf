import Foundation
import Testing

@testable import FirnBench

/// A rise of a count fails, a fall passes, and rows missing on either side are named.
@Suite struct CountsFileTests {
  private static let counts = Counts(
    flops: 1000, nodes: 50, planSteps: 20, arenaBytes: 4096, barriers: 9, stepAllocations: 0,
    runAllocations: 31)

  private func file(_ rows: [String], isa: String = "avx512", _ change: (inout Counts) -> Void = { _ in })
    -> CountsFile
  {
    var counts = Self.counts
    change(&counts)
    return CountsFile(
      instructionSet: isa,
      entries: rows.flatMap { row in
        [2, 1].map { CountsFile.Entry(row: row, threads: $0, counts: counts) }
      })
  }

  private func compare(_ stored: CountsFile, _ counted: CountsFile) -> CountsFile.Comparison {
    stored.comparing(counted, rows: counted.entries.map(\.row), knownRows: ["a/all", "b/all"])
  }

  @Test func whatIsAsStoredPasses() {
    let same = file(["a/all", "b/all"])
    #expect(compare(same, same) == CountsFile.Comparison())
  }

  @Test func risesAreFaultsAndFallsAreNotes() {
    let stored = file(["a/all"])
    let counts: [WritableKeyPath<Counts, Int>] = [\.flops, \.nodes, \.planSteps, \.arenaBytes, \.barriers]
    for count in counts {
      let risen = compare(stored, file(["a/all"]) { $0[keyPath: count] += 1 })
      #expect(risen.faults.count == 2 && risen.notes.isEmpty)
      #expect(risen.faults.allSatisfy { $0.hasPrefix("a/all on ") && $0.hasSuffix("a rise") })
      let fallen = compare(stored, file(["a/all"]) { $0[keyPath: count] -= 1 })
      #expect(fallen.faults.isEmpty && fallen.notes.count == 2)
    }
  }

  @Test func allocationsAreComparedWhereTheyAreCounted() {
    let stored = file(["a/all"])
    let risen = compare(stored, file(["a/all"]) { $0.stepAllocations = 1 })
    #expect(risen.faults.first == "a/all on 2 threads: stepAllocations 0 -> 1, a rise")
    #expect(compare(stored, file(["a/all"]) { $0.runAllocations = 32 }).faults.count == 2)
    let uncounted = file(["a/all"]) { ($0.stepAllocations, $0.runAllocations) = (nil, nil) }
    #expect(compare(stored, uncounted).faults.isEmpty && compare(uncounted, stored).faults.isEmpty)
  }

  @Test func missingRowsAreNamed() {
    let new = compare(file(["a/all"]), file(["a/all", "b/all"]))
    #expect(
      new.faults == [
        "b/all on 2 threads is not stored: record it", "b/all on 1 thread is not stored: record it",
      ])
    let gone = compare(file(["a/all", "old/all"]), file(["a/all"]))
    #expect(gone.faults.count == 2 && gone.faults.allSatisfy { $0.contains("there is no such row") })
    // Rows and threads that were not asked about are no faults.
    #expect(compare(file(["a/all", "b/all"]), file(["a/all"])) == CountsFile.Comparison())
    var alone = file(["a/all"])
    alone.entries.removeLast()
    #expect(compare(file(["a/all"]), alone).faults.isEmpty)
    #expect(compare(file(["a/all"]), alone).notes == ["a/all on 1 thread was not counted"])
  }

  /// The room for packing depends on the instruction set, the rest does not.
  @Test func arenasAreComparedOnLikeMachines() {
    let other = compare(file(["a/all"]), file(["a/all"], isa: "avx2") { $0.arenaBytes += 1 })
    #expect(other.faults.isEmpty && other.notes.count == 1)
    #expect(!compare(file(["a/all"]), file(["a/all"], isa: "avx2") { $0.barriers += 1 }).faults.isEmpty)
  }

  @Test func filesAreReadAsWritten() throws {
    let written = file(["a/all"])
    let text = try JSON.text(written)
    #expect(try JSONDecoder().decode(CountsFile.self, from: Data(text.utf8)) == written)
    #expect(text == (try JSON.text(written)))
  }

  /// The stored counts are those of the rows there are.
  @Test func storedCountsAreOfEveryRow() throws {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Sources/FirnBench/counts.json")
    let stored = try JSONDecoder().decode(CountsFile.self, from: Data(contentsOf: path))
    let expected = WorkRow.all.flatMap { row in [2, 1].map { "\(row.name) \($0)" } }
    #expect(stored.entries.map { "\($0.row) \($0.threads)" } == expected, "firn-bench --record makes it anew")
  }
}
