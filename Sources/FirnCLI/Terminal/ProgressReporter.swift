internal import FirnGraph
import FirnNotation

/// Tells on standard error how far a long task has come.
///
/// On a terminal it is a bar, redrawn in place at most ten times a second; elsewhere it is a plain line at
/// most every two seconds, and one at the end. A call that draws nothing costs one reading of the clock,
/// and its message is not built. Use it from one task at a time.
final class ProgressReporter {
  /// The form in which progress is shown.
  enum Style: Sendable, Hashable {
    /// A bar on one line of this many columns that is drawn over itself.
    case bar(width: Int)
    /// Plain lines, one below the other.
    case lines
    /// Nothing.
    case silent

    /// The style that suits a terminal or, if there is none, a pipe.
    static func suiting(_ terminal: Terminal) -> Style {
      terminal.isInteractive ? .bar(width: terminal.width) : .lines
    }
  }

  /// The count at which the task is done, or `nil` where it is not known.
  let total: Int?
  private let label: String
  private let style: Style
  private let now: () -> ContinuousClock.Instant
  private let write: (String) -> Void

  private let start: ContinuousClock.Instant
  private var nextDrawing: ContinuousClock.Instant
  private var completed = 0
  private var isBarOpen = false
  private var isFinished = false

  /// Starts the clock; nothing is written before the first update.
  ///
  /// - Parameters:
  ///   - label: The task, in a word or two.
  ///   - total: The count at which the task is done, or `nil` where it is not known.
  ///   - style: The form; by default the one that suits standard error.
  ///   - start: When the task began; now if nil.
  ///   - now: Reads the clock.
  ///   - write: Takes what is to be shown.
  init(
    _ label: String,
    total: Int?,
    style: Style = .suiting(.current(.standardError)),
    since start: ContinuousClock.Instant? = nil,
    now: @escaping () -> ContinuousClock.Instant = { ContinuousClock.now },
    write: @escaping (String) -> Void = { Platform.write($0, to: .standardError) }
  ) {
    self.label = PlainText.singleLine(label)
    self.total = total.map { max(0, $0) }
    self.style = style
    self.now = now
    self.write = write
    self.start = start ?? now()
    // A pipe's first line waits, so that a short task writes its last line only.
    nextDrawing = style == .lines ? self.start + ProgressReporter.lineInterval : self.start
  }

  deinit {
    // Whatever is written after a task that failed should not stand in the bar's line.
    if isBarOpen { write("\n") }
  }

  /// Notes how much is done, and shows it if enough time has passed since the last time.
  ///
  /// - Parameters:
  ///   - completed: The count that is done in all, not since the last call.
  ///   - message: A few words to show behind the numbers, such as the loss.
  func update(completed: Int, message: @autoclosure () -> String = "") {
    guard style != .silent && !isFinished else { return }
    self.completed = completed
    let time = now()
    guard time >= nextDrawing else { return }
    draw(at: time, message: message())
  }

  /// Shows the final state and ends the line; later calls do nothing.
  ///
  /// - Parameter completed: The count that is done, where the last of it was not noted by an update.
  func finish(completed: Int? = nil, message: @autoclosure () -> String = "") {
    guard style != .silent && !isFinished else { return }
    self.completed = completed ?? self.completed
    isFinished = true
    draw(at: now(), message: message())
    if isBarOpen { write("\n") }
    isBarOpen = false
  }

  private static let barInterval = Duration.milliseconds(100)
  private static let lineInterval = Duration.seconds(2)
  private static let barLength = 6...30
  /// In seconds; before that there is no rate.
  private static let shortestMeasure = 0.5

  private func draw(at time: ContinuousClock.Instant, message: String) {
    let elapsed = start.duration(to: time)
    let message = PlainText.singleLine(message)
    switch style {
    case .silent:
      break
    case .lines:
      nextDrawing = time + ProgressReporter.lineInterval
      let facts = facts(elapsed: elapsed) + (message.isEmpty ? [] : [message])
      write("\(label): \(facts.joined(separator: ", "))\n")
    case .bar(let width):
      nextDrawing = time + ProgressReporter.barInterval
      isBarOpen = true
      // The last column stays free: some terminals wrap when it is filled.
      write("\r" + barLine(elapsed: elapsed, message: message, width: max(1, width - 1)) + "\u{1B}[K")
    }
  }

  private func barLine(elapsed: Duration, message: String, width: Int) -> String {
    var parts = [label] + facts(elapsed: elapsed) + (message.isEmpty ? [] : [message])
    if let fraction {
      let used = parts.reduce(0) { $0 + DisplayText.width(of: $1) + 2 }
      let limits = ProgressReporter.barLength
      let length = min(max(width - used, limits.lowerBound), limits.upperBound)
      let filled = Int((fraction * Double(length)).rounded(.down))
      let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: length - filled)
      parts.insert(bar, at: 1)
    }
    return DisplayText.truncated(parts.joined(separator: "  "), to: width)
  }

  private var fraction: Double? {
    guard let total else { return nil }
    return total == 0 ? 1 : min(max(Double(completed) / Double(total), 0), 1)
  }

  private func facts(elapsed: Duration) -> [String] {
    let seconds = elapsed / .seconds(1)
    // What the first moments say of the speed is of the start alone.
    let isKnown = isFinished ? seconds > 0 : seconds >= ProgressReporter.shortestMeasure
    let rate = isKnown ? Double(completed) / seconds : 0
    var facts: [String] = []
    if let total, let fraction {
      // Rounded down: 100% is said of what is done and of nothing else.
      facts.append("\(Int((fraction * 100).rounded(.down)))%")
      facts.append("\(NumberFormat.count(completed))/\(NumberFormat.count(total))")
    } else {
      facts.append(NumberFormat.count(completed))
    }
    // Of what takes longer than a second each, the time of one says more.
    if rate >= 1 {
      facts.append("\(NumberFormat.fixed(rate, digits: rate < 100 ? 1 : 0))/s")
    } else if rate > 0 {
      facts.append("\(NumberFormat.duration(.seconds(1 / rate))) each")
    }
    if isFinished {
      facts.append("took \(NumberFormat.duration(elapsed))")
    } else if let total, rate > 0 {
      let remaining = Double(max(0, total - completed)) / rate
      // Beyond this an estimate says nothing, and it would not fit a clock either.
      if remaining < 360_000 { facts.append("ETA \(NumberFormat.clock(.seconds(remaining)))") }
    }
    return facts
  }
}
