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
    let program = ExampleProgram("firn") == nil ? "FirnCLI" : "firn"
    return try mpi.start(
      members, of: program, line(bench, out, more), environment: ["FIRN_WORLD_PATIENCE": "20"]
    ).finish()
  }

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
