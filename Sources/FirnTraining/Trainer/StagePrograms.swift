import FirnGraph
import FirnNotation
import FirnRuntime

/// The programs of a run's stages, each compiled when it is reached, and once.
final class StagePrograms {
  let schedule: FreezeSchedule
  private let compile: (FreezeSchedule.Stage) throws -> Program
  /// By the text of the selection; `""` for none.
  private var known: [String: Program] = [:]
  /// How many were compiled.
  private(set) var compilationCount = 0

  /// One program for all of a run.
  init(_ program: Program) {
    schedule = FreezeSchedule([])
    compile = { _ in program }
    known[""] = program
  }

  init(_ schedule: FreezeSchedule, _ compile: @escaping (FreezeSchedule.Stage) throws -> Program) {
    self.schedule = schedule
    self.compile = compile
  }

  /// The program of a stage, made the one compiled last.
  func program(
    of stage: Int, in session: Session
  ) throws(FirnError) -> (program: Program, slots: [SlotReport]) {
    let stage = schedule.stages[stage]
    let key = stage.freezing?.description ?? ""
    if let program = known[key] { return (program, try session.activate(program)) }
    let made = try FirnError.wrapping { try compile(stage) }
    compilationCount += 1
    known[key] = made
    return (made, made.slotReport)
  }
}
