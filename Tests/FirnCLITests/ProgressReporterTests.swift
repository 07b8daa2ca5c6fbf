import FirnNotation
import Testing

@testable import FirnCLI

@Suite struct ProgressReporterTests {
  /// A clock that a test moves, and what was written.
  private final class Stage {
    var time = ContinuousClock.now
    var written: [String] = []

    func reporter(_ style: ProgressReporter.Style, total: Int? = 100) -> ProgressReporter {
      ProgressReporter(
        "training", total: total, style: style, now: { self.time }, write: { self.written.append($0) })
    }
  }

  @Test func barIsRedrawnAtMostTenTimesASecond() {
    let stage = Stage()
    let reporter = stage.reporter(.bar(width: 80), total: 1000)
    for step in 1...1000 {
      stage.time += .milliseconds(1)
      reporter.update(completed: step)
    }
    #expect(stage.written.count == 10)
    reporter.finish(message: "done")
    reporter.finish()
    #expect(stage.written.last == "\n")
    #expect(stage.written.dropLast().last?.contains("100%  1,000/1,000  1000/s  took 1.0 s  done") == true)
    #expect(stage.written.dropLast().allSatisfy { $0.hasPrefix("\r") && $0.hasSuffix("\u{1B}[K") })
  }

  @Test(arguments: [1, 10, 40, 80, 200])
  func barFitsTheTerminal(_ width: Int) {
    let stage = Stage()
    let reporter = stage.reporter(.bar(width: width))
    stage.time += .seconds(3)
    reporter.update(completed: 50, message: "loss 0.1234\nand so on")
    let line = stage.written[0].dropFirst().dropLast(3)
    #expect(DisplayText.width(of: String(line)) <= max(1, width - 1))
  }

  @Test func linesAreFewAndPlain() {
    let stage = Stage()
    let reporter = stage.reporter(.lines)
    for step in 1...50 {
      stage.time += .milliseconds(100)
      reporter.update(completed: step, message: "loss 0.5")
    }
    reporter.finish(message: "stopped")
    #expect(
      stage.written == [
        "training: 20%, 20/100, 10.0/s, ETA 0:08, loss 0.5\n",
        "training: 40%, 40/100, 10.0/s, ETA 0:06, loss 0.5\n",
        "training: 50%, 50/100, 10.0/s, took 5.0 s, stopped\n",
      ])
  }

  /// Of what is done within two seconds nothing is said; of anything longer all, from its beginning on.
  @Test func shortTasksAreSilent() {
    let stage = Stage()
    func late() -> LateProgress {
      LateProgress(
        "predicting", total: 100, style: .lines, now: { stage.time }, write: { stage.written.append($0) })
    }
    let short = late()
    stage.time += .milliseconds(1900)
    short.update(100)
    short.finish()
    #expect(stage.written.isEmpty)
    let long = late()
    stage.time += .seconds(1)
    long.update(10)
    stage.time += .seconds(3)
    long.update(40)
    long.finish()
    #expect(
      stage.written == [
        "predicting: 40%, 40/100, 10.0/s, ETA 0:06\n", "predicting: 40%, 40/100, 10.0/s, took 4.0 s\n",
      ])
  }

  /// What the first moments give is no speed, and what takes seconds each is not `0.0/s`.
  @Test func aRateIsShownWhereThereIsOne() {
    let stage = Stage()
    let reporter = stage.reporter(.bar(width: 80))
    stage.time += .milliseconds(20)
    reporter.update(completed: 1)
    #expect(stage.written.last?.contains("1/100") == true && stage.written.last?.contains("/s") == false)
    #expect(stage.written.last?.contains("ETA") == false)
    stage.time += .milliseconds(480)
    reporter.update(completed: 5)
    #expect(stage.written.last?.contains("10.0/s") == true)
    let slow = stage.reporter(.lines)
    stage.time += .seconds(50)
    slow.update(completed: 2)
    #expect(stage.written.last == "training: 2%, 2/100, 25.0 s each, ETA 40:50\n")
  }

  @Test func messagesThatAreNotShownAreNotBuilt() {
    let stage = Stage()
    var built = 0
    func message() -> String {
      built += 1
      return "loss"
    }
    let lines = stage.reporter(.lines)
    let silent = stage.reporter(.silent)
    for step in 1...100 {
      lines.update(completed: step, message: message())
      silent.update(completed: step, message: message())
    }
    silent.finish(message: message())
    #expect(built == 0 && stage.written.isEmpty)
  }

  @Test func unknownTotalsAndOverrunsAreShownAsTheyAre() {
    let stage = Stage()
    let open = stage.reporter(.lines, total: nil)
    stage.time += .seconds(4)
    open.update(completed: 1200)
    let overrun = stage.reporter(.lines, total: 10)
    overrun.update(completed: 12)
    overrun.finish()
    stage.reporter(.lines, total: 0).finish()
    #expect(
      stage.written == [
        "training: 1,200, 300/s\n", "training: 100%, 12/10, took 0 µs\n", "training: 100%, 0/0, took 0 µs\n",
      ])
  }

  @Test func aBarLeftOpenEndsItsLine() {
    let stage = Stage()
    var reporter: ProgressReporter? = stage.reporter(.bar(width: 80))
    reporter?.update(completed: 1)
    reporter = nil
    #expect(stage.written.count == 2 && stage.written.last == "\n")
  }
}
