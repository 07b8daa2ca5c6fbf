import FirnRuntime
import FirnTestSupport
import FirnTraining
import FirnWorlds
import Foundation
import Testing

@testable import FirnParallelMember

/// The lesson by processes, with each MPI that is here; see `MPITests`.
@Suite(.serialized) struct MPITrainingTests {
  static let installed = InstalledMPI.all
  private static let member = "FirnParallelMember"

  @Test(.enabled(if: !installed.isEmpty, "no MPI is installed"), arguments: installed, [2, 4])
  func processesHaveTheBitsOfThreads(mpi: InstalledMPI, members: Int) throws {
    let run = try mpi.run(members, of: Self.member, "train")
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.lines == (try World.runInThreads(members) { try Lesson().run(in: $0) }[0]))
  }

  @Test func withoutLauncherItIsOneProcess() throws {
    let run = try InstalledMPI.runAlone(Self.member, "train")
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.lines == (try Lesson().run(in: .alone)))
  }

  /// Each is said once, with the ranks, before anybody makes a step.
  @Test(
    .enabled(if: !installed.isEmpty, "no MPI is installed"), arguments: installed,
    [
      ("weight", "different values of `hidden/bias`: ranks 0, 1: "),
      ("selection", "train different variables: ranks 0, 1: "),
      ("graph", "the graph is not the same on all members: ranks 0, 1: "),
      ("throw", "error[world] (rank 2): "),
      ("nan", "holds nan at element 0"),
      ("load", "rank 2 was given values of `hidden/bias`"),
      ("diverge", "training stopped at step "),
    ])
  func faultsAreSaidOnceAndEndAll(mpi: InstalledMPI, fault: (what: String, message: String)) throws {
    let start = Date()
    let run = try mpi.run(
      3, of: Self.member, fault.what, environment: ["FIRN_WORLD_PATIENCE": "5"])
    #expect(run.status != 0)
    #expect(run.errors.contains(fault.message) && run.errors.contains("remedy: "), "\(run.errors)")
    #expect(run.errors.components(separatedBy: fault.message).count == 2, "\(run.errors)")
    #expect(Date().timeIntervalSince(start) < 10)
  }

  /// Members die at random moments; the rest end, nobody is left, and what was saved goes on to the same bits.
  ///
  /// `FIRN_KILLS` says how often, for each MPI; how long the rest lived is printed then.
  @Test(.enabled(if: !installed.isEmpty, "no MPI is installed"), arguments: installed)
  func killsLeaveNobodyAndAWholeCheckpoint(mpi: InstalledMPI) throws {
    let kills = ProcessInfo.processInfo.environment["FIRN_KILLS"].flatMap { Int($0) } ?? 3
    let steps = 150
    let whole = Scratch.path()
    defer { Scratch.remove(whole) }
    let expected = try mpi.run(2, of: Self.member, "save", whole, "\(steps)").lines.filter {
      $0.contains("/")
    }
    #expect(!expected.isEmpty)
    var generator = SystemRandomNumberGenerator()
    var (longest, first, last) = (0.0, Int.max, 0)
    for _ in 0..<kills {
      let path = Scratch.path()
      defer { Scratch.remove(path) }
      let started = try mpi.start(
        2, of: Self.member, ["save", path, "1000000"], environment: ["FIRN_WORLD_PATIENCE": "5"])
      let moment = "step \(Int.random(in: 1...12, using: &generator))"
      let limit = Date(timeIntervalSinceNow: 60)
      while try !started.lines.contains(moment), Date() < limit { usleep(500) }
      let said = try started.lines
      let members = said.filter { $0.hasPrefix("process ") }.compactMap { Int32($0.dropFirst(8)) }
      try #require(members.count == 2, "\(said)")
      kill(members[Int.random(in: 0..<2, using: &generator)], SIGKILL)
      let death = Date()
      let run = try started.finish()
      #expect(run.status != 0)
      let seconds = Date().timeIntervalSince(death)
      #expect(seconds < 10)
      longest = max(longest, seconds)
      // Whoever was a moment ago a child of the launcher is gone with it, or about to be.
      for _ in 0..<200 where members.contains(where: { kill($0, 0) == 0 }) { usleep(10_000) }
      #expect(members.allSatisfy { kill($0, 0) != 0 }, "a member is left")
      let newest = try #require(try CheckpointFolder(path).latest()?.step)
      (first, last) = (min(first, newest), max(last, newest))
      let again = try mpi.run(2, of: Self.member, "save", path, "\(max(steps, newest))")
      #expect(again.status == 0 && again.lines.contains("from step \(newest)"), "\(again.errors)")
      if newest <= steps { #expect(again.lines.filter { $0.contains("/") } == expected) }
    }
    guard ProcessInfo.processInfo.environment["FIRN_KILLS"] != nil else { return }
    print(
      "\(mpi): \(kills) kills; the rest ended within \(longest) s; checkpoints were of steps \(first) to \(last)"
    )
  }
}
