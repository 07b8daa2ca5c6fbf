import FirnWorlds
import Foundation

#if canImport(Glibc)
  import Glibc
#endif

// FirnWorldMember [throw|exit|kill|hang|abort]
//
// Sums, copies and collects, and prints what came of it on rank 0; then the last rank fails as it is told to.

do {
  let world = try World.mpi()
  let lines = try Calls.made(in: world)
  if world.rank == 0 {
    print("world of \(world.size), library of \(ProcessInfo.processInfo.environment["FIRN_MPI"] ?? "none")")
    for line in lines { print(line) }
  }
  if world.rank == world.size - 1 {
    switch CommandLine.arguments.dropFirst().first {
    case "throw": throw WorldError(rank: world.rank, "thrown on purpose", remedy: "none")
    case "exit": exit(3)
    case "kill": kill(getpid(), SIGKILL)
    case "hang": sleep(1000)
    case "abort": world.abort(WorldError(rank: world.rank, "aborted on purpose", remedy: "none"))
    default: break
    }
  }
  try world.meet()
} catch {
  FileHandle.standardError.write(Data("\(error)\n".utf8))
  exit(1)
}
