import FirnGraph
import FirnNotation

/// Tells how far a run has come.
final class TrainingProgress {
  private let style: ProgressStyle
  private let isBar: Bool
  private let write: (String) -> Void
  private let now: () -> ContinuousClock.Instant
  private let start: ContinuousClock.Instant
  private var nextDrawing: ContinuousClock.Instant
  /// Steps of before this run, which say nothing of its speed.
  private var before: Int?
  private var last: (record: StepRecord, total: Int?)?
  private var isLineOpen = false
  private var isFinished = false

  init(
    _ style: ProgressStyle, isTerminal: Bool = Platform.isErrorTerminal,
    now: @escaping () -> ContinuousClock.Instant = { .now },
    write: @escaping (String) -> Void = Platform.writeError
  ) {
    self.style = style
    isBar = style == .automatic && isTerminal
    self.write = write
    self.now = now
    start = now()
    nextDrawing = start + (isBar ? .zero : .seconds(2))
  }

  deinit {
    // Whatever is written after a run that failed should not stand in its line.
    if isLineOpen { write("\n") }
  }

  func update(_ record: StepRecord, of total: Int?) {
    guard style != .silent else { return }
    if before == nil { before = record.step - 1 }
    last = (record, total)
    let time = now()
    guard time >= nextDrawing else { return }
    nextDrawing = time + (isBar ? .milliseconds(100) : .seconds(2))
    draw(line(at: time))
  }

  func finished(_ epoch: EpochRecord) { say("\(epoch)") }

  func entered(_ stage: StageChange) { say("\(stage)") }

  func finish() {
    guard style != .silent, !isFinished, last != nil else { return }
    isFinished = true
    say(line(at: now()))
  }

  /// A line that stays.
  private func say(_ text: String) {
    guard style != .silent else { return }
    write((isBar ? "\r\u{1B}[K" : "") + PlainText.singleLine(text) + "\n")
    isLineOpen = false
  }

  private func draw(_ text: String) {
    guard isBar else { return write(text + "\n") }
    // The last column stays free: some terminals wrap when it is filled.
    let width = max(1, (Platform.errorColumns ?? 100) - 1)
    write("\r" + DisplayText.truncated(text, to: width) + "\u{1B}[K")
    isLineOpen = true
  }

  private func line(at time: ContinuousClock.Instant) -> String {
    guard let (record, total) = last else { return "" }
    let seconds = start.duration(to: time) / .seconds(1)
    let done = record.step - (before ?? 0)
    var parts = ["epoch \(record.epoch)", "step \(NumberFormat.count(record.step))"]
    if let total { parts[1] += "/\(NumberFormat.count(total))" }
    // What the first moments say of the speed is of the start alone.
    let rate = seconds >= 0.5 || isFinished && seconds > 0 ? Double(done) / seconds : 0
    if rate >= 1 {
      parts.append("\(NumberFormat.fixed(rate, digits: rate < 100 ? 1 : 0)) steps/s")
    } else if rate > 0 {
      parts.append("\(NumberFormat.duration(.seconds(1 / rate))) a step")
    }
    if isFinished {
      parts.append("took \(NumberFormat.duration(start.duration(to: time)))")
    } else if let total, rate > 0 {
      let remaining = Double(max(0, total - record.step)) / rate
      if remaining < 360_000 { parts.append("ETA \(NumberFormat.clock(.seconds(remaining)))") }
    }
    parts.append("loss \(NumberFormat.short(record.loss))")
    return parts.joined(separator: "  ")
  }
}
