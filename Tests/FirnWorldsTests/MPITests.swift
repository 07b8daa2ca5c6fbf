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
    ["throw", "exit", "kill", "hang", "abort", "all", "late"])
  func oneEndsAllEnd(mpi: InstalledMPI, way: String) throws {
    let start = Date()
    let run = try mpi.run(3, of: "FirnWorldMember", way, environment: ["FIRN_WORLD_PATIENCE": "2"])
    #expect(run.status != 0)
    #expect(Date().timeIntervalSince(start) < 10)
    let expected = [
      "throw": "thrown on purpose", "hang": "has not answered for 2 s",
      "abort": "(rank 2): aborted on purpose",
      // What all meet the lowest rank says, and he who was told that nobody else has met a fault.
      "all": "(rank 0): aborted on purpose", "late": "aborted on purpose",
    ]
    if let text = expected[way] {
      #expect(run.errors.contains(text), "\(run.errors)")
      // What a call throws the program itself says.
      #expect(way == "hang" || run.errors.components(separatedBy: "error[world]").count == 2, "\(run.errors)")
    }
  }

  @Test func withoutLauncherThereIsNoNeedOfMPI() throws {
    let run = try InstalledMPI.runAlone(environment: [:])
    #expect(run.status == 0 && run.lines.first == "world of 1, library of none")
  }

  /// Slurm's `srun -n 1`, where no MPI is, is a process alone.
  @Test func oneThatWasLaunchedNeedsNoMPI() throws {
    let run = try InstalledMPI.runAlone(
      environment: ["SLURM_STEP_NUM_TASKS": "1", "SLURM_NTASKS": "4", "PMI_RANK": "0", "FIRN_MPI": ""])
    #expect(run.status == 0 && run.lines.first?.hasPrefix("world of 1") == true, "\(run.errors)")
  }

  @Test func launchersAreUnderstood() {
    func launch(_ environment: [String: String]) -> World.Launch? { World.launch(environment) }
    #expect(launch([:]) == nil)
    #expect(launch(["SLURM_NTASKS": "4", "SLURM_STEP_NUM_TASKS": "4"]) == nil)
    #expect(launch(["PMI_SIZE": "3", "MPI_LOCALNRANKS": "1"]) == .init(count: 3, isWhole: true))
    #expect(launch(["OMPI_COMM_WORLD_SIZE": "2"]) == .init(count: 2, isWhole: true))
    // Of one machine: there may be others.
    #expect(launch(["MPI_LOCALNRANKS": "1"]) == .init(count: 1, isWhole: false))
    #expect(
      launch(["PMIX_RANK": "0", "SLURM_STEP_NUM_TASKS": "2", "SLURM_NTASKS": "8"])
        == .init(count: 2, isWhole: true))
    #expect(launch(["PMI_RANK": "0", "SLURM_NTASKS": "8"]) == .init(count: 8, isWhole: true))
    #expect(launch(["PMI_FD": "5"]) == .init(count: 1, isWhole: false))
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
