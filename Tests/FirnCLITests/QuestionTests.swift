import FirnFormats
import FirnGraph
import FirnOps
import Foundation
import Testing

@testable import FirnCLI

/// Which loss is meant, and what two files have in common.
@Suite struct QuestionTests {
  /// Writes graphs to files of a directory that is removed afterwards.
  private func withFiles(_ graphs: [String: Graph], _ body: (String) throws -> Void) throws {
    try CommandLineRunner.withDirectory { directory in
      for (name, graph) in graphs { try graph.write(to: directory + "/" + name) }
      try body(directory)
    }
  }

  private func model(_ name: String, extra: String? = nil) -> Graph {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 3])
    var value = x * graph.scope("first") { graph.variable("w", shape: [3]) }
    if let extra { value = value * graph.scope(extra) { graph.variable("w", shape: [3]) } }
    _ = graph.scope(name) { value.mean() }
    return graph
  }

  /// What a file says of its loss is not guessed, and `dot` knows it like the others.
  @Test(arguments: ["explain", "cost", "lint", "dot"]) func theLossThatTheFileNamesIsTaken(_ command: String)
    throws
  {
    let graph = model("one")
    let other = graph.placeholder("z", shape: [2]) * graph.variable("v", shape: [2])
    let loss = graph.scope("two") { other.sum() }
    try CommandLineRunner.withDirectory { directory in
      try graph.write(to: directory + "/m.firn", loss: loss)
      let result = CommandLineRunner.run([command, "m.firn"], in: directory)
      #expect(!result.errors.contains("not plain") && !result.output.isEmpty)
      let named = CommandLineRunner.run([command, "m.firn", "--loss", "two/reduce_sum"], in: directory)
      #expect(result.output == named.output)
      #expect(
        CommandLineRunner.run(["inspect", "m.firn"], in: directory).output.contains("loss: two/reduce_sum\n"))
    }
  }

  @Test func onlyAScalarOfTheGraphIsALoss() throws {
    let graph = model("one")
    let vector = graph.placeholder("z", shape: [2])
    try CommandLineRunner.withDirectory { directory in
      let error = #expect(throws: FirnError.self) {
        try graph.write(to: directory + "/m.firn", loss: vector)
      }
      #expect(error?.code == .notScalar)
      let foreign = #expect(throws: FirnError.self) {
        try graph.write(to: directory + "/m.firn", loss: Graph().constant(1))
      }
      #expect(foreign?.code == .unknownName)
      #expect(!FileManager.default.fileExists(atPath: directory + "/m.firn"))
    }
  }

  @Test(arguments: ["explain", "cost", "lint"]) func anAmbiguousLossIsAskedFor(_ command: String) throws {
    let graph = model("one")
    let other = graph.placeholder("z", shape: [2]) * graph.variable("v", shape: [2])
    _ = graph.scope("two") { other.sum() }
    try withFiles(["m.firn": graph]) { directory in
      let result = CommandLineRunner.run([command, "m.firn"], in: directory)
      #expect(result.code == 2 && result.output.isEmpty)
      #expect(
        result.errors.contains("not plain")
          && result.errors.contains("--loss: one/reduce_mean, two/reduce_sum"))
      #expect(
        CommandLineRunner.run([command, "m.firn", "--loss", "two/reduce_sum"], in: directory).code != 2)
    }
  }

  /// What needs no loss does not ask for one.
  @Test(arguments: [["inspect", "m.firn"], ["query", "m.firn", "**"], ["dot", "m.firn"]])
  func questionsWithoutALoss(_ line: [String]) throws {
    let graph = model("one")
    let other = graph.variable("v", shape: [2])
    _ = graph.scope("two") { other.sum() }
    try withFiles(["m.firn": graph]) { directory in
      #expect(CommandLineRunner.run(line, in: directory).code == 0)
    }
  }

  @Test func twoFilesAreCompared() throws {
    try withFiles(["a.firn": model("loss"), "b.firn": model("loss", extra: "second")]) { directory in
      let result = CommandLineRunner.run(["diff", "a.firn", "b.firn", "--json"], in: directory)
      #expect(result.code == 0)
      struct Answer: Decodable {
        struct Change: Decodable {
          var variable: String
          var before: String?
          var after: String?
        }
        var thawed: [String]
        var frozen: [String]
        var changes: [Change]
      }
      let answer = try JSONDecoder().decode(Answer.self, from: Data(result.output.utf8))
      #expect(answer.thawed == ["second/w"] && answer.frozen.isEmpty)
      #expect(answer.changes.map(\.variable) == ["second/w"])
      #expect(answer.changes[0].before == nil && answer.changes[0].after == "trained")
      let back = CommandLineRunner.run(["diff", "b.firn", "a.firn"], in: directory)
      #expect(back.output.contains("second/w  trained  absent"))
      let same = CommandLineRunner.run(["diff", "a.firn", "a.firn"], in: directory)
      #expect(same.output.contains("no variable changes its status"))
    }
  }

  /// Of two files an error says which is at fault.
  @Test func faultsOfOneOfTwoFilesNameIt() throws {
    try withFiles(["a.firn": model("loss"), "b.firn": model("loss", extra: "second")]) { directory in
      for (line, file) in [
        (["a.firn", "b.firn", "--freeze", "second"], "a.firn"),
        (["a.firn", "b.firn", "--against", "third"], "b.firn"),
        (["b.firn", "a.firn", "--loss", "mul_1"], "b.firn"),
      ] {
        let result = CommandLineRunner.run(["diff"] + line, in: directory)
        #expect(result.code == 2 && result.output.isEmpty)
        #expect(result.errors.contains("\n  at \(file)"), "\(line): \(result.errors)")
      }
    }
  }

  /// An expression that fits nothing is the line's fault, and no line of Firn's own source is.
  @Test(arguments: [
    "crossEntropy(mul, x)", "crossEntropy(mul, first/w)", "meanSquaredError(mul, y)",
  ]) func anAddedLossFitsWhatItIsOf(_ loss: String) throws {
    let graph = model("one")
    _ = graph.placeholder("y", shape: ["batch", 4])
    try withFiles(["m.firn": graph]) { directory in
      let result = CommandLineRunner.run(["cost", "m.firn", "--loss", loss], in: directory)
      #expect(result.code == 2 && result.output.isEmpty)
      #expect(result.errors.contains("at --loss '\(loss)'"), "\(result.errors)")
      #expect(!result.errors.contains(".swift") && result.errors.contains("i32 labels"), "\(result.errors)")
    }
  }

  @Test func pathsAreJSONToo() throws {
    try withFiles(["m.firn": model("loss", extra: "second")]) { directory in
      let line = ["inspect", "m.firn", "--paths"]
      let paths = ["first", "first/w", "second", "second/w"]
      #expect(CommandLineRunner.run(line, in: directory).output == paths.map { $0 + "\n" }.joined())
      let json = CommandLineRunner.run(line + ["--json"], in: directory).output
      let decoded = try JSONDecoder().decode([String].self, from: Data(json.utf8))
      #expect(decoded == paths)
      let both = CommandLineRunner.run(line + ["--summary"], in: directory)
      #expect(both.code == 2 && both.output.isEmpty)
      #expect(both.errors.contains("'--summary' says nothing beside '--paths'"), "\(both.errors)")
    }
  }

  /// What would be dropped in silence is refused, with what it lacks.
  @Test(arguments: [
    ("cost --bind batch=3,batch=4", "--bind gives `batch` twice"),
    ("cost --bind batch=3,,batch=4", "'' binds nothing"), ("cost --bind ''", "'' binds nothing"),
    ("cost --bandwidth 12.5", "'--bandwidth' needs '--world'"), ("cost --speed 1", "--world 8"),
    ("inspect --bind batch=2", "'--bind' needs '--summary'"),
    ("inspect --optimizer adam", "'--optimizer' needs '--summary'"),
    ("dot --out m.pdf", "'m.pdf' has no ending of a drawing"), ("dot --out a.b/m.dots", "--format"),
  ]) func whatSaysNothingIsRefused(_ line: String, _ words: String) throws {
    try withFiles(["m.firn": model("loss")]) { directory in
      let result = CommandLineRunner.run(CommandLineRunner.words(of: line) + ["m.firn"], in: directory)
      #expect(result.code == 2 && result.output.isEmpty)
      #expect(result.errors.contains(words), "\(result.errors)")
    }
  }

  /// Names that are bound are numbers in JSON too, and others stay names.
  @Test(arguments: [["cost"], ["inspect", "--summary"], ["diff", "--against", "first"]])
  func whatIsBoundIsBoundInJSON(_ command: [String]) throws {
    let graph = model("loss", extra: "second")
    _ = graph.scope("other") { graph.placeholder("z", shape: ["time"]).sum() }
    let line = command + ["m.firn", "--json", "--loss", "loss/reduce_mean"]
    try withFiles(["m.firn": graph]) { directory in
      let plain = CommandLineRunner.run(line, in: directory)
      #expect(plain.code == 0 && plain.output.contains("batch"), "\(plain.errors)")
      #expect(CommandLineRunner.run(line + ["--bind", "time=8"], in: directory).output.contains("batch"))
      let bound = CommandLineRunner.run(line + ["--bind", "time=8, batch=32"], in: directory)
      #expect(bound.code == 0, "\(bound.errors)")
      #expect(!bound.output.contains("*batch") && bound.output != plain.output)
    }
  }
}
