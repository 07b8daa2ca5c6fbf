import FirnTestSupport
import Foundation
import Testing

@testable import FirnCLI

/// `mpiexec -n 4 firn train …`: with each MPI that is here; see `MPITests`.
@Suite(.serialized) struct WorldTrainTests {
  static let installed = InstalledMPI.all

  private static func line(_ bench: TrainCommandTests.Bench, _ out: String, _ more: [String]) -> [String] {
    [
      "train", bench.path("leaves.firn"), "--data", bench.path("leaves.csv"), "--column", "y=kind", "--rate",
      "0.05", "--batch", "16", "--seed", "1", "--test", bench.path("test.csv"), "--metric",
      "accuracy(scores, y)", "--out", bench.path(out),
    ] + more
  }

  private static func train(
    _ mpi: InstalledMPI, _ members: Int, _ bench: TrainCommandTests.Bench, _ out: String, _ more: [String]
  ) throws -> InstalledMPI.Run {
    try run(mpi, members, line(bench, out, more))
  }

  private static func run(_ mpi: InstalledMPI, _ members: Int, _ line: [String]) throws -> InstalledMPI.Run {
    try mpi.start(members, of: program, line, environment: ["FIRN_WORLD_PATIENCE": "20"]).finish()
  }

  private static var program: String { ExampleProgram("firn") == nil ? "FirnCLI" : "firn" }

  /// Training and validation losses, epoch by epoch.
  private static func losses(_ bench: TrainCommandTests.Bench, _ out: String) throws -> [Double] {
    let data = try Data(contentsOf: URL(fileURLWithPath: bench.path(out) + "/history.csv"))
    return String(decoding: data, as: UTF8.self).split(separator: "\n").dropFirst().flatMap { line in
      line.split(separator: ",").dropFirst(3).prefix(3).compactMap { Double($0) }
    }
  }

  @Test(.enabled(if: !installed.isEmpty, "no MPI is installed"), arguments: installed)
  func processesTrainTogether(mpi: InstalledMPI) throws {
    try CommandLineRunner.withDirectory { directory in
      let bench = try TrainCommandTests.Bench(directory)
      let alone = CommandLineRunner.run(Self.line(bench, "alone", ["--epochs", "6"]))
      #expect(alone.code == 0, "\(alone.errors)")
      let run = try Self.train(mpi, 4, bench, "four", ["--epochs", "6"])
      #expect(run.status == 0, "\(run.errors)")
      // The first process alone speaks.
      #expect(run.lines.count { $0.hasPrefix("trained ") } == 1, "\(run.lines)")
      #expect(run.errors.components(separatedBy: "epoch 6 of 6").count == 2, "\(run.errors)")
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: bench.path("four")).sorted()
          == FileManager.default.contentsOfDirectory(atPath: bench.path("alone")).sorted())
      // Another number goes on, with the same batches.
      let first = try Self.train(mpi, 4, bench, "parts", ["--epochs", "3"])
      let second = try Self.train(mpi, 2, bench, "parts", ["--epochs", "6", "--resume"])
      #expect(first.status == 0 && second.status == 0, "\(first.errors)\(second.errors)")
      let expected = try Self.losses(bench, "alone")
      #expect(expected.count == 18)
      for other in ["four", "parts"] {
        let losses = try Self.losses(bench, other)
        #expect(losses.count == expected.count)
        for (a, b) in zip(losses, expected) { #expect(abs(a - b) < 1e-3) }
      }
    }
  }

  /// What several processes measure and predict is what one does, said and written once.
  @Test(.enabled(if: !installed.isEmpty, "no MPI is installed"), arguments: installed)
  func processesMeasureAndPredictTogether(mpi: InstalledMPI) throws {
    try CommandLineRunner.withDirectory { directory in
      let bench = try TrainCommandTests.Bench(directory)
      #expect(CommandLineRunner.run(Self.line(bench, "alone", ["--epochs", "2"])).code == 0)
      let model = [bench.path("leaves.firn"), "--weights", bench.path("alone") + "/weights.safetensors"]
      func lines(_ out: String) -> [[String]] {
        let data = model + ["--data", bench.path("test.csv"), "--batch", "7"]
        return [
          ["evaluate"] + data + ["--metric", "accuracy(scores, y)"],
          ["evaluate"] + data + ["--json"],
          ["predict"] + data + ["--outputs", "scores, argmax(scores)"],
          ["predict"] + data + ["--outputs", "scores", "--out", bench.path(out)],
        ]
      }
      for (together, alone) in zip(lines("together.safetensors"), lines("alone.safetensors")) {
        let expected = CommandLineRunner.run(alone)
        let run = try Self.run(mpi, 3, together)
        #expect(expected.code == 0 && run.status == 0, "\(expected.errors)\(run.errors)")
        let said = expected.output.replacingOccurrences(of: "alone.safetensors", with: "together.safetensors")
        #expect(run.lines == said.split(separator: "\n").map(String.init))
      }
      #expect(
        try Data(contentsOf: URL(fileURLWithPath: bench.path("together.safetensors")))
          == Data(contentsOf: URL(fileURLWithPath: bench.path("alone.safetensors"))))
      for (command, more) in [("evaluate", []), ("predict", ["--outputs", "scores"])] {
        let run = try Self.run(mpi, 3, [command] + model + ["--data", "nowhere.csv"] + more)
        #expect(run.status != 0)
        #expect(run.errors.components(separatedBy: "remedy").count == 2, "\(run.errors)")
      }
    }
  }

  #if os(Linux)
    /// Ctrl-C to the launcher: all end, nobody is left, and the run goes on from where it was.
    @Test(.enabled(if: !installed.isEmpty, "no MPI is installed"), arguments: installed)
    func interruptsEndAllWithACheckpoint(mpi: InstalledMPI) throws {
      try CommandLineRunner.withDirectory { directory in
        let bench = try TrainCommandTests.Bench(directory)
        let line = Self.line(bench, "run", ["--epochs", "1000000"])
        let started = try mpi.start(
          2, of: Self.program, line, environment: ["FIRN_WORLD_PATIENCE": "20"])
        let checkpoints = URL(fileURLWithPath: bench.path("run") + "/checkpoints")
        let limit = Date(timeIntervalSinceNow: 60)
        func files() -> [String] {
          ((try? FileManager.default.contentsOfDirectory(atPath: checkpoints.path)) ?? []).sorted()
        }
        while files().isEmpty, Date() < limit { usleep(1000) }
        usleep(300_000)
        let members = Self.processes(of: bench.path("run"))
        #expect(members.count >= 2)
        kill(started.process.processIdentifier, SIGINT)
        let moment = Date()
        let run = try started.finish()
        #expect(run.status != 0)
        #expect(Date().timeIntervalSince(moment) < 10)
        for _ in 0..<200 where members.contains(where: { kill($0, 0) == 0 }) { usleep(10_000) }
        #expect(members.allSatisfy { kill($0, 0) != 0 }, "a member is left")
        // Written by the first where a training ends; Open MPI's launcher passes on no words after Ctrl-C.
        #expect(FileManager.default.fileExists(atPath: bench.path("run") + "/history.csv"), "\(run.errors)")
        #expect(run.errors.components(separatedBy: "stopping after this step").count <= 2, "\(run.errors)")
        // What was saved is whole.
        let again = CommandLineRunner.run(Self.line(bench, "run", ["--epochs", "1", "--resume"]))
        #expect(again.code == 0, "\(again.errors)")
      }
    }

    /// Those whose command line has this word.
    private static func processes(of word: String) -> [Int32] {
      let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
      return names.compactMap { Int32($0) }.filter { number in
        guard let line = try? Data(contentsOf: URL(fileURLWithPath: "/proc/\(number)/cmdline")) else {
          return false
        }
        let words = line.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        // The launcher's line has the word too, further behind.
        return words.contains(word) && words.dropFirst().first == "train"
      }
    }
  #endif

  /// What is wrong for all is said once, and ends all.
  @Test(.enabled(if: !installed.isEmpty, "no MPI is installed"), arguments: installed)
  func faultsAreSaidOnce(mpi: InstalledMPI) throws {
    try CommandLineRunner.withDirectory { directory in
      let bench = try TrainCommandTests.Bench(directory)
      try FileManager.default.createDirectory(
        atPath: bench.path("used") + "/checkpoints/x", withIntermediateDirectories: true)
      for (out, more, text) in [
        ("used", [], "holds checkpoints of another run"),
        ("new", ["--freeze", "nothing"], "matches nothing"),
        ("new", ["--nonsense"], "--nonsense"),
      ] {
        let run = try Self.train(mpi, 3, bench, out, more)
        #expect(run.status != 0)
        #expect(run.errors.components(separatedBy: text).count == 2, "\(text): \(run.errors)")
        #expect(!FileManager.default.fileExists(atPath: bench.path("new")))
      }
    }
  }
}
