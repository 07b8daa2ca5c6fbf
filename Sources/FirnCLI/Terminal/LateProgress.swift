/// Progress of a task that may be over at once: nothing is said of one that takes less than two seconds.
final class LateProgress {
  private static let silence = Duration.seconds(2)

  private let now: () -> ContinuousClock.Instant
  private let start: ContinuousClock.Instant
  private let make: (ContinuousClock.Instant) -> ProgressReporter
  private var reporter: ProgressReporter?

  /// - Parameters:
  ///   - label: the task, in a word or two.
  ///   - total: the count at which it is done.
  ///   - style: `.silent` for all but the first of several processes.
  ///   - now: reads the clock.
  ///   - write: takes what is to be shown.
  init(
    _ label: String, total: Int, style: ProgressReporter.Style = .suiting(.current(.standardError)),
    now: @escaping () -> ContinuousClock.Instant = { ContinuousClock.now },
    write: @escaping (String) -> Void = { Platform.write($0, to: .standardError) }
  ) {
    self.now = now
    start = now()
    make = { ProgressReporter(label, total: total, style: style, since: $0, now: now, write: write) }
  }

  /// Notes how much is done in all.
  func update(_ completed: Int) {
    if reporter == nil, start.duration(to: now()) >= Self.silence { reporter = make(start) }
    reporter?.update(completed: completed)
  }

  /// Shows the final state of a task that was shown.
  func finish() { reporter?.finish() }
}
