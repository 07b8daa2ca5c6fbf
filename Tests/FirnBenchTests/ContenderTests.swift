import Foundation
import Testing

@testable import FirnBench

/// What becomes of what a process prints, and how it ends.
@Suite struct ContenderTests {
  private func outcome(_ script: String) throws -> Contender.Outcome {
    let row = try #require(WorkRow.all.first)
    let contender = Contender(library: "sh") { _, _ in ("/bin/sh", ["-c", script]) }
    return try contender.measure(row, threads: 1)
  }

  @Test func measurementsAreRead() throws {
    let first = Date().timeIntervalSince1970 + 100
    let printed = #"{"milliseconds": [3, 1, 2], "firstStep": \#(first), "peakBytes": 4096}"#
    guard case .measured(let measurement) = try outcome("echo '\(printed)'; echo a warning >&2") else {
      Issue.record("it was not read")
      return
    }
    #expect(measurement.milliseconds == [3, 1, 2] && measurement.peakBytes == 4096)
    // Seconds from the start of the process.
    #expect(measurement.firstStep <= 100 && measurement.firstStep > 0)
    #expect(measurement.counts == nil && measurement.fmaPeak == nil)
  }

  @Test func absenceAndFailureAreTold() throws {
    guard case .absent = try outcome("exit 3") else {
      Issue.record("code 3 is no absence")
      return
    }
    for (script, reason) in [
      ("echo first >&2; echo last words >&2; exit 1", "last words"), ("exit 7", "exit code 7"),
      ("echo nonsense", "it printed no measurement"),
      (#"echo '{"milliseconds": [], "firstStep": 0}'"#, "it timed no step"),
    ] {
      guard case .failed(let told) = try outcome(script) else {
        Issue.record("`\(script)` did not fail")
        continue
      }
      #expect(told.hasPrefix(reason), "\(told)")
    }
  }

  /// More than a pipe holds, on both ways out.
  @Test func muchOutputStopsNobody() throws {
    guard case .failed = try outcome("head -c 300000 /dev/zero >&2; head -c 300000 /dev/zero") else {
      Issue.record("zeros were taken for a measurement")
      return
    }
  }

  @Test func onlyFrozenPrefixesAreRunInTwoWays() throws {
    for row in WorkRow.all {
      let peers = Contender.peers("python", on: row)
      #expect(peers.count == (row.row.isPrefixFrozen ? 4 : 3), "\(row.name)")
      #expect(row.row.freezing != nil || !row.row.isPrefixFrozen, "\(row.name)")
    }
    let row = try #require(WorkRow.all.first { $0.name == "lstm-20/frozen" })
    let commands = Contender.peers("python", on: row).map { $0.command(row, 2) }
    #expect(commands[0].program == "/usr/bin/env" && commands[0].arguments.first == "python")
    #expect(
      commands[0].arguments.suffix(7) == [
        "torch", "lstm-20", "frozen", "--threads", "2", "--prefix", "no_grad",
      ])
    #expect(commands[1].arguments.suffix(2) == ["--prefix", "plain"])
    #expect(!commands[2].arguments.contains("--prefix"))
  }

  @Test func whatIsNoPythonIsRefused() {
    #expect(throws: UsageError.self) { try Contender.require(python: "/nowhere/python") }
  }
}
