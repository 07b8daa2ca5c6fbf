internal import FirnWorlds
internal import Foundation

/// The processes that run one command together, and who of them speaks.
struct Members {
  let world: World

  init(_ world: World) { self.world = world }

  /// Where this process writes: only the first answers and warns, since all have the same to say.
  func shell(_ shell: Shell) -> Shell {
    guard world.rank > 0 else { return shell }
    return Shell(
      output: { _ in }, errors: { _ in }, terminal: shell.terminal, input: shell.input,
      directory: shell.directory)
  }

  /// How this process shows how far it has come: only the first does.
  var progress: ProgressReporter.Style {
    world.rank == 0 ? .suiting(.current(.standardError)) : .silent
  }

  /// Has the first do something before the others go on.
  func byFirst<Result>(_ first: () throws -> Result, orElse other: () throws -> Result) throws -> Result {
    let result = try world.rank == 0 ? first() : other()
    try world.meet()
    return result
  }

  /// Says an error that all processes may have met, and ends with it: of several that did, the first says it.
  ///
  /// - Parameter areTogether: whether all are members of a world, or about to be; who failed before then joins first,
  ///   for the others wait for it.
  static func say(_ error: String, status: Int32, areTogether: Bool, in shell: Shell) {
    let rank = World.launchedRank(ProcessInfo.processInfo.environment)
    guard let rank, areTogether else { return shell.errors(error) }
    if let world = try? World.mpi() {
      guard world.size > 1 else { return shell.errors(error) }
      return world.end(status: status) { shell.errors(error) }
    }
    // None could be joined, which all find out.
    Thread.sleep(forTimeInterval: 0.3 * Double(min(rank, 10)))
    shell.errors(error)
  }
}
