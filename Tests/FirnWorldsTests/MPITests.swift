import FirnTestSupport
import Foundation
import Testing

@testable import FirnWorldMember
@testable import FirnWorlds

/// The same calls by processes, with each MPI that is here: those that `Tests/FirnWorldsTests/install-mpi FOLDER` has put where
/// `FIRN_MPIS` says, or what `mpiexec` on the search path belongs to.
@Suite(.serialized) struct MPITests {
  static let installed = InstalledMPI.all

  @Test(.enabled(if: !installed.isEmpty, "no MPI is installed"), arguments: installed, [1, 2, 4])
  func processesHaveTheBitsOfThreads(mpi: InstalledMPI, members: Int) throws {
    let run = try mpi.run(members)
    #expect(run.status == 0, "\(run.errors)")
    let expected = try World.runInThreads(members) { try Calls.made(in: $0) }[0]
    #expect(run.lines.first?.hasPrefix("world of \(members),") == true)
    #expect(Array(run.lines.dropFirst()) == expected)
  }

  /// All end, soon, with an error that is said once; no process is left.
  @Test(
    .enabled(if: !installed.isEmpty, "no MPI is installed"), arguments: installed,
    ["throw", "exit", "kill", "hang", "abort"])
  func oneEndsAllEnd(mpi: InstalledMPI, way: String) throws {
    let run = try mpi.run(3, of: "FirnWorldMember", way, environment: ["FIRN_WORLD_PATIENCE": "2"])
    #expect(run.status != 0)
    let expected = [
      "throw": "thrown on purpose", "hang": "has not answered for 2 s",
      "abort": "aborted on purpose",
    ]
    if let text = expected[way] {
      #expect(run.errors.contains(text), "\(run.errors)")
      #expect(way == "hang" || run.errors.components(separatedBy: text).count == 2, "\(run.errors)")
    }
  }

  @Test func withoutLauncherThereIsNoNeedOfMPI() throws {
    let run = try InstalledMPI.runAlone(environment: [:])
    #expect(run.status == 0 && run.lines.first == "world of 1, library of none")
  }

  @Test(arguments: [
    (["FIRN_MPI": "/nonexistent/libmpi.so"], "FIRN_MPI names /nonexistent/libmpi.so, which is no MPI"),
    (["FIRN_MPI": "libc.so.6"], "it has no MPI_Init_thread"),
  ]) func whatIsNoMPIIsRefused(environment: [String: String], message: String) throws {
    let run = try InstalledMPI.runAlone(environment: environment)
    #expect(run.status == 1 && run.errors.contains(message) && run.errors.contains("remedy: "))
  }

  /// A launcher whose library is not the one found makes each process rank 0 of 1: it must not pass for a world.
  @Test(.enabled(if: !installed.isEmpty, "no MPI is installed"), arguments: installed)
  func anotherLaunchersLibraryIsNoticed(mpi: InstalledMPI) throws {
    let run = try InstalledMPI.runAlone(
      environment: ["FIRN_MPI": mpi.library, "MPI_LOCALNRANKS": "2"].merging(
        mpi.environment
      ) { first, _ in first })
    #expect(run.status == 1 && run.errors.contains("has started 2 processes"), "\(run.errors)")
  }
}
