import FirnWorlds
import Foundation

#if canImport(Glibc)
  import Glibc
#endif

// FirnWorldMember [throw|exit|kill|hang|abort|all|late]
//
// Sums, copies and collects, and prints what came of it on rank 0; then the last rank fails as it is told to, or all do, the
// last rank first, or the others a moment after it, while they wait.

do {
  let world = try World.mpi()
  let lines = try Calls.made(in: world)
  if world.rank == 0 {
    print("world of \(world.size), library of \(ProcessInfo.processInfo.environment["FIRN_MPI"] ?? "none")")
    for line in lines { print(line) }
  }
  let way = CommandLine.arguments.dropFirst().first
  let abort: @Sendable () -> Void = {
    world.abort(WorldError(rank: world.rank, "aborted on purpose", remedy: "none"))
  }
  if way == "all" {
    // When the others wait for nothing any more.
    usleep(400_000 + UInt32(world.size - 1 - world.rank) * 150_000)
    abort()
  }
  if way == "late" {
    // While its calls go on a member may meet a fault of its own.
    Thread {
      usleep(world.rank == world.size - 1 ? 200_000 : 215_000)
      abort()
    }.start()
  }
  if way == "late", world.rank == world.size - 1 { sleep(1000) }
  if world.rank == world.size - 1 {
    switch way {
    case "throw": throw WorldError(rank: world.rank, "thrown on purpose", remedy: "none")
    case "exit": exit(3)
    case "kill": kill(getpid(), SIGKILL)
    case "hang": sleep(1000)
    case "abort": abort()
    default: break
    }
  }
  try world.meet()
} catch {
  FileHandle.standardError.write(Data("\(error)\n".utf8))
  exit(1)
}
