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

  /// Has the first do something before the others go on.
  func byFirst<Result>(_ first: () throws -> Result, orElse other: () throws -> Result) throws -> Result {
    let result = try world.rank == 0 ? first() : other()
    try world.meet()
    return result
  }

  /// Waits, in a process that is not the first of several, for a moment in which the first says what all have met, and
  /// with that ends them.
  static func leaveWordToFirst() {
    guard let rank = World.launchedRank(ProcessInfo.processInfo.environment), rank > 0 else { return }
    Thread.sleep(forTimeInterval: 0.3 * Double(min(rank, 10)))
  }
}
