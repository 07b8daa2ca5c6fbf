import FirnFormats
import FirnGraph
import FirnOps
import Foundation
import Testing

@testable import FirnCLI

/// What `firn evaluate` and `firn predict` say of what they are given, and who may write into a run's folder.
@Suite struct AskedModelTests {
  private typealias Bench = TrainCommandTests.Bench

  private static let train =
    "train leaves.firn --data leaves.csv --column y=kind --rate 0.05 --epochs 2 --batch 16 --seed 1"

  /// Whoever asks a trained model is told the line of a label or an index that is none, as who trains is.
  @Test func whatIsMeasuredOrPredictedIsNamedByLine() throws {
    try CommandLineRunner.withDirectory { directory in
      let bench = try Bench(directory)
      let graph = Graph()
      let word = graph.placeholder("word", shape: ["batch"], dtype: .i32)
      let y = graph.placeholder("y", shape: ["batch"], dtype: .i32)
      let rows = try NDArray([Float](repeating: 0.5, count: 8), shape: [4, 2])
      let table = graph.variable("table", shape: [4, 2], initializer: .array(rows))
      let scores = identity(gather(table, indices: word), name: "scores")
      let loss = sparseSoftmaxCrossEntropy(logits: scores, labels: y).mean()
      try graph.write(to: bench.path("words.firn"), loss: loss)
      try bench.write("good.csv", ["word,y"] + (0..<40).map { "\($0 % 4),\($0 % 2)" })
      try bench.write("word.csv", ["word,y"] + (0..<40).map { "\($0 == 37 ? 4 : $0 % 4),\($0 % 2)" })
      try bench.write("label.csv", ["word,y"] + (0..<40).map { "\($0 % 4),\($0 == 21 ? 2 : $0 % 2)" })
      let measure = "evaluate words.firn --batch 8 --data "
      let predict = "predict words.firn --outputs scores --batch 8 --data "
      for line in [measure, predict] { #expect(bench.run(line + "good.csv").code == 0) }
      #expect(bench.run(predict + "label.csv").code == 0)
      for (line, words) in [
        (measure + "word.csv", "'word.csv', line 39: "), (measure + "label.csv", "'label.csv', line 23: "),
        (predict + "word.csv", "'word.csv', line 39: "),
      ] {
        let run = bench.run(line)
        #expect(run.code == 1 && run.output.isEmpty && run.errors.contains(words), "\(line): \(run.errors)")
      }
    }
  }

  /// While one run writes into a folder no other does, be it a new one or one that goes on.
  @Test func aFolderIsOneRunsAtATime() throws {
    try CommandLineRunner.withDirectory { directory in
      let bench = try Bench(directory)
      let held = try RunFolder(bench.path("run"), named: "run", resuming: false)
      for options in [" --out run", " --out run --resume"] {
        try FileManager.default.createDirectory(
          atPath: bench.path("run/checkpoints"), withIntermediateDirectories: true)
        let run = bench.run(Self.train + options)
        #expect(run.code == 2 && run.errors.contains("another run is writing into 'run'"), "\(run)")
      }
      withExtendedLifetime(held) {}
    }
    try CommandLineRunner.withDirectory { directory in
      let bench = try Bench(directory)
      do { _ = try RunFolder(bench.path("run"), named: "run", resuming: false) }
      #expect(bench.run(Self.train + " --out run").code == 0)
    }
  }

  @Test func whatIsAskedNeedsWeights() throws {
    try CommandLineRunner.withDirectory { directory in
      let bench = try Bench(directory)
      let judged = bench.run("evaluate leaves.firn --data test.csv --column y=kind")
      #expect(judged.code == 2 && judged.errors.contains("--weights"))
      let predicted = bench.run("predict leaves.firn --data test.csv --weights leaves.csv")
      #expect(predicted.code == 2 && predicted.errors.contains("--outputs"))
      #expect(bench.run(Self.train + " --out run").code == 0)
      let twice = bench.run(
        "predict leaves.firn --data test.csv --weights run/weights.safetensors --outputs scores,scores")
      #expect(twice.code == 2 && twice.errors.contains("`scores` twice"), "\(twice)")
    }
  }

  /// What is predicted is named, and has a row for each example.
  @Test func outputsAreOfExamples() throws {
    try CommandLineRunner.withDirectory { directory in
      let bench = try Bench(directory)
      #expect(bench.run(Self.train + " --out run").code == 0)
      let ask = "predict leaves.firn --data test.csv --weights run/weights.safetensors --outputs "
      for (outputs, words) in [("''", "names nothing"), ("','", "leaves a name out"), ("scores,", "leaves")] {
        let run = bench.run(ask + outputs)
        #expect(run.code == 2 && run.output.isEmpty && run.errors.contains(words), "\(run.errors)")
      }
      for outputs in ["head/dense/kernel", "scores,head/dense/kernel"] {
        let run = bench.run(ask + outputs)
        #expect(run.code == 1 && run.output.isEmpty)
        #expect(
          run.errors.contains("`head/dense/kernel` is f32[8,3]: it has no row for each example"),
          "\(run.errors)")
      }
    }
  }
}
