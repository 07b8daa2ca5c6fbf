import FirnFormats
import FirnGraph
import FirnTraining
import Foundation
import Testing

/// Processes that die, disks that fill up: the last checkpoint is whole.
///
/// The example `ResumeTraining` is the subject.
@Suite(.serialized) struct CrashTests {
  /// Steps a process said it had saved.
  private func reported(_ text: String) -> Int {
    text.split(separator: "\n").compactMap { line in
      line.hasPrefix("step ") ? Int(line.split(separator: " ")[1]) : nil
    }.max() ?? 0
  }

  /// Whole: every tensor can be read, and Adam's own counts are those of the step.
  private func check(_ folder: CheckpointFolder, atLeast step: Int) throws -> Int {
    guard let latest = try folder.latest() else {
      #expect(step == 0)
      return 0
    }
    #expect(latest.step >= step && latest.step == latest.position?.step)
    for entry in latest.weights.entries {
      #expect(try entry.array().elementCount == entry.shape.reduce(1, *))
    }
    #expect(latest.weights.entries.count == 4 + 6 + 1)
    for name in ["head/kernel/adam/step", "head/bias/adam/step", "adam/step"] {
      #expect(try latest.weights[name]?.array().scalar == Double(latest.step))
    }
    return latest.step
  }

  /// Three hundred random moments; what was reported as saved is there, and each start goes on from it.
  @Test func killedProcessesResumeFromWholeCheckpoints() throws {
    try withFolder { url in
      let path = url.appendingPathComponent("run").path
      let output = url.appendingPathComponent("output")
      let environment = ProcessInfo.processInfo.environment["FIRN_SEED"]
      let seed = environment.flatMap { UInt64($0) } ?? .random(in: .min ... .max)
      print("moments of seed \(seed); FIRN_SEED=\(seed) repeats them")
      let moments = Philox(seed: seed, name: "moments")
      var (last, kills, starts) = (0, 0, 0)
      while kills < 300, starts < 1500 {
        starts += 1
        let child = try ChildProcess("ResumeTraining", [path, "1000000"], output: output)
        for _ in 0..<20_000 where child.isRunning && !child.text.contains("from step") { usleep(500) }
        #expect(child.text.contains("from step \(last)\n"), "\(child.text)")
        usleep(moments.bits(starts) % 30_000)
        guard child.isRunning else { continue }
        child.kill()
        kills += 1
        let step = try check(CheckpointFolder(path), atLeast: max(last, reported(child.text)))
        #expect(step <= max(last, reported(child.text)) + 1, "at most one save was not reported")
        last = step
      }
      #expect(kills == 300 && last > 0)
    }
  }

  /// Five steps, and five more in a new process, give the bits of ten: dropout, Adam, a schedule, a frozen scope.
  @Test func resumedTrainingIsTheSame() throws {
    try withFolder { url in
      func run(_ folder: String, _ steps: Int) throws -> String {
        let child = try ChildProcess(
          "ResumeTraining", [url.appendingPathComponent(folder).path, "\(steps)"],
          output: url.appendingPathComponent("output"))
        #expect(child.status() == 0)
        return child.text
      }
      let straight = try run("straight", 10)
      let first = try run("parts", 5)
      let second = try run("parts", 10)
      #expect(second.hasPrefix("from step 5\n"))
      #expect(straight == first + second.dropFirst("from step 5\n".count))
      let a = try #require(try CheckpointFolder(url.appendingPathComponent("straight").path).latest())
      let b = try #require(try CheckpointFolder(url.appendingPathComponent("parts").path).latest())
      #expect(a.step == 10 && b.step == 10)
      #expect(a.weights.entries.map(\.name) == b.weights.entries.map(\.name))
      for (a, b) in zip(a.weights.entries, b.weights.entries) {
        #expect(try a.array().isBitwiseEqual(to: b.array()), "\(a.name)")
      }
      #expect(
        Set(straight.split(separator: "\n").dropFirst().map { $0.split(separator: " ")[3] }).count == 10)
    }
  }

  /// A disk that is full: here, files may not grow beyond four kibibytes.
  @Test func fullDisksKeepTheLastCheckpoint() throws {
    try withFolder { url in
      let path = url.appendingPathComponent("run").path
      let output = url.appendingPathComponent("output")
      #expect(try ChildProcess("ResumeTraining", [path, "3"], output: output).status() == 0)
      let before = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
      let child = try ChildProcess(
        "ResumeTraining", [path, "9"], before: "trap '' XFSZ; ulimit -f 8;", output: output)
      #expect(child.status() != 0)
      #expect(child.text.contains("cannot write"), "\(child.text)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: path).sorted() == before)
      #expect(try check(CheckpointFolder(path), atLeast: 3) == 3)
      #expect(try ChildProcess("ResumeTraining", [path, "4"], output: output).status() == 0)
      #expect(try check(CheckpointFolder(path), atLeast: 4) == 4)
    }
  }

  @Test func readOnlyFoldersKeepTheLastCheckpoint() throws {
    try withFolder { url in
      let path = url.appendingPathComponent("run").path
      let output = url.appendingPathComponent("output")
      #expect(try ChildProcess("ResumeTraining", [path, "3"], output: output).status() == 0)
      try FileManager.default.setAttributes([.posixPermissions: 0o555], ofItemAtPath: path)
      defer { try? FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path) }
      let before = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
      let child = try ChildProcess("ResumeTraining", [path, "9"], isOrdinaryUser: true, output: output)
      #expect(child.status() != 0)
      #expect(child.text.hasPrefix("from step 3\n") && child.text.contains("cannot write"), "\(child.text)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: path).sorted() == before)
      #expect(try check(CheckpointFolder(path), atLeast: 3) == 3)
    }
  }

  /// Ctrl-C loses nothing: the running step is finished and saved, the process ends well, and the rest comes to the
  /// same bits.
  @Test func interruptsFinishTheStepAndSave() throws {
    try withFolder { url in
      let (path, output) = (url.appendingPathComponent("run").path, url.appendingPathComponent("output"))
      let child = try ChildProcess("ResumeTraining", [path, "1000000"], output: output)
      for _ in 0..<20_000 where child.isRunning && reported(child.text) < 3 { usleep(500) }
      child.interrupt()
      #expect(child.status() == 0, "\(child.text)")
      let step = try check(CheckpointFolder(path), atLeast: reported(child.text))
      #expect(step >= 3 && child.text.contains("interrupted, saved at step \(step)\n"), "\(child.text)")
      let rest = try ChildProcess("ResumeTraining", [path, "\(step + 4)"], output: output)
      #expect(rest.status() == 0 && rest.text.hasPrefix("from step \(step)\n"))
      let straight = url.appendingPathComponent("straight").path
      #expect(try ChildProcess("ResumeTraining", [straight, "\(step + 4)"], output: output).status() == 0)
      let (one, two) = (try CheckpointFolder(path).latest(), try CheckpointFolder(straight).latest())
      let (a, b) = (try #require(one), try #require(two))
      #expect(a.step == step + 4 && b.step == a.step)
      for (mine, other) in zip(a.weights.entries, b.weights.entries) {
        #expect(try mine.array() == other.array(), "\(mine.name)")
      }
    }
  }

  #if os(Linux)
    /// The second one does not wait for a step that never ends: here one that is told to a pipe which nobody reads.
    @Test func aSecondInterruptEndsAtOnce() throws {
      try withFolder { url in
        let pipe = url.appendingPathComponent("pipe").path
        // All but thirty bytes of what a pipe holds: the first line goes in, the first step's does not.
        let filled = "mkfifo \(pipe); exec 3<>\(pipe); head -c 65506 /dev/zero >&3; exec >&3;"
        let child = try ChildProcess(
          "ResumeTraining", [url.appendingPathComponent("run").path, "1000000"], before: filled,
          output: url.appendingPathComponent("output"))
        let folder = try CheckpointFolder(url.appendingPathComponent("run").path)
        for _ in 0..<20_000 where try child.isRunning && folder.steps().isEmpty { usleep(500) }
        usleep(200_000)
        child.interrupt()
        usleep(500_000)
        #expect(child.isRunning)
        child.interrupt()
        #expect(child.status() == SIGINT)
        #expect(try folder.steps() == [1] && folder.latest()?.step == 1)
      }
    }
  #endif
}
