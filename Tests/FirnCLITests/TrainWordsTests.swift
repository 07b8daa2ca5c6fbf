import FirnFormats
import FirnGraph
import FirnOps
import Foundation
import Testing

@testable import FirnCLI

/// Words of classes, kept with the weights; checkpoints in the place of weights.
@Suite struct TrainWordsTests {
  private static let words = ["birch, silver", "oak", "willow"]
  private static let classes = "'y=\"birch, silver\",oak,willow'"

  private func made(_ directory: String) throws -> TrainCommandTests.Bench {
    let bench = try TrainCommandTests.Bench(directory)
    for (name, range) in [("words.csv", 0..<90), ("asked.csv", 90..<120)] {
      let rows = TrainCommandTests.Bench.rows(range).map { row in
        let cells = row.split(separator: ",").map(String.init)
        return "\(cells[0]),\(cells[1]),\"\(Self.words[Int(cells[2]) ?? 0])\""
      }
      try bench.write(name, ["\"length, in cm\",width,kind"] + rows)
    }
    return bench
  }

  private static let train =
    "train leaves.firn --data words.csv --column y=kind --rate 0.05 --batch 16 --seed 1"

  private func numbers(_ run: CommandLineRunner.Result) throws -> [String: Double]? {
    #expect(run.code == 0, "\(run.errors)")
    let answer = try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any]
    return answer?["values"] as? [String: Double]
  }

  @Test func wordsAreKeptWithTheWeights() throws {
    try CommandLineRunner.withDirectory { directory in
      let bench = try made(directory)
      let unsaid = bench.run(Self.train + " --out run")
      #expect(unsaid.errors.contains("'birch, silver' is no number"), "\(unsaid.errors)")
      #expect(unsaid.errors.contains("--classes y=…"), "\(unsaid.errors)")
      let run = bench.run(
        Self.train + " --classes \(Self.classes) --column 'x=\"length, in cm\",width' --epochs 8 --out run")
      #expect(run.code == 0, "\(run.errors)")
      // Whoever asks need not say them, and nobody may say others.
      let ask = " leaves.firn --weights run/weights.safetensors --data asked.csv"
      let metric = " --metric 'accuracy(scores, y)' --json"
      let accuracy = try #require(try numbers(bench.run("evaluate" + ask + metric))?["accuracy"])
      #expect(accuracy > 0.9)
      for line in ["evaluate" + ask + metric, Self.train + " --epochs 9 --out run --resume"] {
        let other = bench.run(line + " --classes 'y=oak,willow,\"birch, silver\"'")
        #expect(
          other.code == 2 && other.errors.contains("what was trained has birch, silver, oak"),
          "\(other.errors)")
      }
      #expect(bench.run(Self.train + " --epochs 9 --out run --resume").code == 0)
      // Classes are written as numbers, or as what they are called.
      let predicted = bench.run("predict" + ask + " --outputs 'argmax(scores)' --words y")
      #expect(predicted.code == 0, "\(predicted.errors)")
      let lines = predicted.output.split(separator: "\n").map(String.init)
      #expect(lines.count == 31 && lines[0] == "argmax(scores)")
      #expect(Set(lines.dropFirst()) == ["\"birch, silver\"", "oak", "willow"])
      let plain = bench.run("predict" + ask + " --outputs 'argmax(scores)'").output.split(separator: "\n")
      for (line, number) in zip(lines, plain).dropFirst() {
        #expect(line.replacing("\"", with: "") == Self.words[try #require(Int(number))])
      }
      let none = bench.run("predict" + ask + " --outputs 'argmax(scores)' --words x")
      #expect(none.code == 2 && none.errors.contains("nothing says"), "\(none.errors)")
      // Where no words are written, none are promised.
      for (options, words) in [
        ("--outputs 'argmax(scores)' --words y --out p.npz", "written in tables"),
        ("--outputs scores --words y", "no argmax"),
      ] {
        let refused = bench.run("predict" + ask + " " + options)
        #expect(refused.code == 2 && refused.errors.contains(words), "\(refused.errors)")
      }
      // New data may have numbers where the old one had words, and other words have to be said.
      #expect(
        bench.run(
          "train leaves.firn --data leaves.csv --column y=kind --column x=length,width --epochs 1 --weights "
            + "run/weights.safetensors --out numbers"
        ).code == 0)
      try bench.write("others.csv", ["a,b,kind"] + ["elm", "oak", "elm", "oak", "oak"].map { "1,2,\($0)" })
      let others = bench.run(
        "train leaves.firn --data others.csv --column y=kind --column x=a,b --epochs 1 --weights "
          + "run/weights.safetensors --out others")
      #expect(others.code == 1 && others.errors.contains("'elm' is no class"), "\(others.errors)")
      #expect(others.errors.contains("named by --classes y=…"), "\(others.errors)")
      // New weights may be for other classes.
      let fresh = Self.train.replacing("words.csv", with: "asked.csv")
      #expect(
        bench.run(
          fresh
            + " --classes 'y=oak,willow,\"birch, silver\"' --weights run/weights.safetensors --epochs 1 --out on"
        ).code == 0)
    }
  }

  /// A checkpoint says columns, words and scaling as a file of weights does, and its optimiser's memory is nobody's fault.
  @Test func checkpointsStandForWeights() throws {
    try CommandLineRunner.withDirectory { directory in
      let bench = try made(directory)
      let run = bench.run(
        Self.train + " --classes \(Self.classes) --standardize x --epochs 4 --out run")
      #expect(run.code == 0, "\(run.errors)")
      #expect(run.output.contains("the best was epoch 4\n"), "\(run.output)")
      func judged(_ file: String) throws -> [String: Double]? {
        let run = bench.run("evaluate leaves.firn --weights run/\(file) --data asked.csv --json")
        #expect(run.errors.isEmpty, "\(run.errors)")
        return try numbers(run)
      }
      let wanted = try #require(try judged("weights.safetensors"))
      #expect(try judged("checkpoints/best.safetensors") == wanted)
      // A damaged one is no weights.
      let url = URL(filePath: bench.path("run/checkpoints/best.safetensors"))
      var bytes = try Data(contentsOf: url)
      bytes[bytes.count - 5] ^= 1
      try bytes.write(to: URL(filePath: bench.path("run/damaged.safetensors")))
      let damaged = bench.run("evaluate leaves.firn --weights run/damaged.safetensors --data asked.csv")
      #expect(damaged.code == 1 && damaged.errors.contains("not what was written"), "\(damaged.errors)")
    }
  }

  /// The report says whose weights were written, where they are not the best.
  @Test func theReportSaysWhichEpochWasWritten() throws {
    try CommandLineRunner.withDirectory { directory in
      let bench = try made(directory)
      func line(_ rate: String) -> String {
        Self.train.replacing("--rate 0.05", with: "--rate \(rate)") + " --classes \(Self.classes) --epochs 12"
      }
      // At such rates losses go up and down.
      let found = try ["20", "50", "100", "200"].first { rate in
        let run = bench.run(line(rate) + " --out tried\(rate) --json")
        let answer = try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any]
        return (answer?["bestEpoch"] as? Int ?? 12) < 12
      }
      let rate = try #require(found)
      let run = bench.run(line(rate) + " --out run")
      #expect(run.code == 0, "\(run.errors)")
      #expect(
        run.output.firstRange(of: #/the best was epoch \d+, the weights are those of epoch 12\n/#) != nil,
        "\(run.output)")
      let stopped = bench.run(line(rate) + " --patience 20 --out other")
      #expect(stopped.output.contains(", whose weights these are\n"), "\(stopped.output)")
    }
  }

  /// NaN is written alike whatever its sign, which depends on how it came about.
  @Test func predictedNaN() throws {
    try CommandLineRunner.withDirectory { directory in
      let graph = Graph()
      let x = graph.placeholder("x", shape: ["batch"])
      _ = identity(sqrt(x), name: "root")
      _ = identity(-sqrt(x), name: "other")
      try graph.write(to: directory + "/roots.firn")
      try "x\n-1\n4\n".write(toFile: directory + "/x.csv", atomically: true, encoding: .utf8)
      let line = ["predict", "roots.firn", "--data", "x.csv", "--outputs", "root,other"]
      let run = CommandLineRunner.run(line, in: directory)
      #expect(run.output == "root,other\nnan,nan\n2.0,-2.0\n", "\(run.errors)")
    }
  }
}
