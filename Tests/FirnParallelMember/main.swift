import FirnCompiler
import FirnGraph
import FirnNotation
import FirnRuntime
import FirnTraining
import FirnWorlds
import Foundation

#if canImport(Glibc)
  import Glibc
#endif

// FirnParallelMember train                  the lesson; rank 0 prints what came of it
// FirnParallelMember save FOLDER [STEPS]    the same, with a checkpoint after every step, going on from the newest
// FirnParallelMember weight|selection|graph one member has something else than the others
// FirnParallelMember throw|nan              one member fails in a step
// FirnParallelMember load                   one member is given a value that the others are not
// FirnParallelMember diverge                numbers are lost, which the trainer's guard finds in all

/// Not kept back in a buffer.
func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

do {
  let world = try World.mpi()
  let lesson = Lesson()
  let arguments = Array(CommandLine.arguments.dropFirst())
  let isLast = world.rank == world.size - 1
  switch arguments.first {
  case "save":
    say("process \(getpid())")
    let session = try lesson.session(world)
    let program = try lesson.program(in: session)
    let folder = try CheckpointFolder(arguments[1], keepingLast: 4)
    let start = try folder.latest()?.resume(in: session)
    if world.rank == 0 { say("from step \(start?.step ?? 0)") }
    try Trainer(program, in: session).fit(
      lesson.data, epochs: .max, batchSize: Lesson.batchSize, seed: Lesson.seed, from: start?.position,
      upTo: arguments.count > 2 ? Int(arguments[2]) ?? 9 : 9, savingTo: folder, every: 1
    ) { say("step \($0.step)") }
    if world.rank == 0 { try Lesson.lines(of: session).forEach { say($0) } }
  case "weight":
    let session = try lesson.session(world)
    let program = try lesson.program(in: session)
    if isLast { try Mismatch.changeOneBit(of: "hidden/bias", in: session) }
    _ = try session.run(program, feeding: lesson.data.feeds(0..<2))
  case "selection":
    let session = try lesson.session(world)
    let program = try lesson.program(in: session, freezing: isLast ? "hidden/bias" : Lesson.freezing)
    _ = try session.run(program, feeding: lesson.data.feeds(0..<2))
  case "graph":
    if isLast { _ = lesson.graph.placeholder("more", shape: [2]) }
    let session = try lesson.session(world)
    let program = try lesson.program(in: session)
    _ = try session.run(program, feeding: lesson.data.feeds(0..<2))
  case "throw", "nan":
    let session = try lesson.session(world)
    session.checksNumerics = arguments[0] == "nan"
    let program = try lesson.program(in: session)
    if arguments[0] == "nan" { try Mismatch.putNaN(into: "head/bias", in: session) }
    if arguments[0] == "throw", isLast {
      _ = try session.run(program, feeding: ["tokens": NDArray([Int32(0)])])
    }
    _ = try session.run(program, feeding: lesson.data.feeds(0..<2))
  case "load":
    let session = try lesson.session(world)
    let program = try lesson.program(in: session)
    _ = try session.run(program, feeding: lesson.data.feeds(0..<2))
    if isLast { try session.setValue(session.value(of: "hidden/bias"), of: "hidden/bias") }
    for _ in 0..<3 { _ = try session.run(program, feeding: lesson.data.feeds(0..<2)) }
  case "diverge":
    let session = try lesson.session(world)
    let program = try session.compile(
      minimizing: lesson.loss, with: SGD(learningRate: 1e30), freezing: Lesson.freezing)
    try Trainer(program, in: session).train(on: lesson.data.inBatches(of: 8, seed: 1), epochs: 30)
  default:
    let lines = try lesson.run(in: world)
    if world.rank == 0 { lines.forEach { say($0) } }
  }
} catch {
  FileHandle.standardError.write(Data("\(error)\n".utf8))
  exit(1)
}
