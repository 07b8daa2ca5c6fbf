import CFirnAllocations
import Foundation
import Testing

@testable import FirnBench

/// Rows are what they are called, and what is counted of them is the same each time.
///
/// One after the other, since allocations of the process are counted by one at a time.
@Suite(.serialized) struct SubjectTests {
  @Test func namesAreUnique() {
    let names = WorkRow.all.map(\.name) + Work.all.map(\.name) + Main.benchmarks.map(\.name)
    #expect(Set(names).count == names.count)
  }

  @Test func countsAreTheSameEachTime() throws {
    let row = try #require(WorkRow.all.first { $0.name == "lstm-20/all" })
    // Other tests allocate meanwhile.
    func count(_ threads: Int) throws -> Counts {
      var counts = try Subject(row, threads: threads).counts()
      (counts.stepAllocations, counts.runAllocations) = (nil, nil)
      return counts
    }
    let (alone, together) = (try count(1), try count(2))
    #expect(try count(2) == together)
    #expect(alone.barriers == 0 && together.barriers > 0)
    #expect(alone.flops == together.flops && alone.nodes == together.nodes && alone.flops > 0)
  }

  @Test func freezingLowersCounts() throws {
    let counts = try ["all", "frozen"].map { name in
      let row = try #require(WorkRow.all.first { $0.name == "gru-20/\(name)" })
      return try Subject(row, threads: 1).counts()
    }
    #expect(counts[1].flops < counts[0].flops && counts[1].nodes < counts[0].nodes)
    #expect(counts[1].arenaBytes <= counts[0].arenaBytes)
  }

  @Test func productsAreCountedByTheirArithmetic() throws {
    let row = try #require(WorkRow.all.first { $0.name == "gemm-32x512x128/product" })
    let counts = try Subject(row, threads: 1).counts()
    #expect(counts.flops == 2 * 32 * 512 * 128)
  }

  @Test func processesSayTheirPeak() throws {
    let peak = try #require(ProcessMemory.peakBytes)
    #expect(peak > 1 << 20)
  }

  /// Allocations of another thread are counted, those after the end are not.
  @Test func allocationsOfAllThreadsAreCounted() async throws {
    firn_process_allocations_begin()
    let thread = Thread {
      let blocks = (0..<1000).map { _ in malloc(16) }
      for block in blocks { free(block) }
    }
    thread.start()
    while !thread.isFinished { await Task.yield() }
    let total = firn_process_allocations_end()
    #expect(total == -1 || total >= 1000)
  }

  /// Every row of the table is known to the peers under the same name.
  @Test func peersKnowEveryWork() throws {
    let script = try String(
      contentsOf: URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Sources/FirnBench/peers.py"), encoding: .utf8)
    for work in Work.all {
      let rows = work.rows.map { "\"\($0.name)\"" }.joined(separator: ", ")
      #expect(script.contains("    \"\(work.name)\": [\(rows)],\n"), "\(work.name)")
    }
    let known = script.split(separator: "\n").filter { $0.hasPrefix("    \"") && $0.hasSuffix("],") }
    #expect(known.count == Work.all.count)
  }
}
