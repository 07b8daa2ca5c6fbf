/// Progress of a task that may be over at once: nothing is said of one that takes less than two seconds.
final class LateProgress {
  private static let silence = Duration.seconds(2)

  private let make: (ContinuousClock.Instant) -> ProgressReporter
  private let start = ContinuousClock.now
  private var reporter: ProgressReporter?

  /// - Parameters:
  ///   - label: the task, in a word or two.
  ///   - total: the count at which it is done.
  init(_ label: String, total: Int, in shell: Shell) {
    make = { ProgressReporter(label, total: total, since: $0, write: shell.errors) }
  }

  /// Notes how much is done in all.
  func update(_ completed: Int) {
    if reporter == nil, start.duration(to: .now) >= Self.silence { reporter = make(start) }
    reporter?.update(completed: completed)
  }

  /// Shows the final state of a task that was shown.
  func finish() { reporter?.finish() }
}
